/**
 * `check`, its part on the port: free, taken by this very proxy, or taken by something else.
 * @module
 */

import type { Config } from "../../config.ts";
import type { Finding } from "./report.ts";
import { describeFlag, mayReach, toListenAddress } from "../environment.ts";

const WAIT_MS = 1000;

/** Listens for a moment, and asks who is there where that fails. */
export async function checkPort(config: Pick<Config, "host" | "port">): Promise<Finding> {
  const topic = "port";
  const address = toListenAddress(config);
  if (!mayReach(address)) {
    const says = `not checked: no permission for ${describeFlag(address)}`;
    return { topic, state: "unchecked", message: says };
  }
  try {
    Deno.listen({ hostname: config.host, port: config.port }).close();
    return {
      topic,
      state: "ok",
      message: config.port === 0 ? "any free one" : `${address} is free`,
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) {
      const says = `cannot listen on ${address}`;
      return { topic, state: "failed", message: says, hint: "check HOST and PORT" };
    }
  }
  if (await isProxy(config)) {
    const says = `${address} is in use by a proxy like this one, which answers /health`;
    return {
      topic,
      state: "warning",
      message: says,
      hint: "stop it before you start another, or set PORT",
    };
  }
  const says = `${address} is in use by another program`;
  return { topic, state: "failed", message: says, hint: "set PORT to a free one" };
}

/**
 * Whether our own kind listens there. Not by fetch, which goes through HTTP_PROXY even to this machine, and
 * which only the client of upstream may call.
 */
async function isProxy({ host, port }: Pick<Config, "host" | "port">): Promise<boolean> {
  const hostname = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  if (!mayReach(toListenAddress({ host: hostname, port }))) return false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    using connection = await Deno.connect({ hostname, port });
    timer = setTimeout(() => connection.close(), WAIT_MS);
    const request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    const answer = await readSome(connection);
    return /^HTTP\/1\.1 200 /.test(answer) && /^request-id: req_/im.test(answer) &&
      answer.includes('{"status":"ok"}');
  } catch {
    // Refused, reset, or closed because it kept silent.
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** What comes until the other side closes, or until it is more than a health answer. */
async function readSome(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let text = "";
  while (text.length < 4096) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}
