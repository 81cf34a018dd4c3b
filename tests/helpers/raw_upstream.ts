/**
 * An upstream on raw TCP: the test writes every byte, says when and how the connection ends, and learns when the
 * proxy has let go. Knows HTTP framing, nothing of what is framed.
 * What the proxy asks must be a valid chat request, whatever the test is about.
 * @module
 */

import { checkChatRequest } from "./openrouter_request_checker.ts";
import { isSettled } from "./timeout.ts";

/** One connection, with the request that came over it. */
export interface RawCall {
  /** Request line and headers. */
  head: string;
  /** The parsed body of the request; `{}` where it is left unread. */
  body: Record<string, unknown>;
  /** Writes bytes as they are; false where the proxy has left. */
  send(bytes: string | Uint8Array): Promise<boolean>;
  /** Writes bytes as one HTTP chunk. */
  chunk(bytes: string | Uint8Array): Promise<boolean>;
  /** Resolves when the proxy has closed the connection. */
  disconnected: Promise<void>;
}

/** Answers one connection, which is closed when it returns. */
export type RawScript = (call: RawCall) => unknown;

/** How the connections behave besides their script. */
export interface RawOptions {
  /**
   * The body of the request stays unread, so that closing the connection sends a reset: this is how TCP tells
   * that unread bytes were thrown away. Such a script cannot see the proxy leave.
   */
  resets?: boolean;
}

/** A running raw upstream. Stop it with `await using`. */
export interface RawUpstream extends AsyncDisposable {
  /** The value for OPENROUTER_BASE_URL. */
  baseUrl: string;
  calls: RawCall[];
  /** How many connections are open. */
  readonly open: number;
  /** Resolves as soon as so many connections have brought a request. */
  arrived(count: number): Promise<void>;
}

/** The head of a chunked event stream. */
export const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
  "connection: close\r\ntransfer-encoding: chunked\r\n\r\n";
/** What ends a chunked body: without it the body was cut. */
export const LAST_CHUNK = "0\r\n\r\n";

const encoder = new TextEncoder();

/** A whole answer with its length. */
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

/** Starts an upstream that answers every connection by the same script. */
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
    // A script that still waits for the proxy would hold the test: what is open now is cut.
    for (const connection of this.#connections) close(connection);
    if (!await isSettled(this.#handling)) {
      throw new Error(
        `${this.#handling.size} scripts of the raw upstream wait for what never comes`,
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
      const call: RawCall = { head: request.head, body: request.body, send, chunk, disconnected };
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
  head: string;
  text: string;
  body: Record<string, unknown>;
}

/** Reads exactly the head, byte by byte, and then exactly the body; null where nobody asked anything. */
async function readRequest(
  connection: Deno.TcpConn,
  leavesBody: boolean,
): Promise<RawRequest | null> {
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n")) {
    if (await connection.read(byte).catch(() => null) === null) return null;
    head += String.fromCharCode(byte[0] ?? 0);
  }
  if (leavesBody) return { head, text: "", body: {} };
  const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const count = await connection.read(bytes.subarray(got)).catch(() => null);
    if (count === null) return null;
    got += count;
  }
  const text = new TextDecoder().decode(bytes);
  return { head, text, body: text === "" ? {} : JSON.parse(text) };
}

/** Reads on to learn of the end: nothing more is sent on the connection but its end. */
async function watch(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // A reset, or closed from our side: the proxy is gone all the same.
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
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed twice: by its script's end and by the end of the test.
  }
}
