/**
 * Requests the figures of one session from a proxy's `GET /stats`.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";

/** A session has less than 2 KB. */
const MAX_BYTES = 64 * 1024;
/** What a header can carry; anything else would end it. */
const HEADER_VALUE = /^[\x21-\x7e]+$/;

/** Where to find the figures. */
export interface SessionQuery {
  /** The address of the proxy. */
  baseUrl: string;
  /** A key of the proxy; null for none. */
  key: string | null;
  sessionId: string;
}

/** The session with unchecked values, or why there is none. */
export type SessionResult = JsonObject | "unknown" | "refused" | "unreachable";

interface PlainResponse {
  status: number;
  text: string;
}

/**
 * Requests a session. Never throws.
 * @param signal aborts when the time is over
 */
export async function requestSession(
  query: SessionQuery,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { promise: aborted, resolve } = Promise.withResolvers<"unreachable">();
  const onAbort = () => resolve("unreachable");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return signal.aborted ? "unreachable" : await Promise.race([aborted, request(query, signal)]);
  } catch {
    return "unreachable";
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function request(
  { baseUrl, key, sessionId }: SessionQuery,
  signal: AbortSignal,
): Promise<SessionResult> {
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/stats`);
  url.searchParams.set("session", sessionId);
  const headers: Record<string, string> = key !== null && HEADER_VALUE.test(key)
    ? { "x-api-key": key }
    : {};
  const send = url.protocol === "http:" ? sendPlain : sendFetch;
  const { status, text } = await send(url, headers, signal);
  if (status === 404) return "unknown";
  if (status === 401 || status === 403) return "refused";
  const session = status === 200 ? parseJson(text) : undefined;
  return isJsonObject(session) ? session : "unreachable";
}

async function sendFetch(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<PlainResponse> {
  const response = await fetch(url, { headers, signal, redirect: "error" });
  const text = await readAtMost(response.body ?? new ReadableStream());
  return { status: response.status, text };
}

/** HTTP/1.0 over a socket: the first `fetch` of a process takes some 40 ms, more than everything else together. */
async function sendPlain(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<PlainResponse> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const connection = await Deno.connect({ hostname, port: Number(url.port || 80) });
  const close = () => connection.close();
  // It may have been aborted while it connected.
  if (signal.aborted) {
    close();
    return { status: 0, text: "" };
  }
  signal.addEventListener("abort", close, { once: true });
  const lines = Object.entries({ host: url.host, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET ${url.pathname}${url.search} HTTP/1.0\r\n${lines.join("")}\r\n`;
  try {
    // Short enough for one write.
    await connection.write(new TextEncoder().encode(head));
    return parseResponse(await readAtMost(readChunks(connection)));
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}

function parseResponse(response: string): PlainResponse {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(response) ?? [];
  const end = response.indexOf("\r\n\r\n");
  return { status: Number(status ?? 0), text: end === -1 ? "" : response.slice(end + 4) };
}

async function* readChunks(connection: Deno.Conn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(4096);
  for (let count; (count = await connection.read(buffer)) !== null;) {
    yield buffer.subarray(0, count);
  }
}

/** @throws {Error} for a longer text */
async function readAtMost(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let length = 0;
  let text = "";
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new Error("The response is too long");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
