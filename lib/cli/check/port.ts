/**
 * Checks whether the port is free, in use by this proxy, or in use by another program.
 * @module
 */

import type { Config } from "../../config.ts";
import type { Finding } from "./report.ts";
import { describeFlag, mayReach, toListenAddress } from "../environment.ts";

const TIMEOUT_MS = 1000;

/** Tries to listen on the port; if it is in use, requests `/health` from it. */
export async function checkPort(config: Pick<Config, "host" | "port">): Promise<Finding> {
  const topic = "port";
  const address = toListenAddress(config);
  if (!mayReach(address)) {
    const message = `not checked: no permission for ${describeFlag(address)}`;
    return { topic, state: "unchecked", message };
  }
  try {
    Deno.listen({ hostname: config.host, port: config.port }).close();
    const message = config.port === 0 ? "any free port" : `${address} is free`;
    return { topic, state: "ok", message };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) {
      const message = `cannot listen on ${address}`;
      return { topic, state: "failed", message, hint: "check HOST and PORT" };
    }
  }
  if (await isProxy(config)) {
    const message = `${address} is in use by another instance of this proxy`;
    const hint = "stop it before you start another, or set PORT";
    return { topic, state: "warning", message, hint };
  }
  const message = `${address} is in use by another program`;
  return { topic, state: "failed", message, hint: "set PORT to a free one" };
}

/** Whether this proxy listens there. Without fetch, which uses HTTP_PROXY even for this machine. */
async function isProxy({ host, port }: Pick<Config, "host" | "port">): Promise<boolean> {
  const hostname = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  if (!mayReach(toListenAddress({ host: hostname, port }))) return false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    using connection = await Deno.connect({ hostname, port });
    timer = setTimeout(() => connection.close(), TIMEOUT_MS);
    const request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    const response = await readStart(connection);
    return /^HTTP\/1\.1 200 /.test(response) && /^request-id: req_/im.test(response) &&
      response.includes('{"status":"ok"}');
  } catch {
    // Refused, reset, or closed by the timer.
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads until the connection is closed, or until more has arrived than a response of `/health`. */
async function readStart(connection: Deno.Conn): Promise<string> {
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
