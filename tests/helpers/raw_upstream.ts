/**
 * A fake upstream on TCP: the test writes every byte of a response, ends the connection, and can wait for the proxy
 * to disconnect. Every chat request is checked.
 * @module
 */

import { checkChatRequest } from "./openrouter_request_checker.ts";
import { isSettled } from "./timeout.ts";

/** One connection, with the request that came over it. */
export interface RawCall {
  /** Request line and headers. */
  headers: string;
  /** The parsed request body; `{}` if it is not read. */
  body: Record<string, unknown>;
  /** Writes bytes; false if the proxy has disconnected. */
  send(bytes: string | Uint8Array): Promise<boolean>;
  /** Writes bytes as one HTTP chunk. */
  chunk(bytes: string | Uint8Array): Promise<boolean>;
  /** Resolves when the proxy has closed the connection. */
  disconnected: Promise<void>;
}

/** Responds on one connection, which is closed when the script returns. */
export type RawScript = (call: RawCall) => unknown;

/** Options of the connections. */
export interface RawOptions {
  /**
   * Does not read the request body, so that closing the connection sends a reset: TCP does so if unread data is
   * discarded. Such a script cannot wait for the proxy to disconnect.
   */
  resets?: boolean;
}

/** A running raw upstream. Stop it with `await using`. */
export interface RawUpstream extends AsyncDisposable {
  /** The value for OPENROUTER_BASE_URL. */
  baseUrl: string;
  calls: RawCall[];
  /** The number of open connections. */
  readonly open: number;
  /** Waits for this number of requests. */
  arrived(count: number): Promise<void>;
}

/** The headers of a chunked event stream. */
export const STREAM_HEADERS = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
  "connection: close\r\ntransfer-encoding: chunked\r\n\r\n";
/** The end of a chunked body, without which the body is cut off. */
export const LAST_CHUNK = "0\r\n\r\n";

const encoder = new TextEncoder();

/** A complete response with its content-length. */
export function rawResponse(
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string> = { "content-type": "application/json" },
): Uint8Array {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const fields = { ...headers, "content-length": String(bytes.length), connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return concat(encoder.encode(`HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`), bytes);
}

/** Starts an upstream that runs the same script for every connection. */
export function startRawUpstream(script: RawScript, options: RawOptions = {}): RawUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const upstream = new RunningUpstream(listener, script, options);
  return upstream;
}

class RunningUpstream implements RawUpstream {
  readonly baseUrl: string;
  readonly calls: RawCall[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #script: RawScript;
  readonly #options: RawOptions;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;
  readonly #handling = new Set<Promise<void>>();
  #failure: unknown;
  #onArrival: () => void = () => {};

  constructor(listener: Deno.TcpListener, script: RawScript, options: RawOptions) {
    this.#listener = listener;
    this.#script = script;
    this.#options = options;
    this.baseUrl = `http://127.0.0.1:${listener.addr.port}/api/v1`;
    this.#serving = this.#accept();
  }

  get open(): number {
    return this.#connections.size;
  }

  async arrived(count: number): Promise<void> {
    while (this.calls.length < count) {
      await new Promise<void>((resolve) => this.#onArrival = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    // Closes open connections, as a script that still waits for the proxy would block the test.
    for (const connection of this.#connections) close(connection);
    if (!await isSettled(this.#handling)) {
      throw new Error(
        `${this.#handling.size} scripts of the raw upstream are still running`,
      );
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      const handled = this.#handle(connection).catch((error) => this.#failure ??= error);
      this.#handling.add(handled);
      handled.finally(() => this.#handling.delete(handled));
    }
  }

  async #handle(connection: Deno.TcpConn): Promise<void> {
    try {
      const request = await readRequest(connection, this.#options.resets ?? false);
      if (request === null) return;
      if (request.text !== "") checkChatRequest(request.body);
      const disconnected = this.#options.resets ? Promise.resolve() : watch(connection);
      const send = (bytes: string | Uint8Array) => write(connection, bytes);
      const chunk = (bytes: string | Uint8Array) => send(frame(bytes));
      const call: RawCall = {
        headers: request.headers,
        body: request.body,
        send,
        chunk,
        disconnected,
      };
      this.calls.push(call);
      this.#onArrival();
      await this.#script(call);
    } finally {
      close(connection);
      this.#connections.delete(connection);
    }
  }
}

interface RawRequest {
  headers: string;
  text: string;
  body: Record<string, unknown>;
}

/** Reads the headers byte by byte, then the body; null if there is no complete request. */
async function readRequest(
  connection: Deno.TcpConn,
  skipsBody: boolean,
): Promise<RawRequest | null> {
  let headers = "";
  const byte = new Uint8Array(1);
  while (!headers.endsWith("\r\n\r\n")) {
    if (await connection.read(byte).catch(() => null) === null) return null;
    headers += String.fromCharCode(byte[0] ?? 0);
  }
  if (skipsBody) return { headers, text: "", body: {} };
  const length = Number(/content-length: *(\d+)/i.exec(headers)?.[1] ?? 0);
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const count = await connection.read(bytes.subarray(got)).catch(() => null);
    if (count === null) return null;
    got += count;
  }
  const text = new TextDecoder().decode(bytes);
  return { headers, text, body: text === "" ? {} : JSON.parse(text) };
}

/** Reads until the end of the connection. */
async function watch(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // A reset, or closed by this side: the proxy is disconnected in both cases.
  }
}

async function write(connection: Deno.TcpConn, data: string | Uint8Array): Promise<boolean> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    return true;
  } catch {
    return false;
  }
}

function frame(data: string | Uint8Array): Uint8Array {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const start = encoder.encode(`${bytes.length.toString(16)}\r\n`);
  return concat(start, bytes, encoder.encode("\r\n"));
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Already closed, by the end of the script or of the test.
  }
}
