/**
 * A fast upstream for the soak test over TCP: paced streams of known words, responses of any size, and the time at
 * which the proxy closed each connection.
 * @module
 */

const encoder = new TextEncoder();
const HEADERS = encoder.encode(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n" +
    "transfer-encoding: chunked\r\n\r\n",
);
const TICK_MS = 20;
const FLOOD_WORD = "0123456789abcdef".repeat(512);

/** The stream that a request orders in its first message. */
export interface StreamOrder {
  /** Part of every word of the stream. */
  id: number;
  /** The number of words, one per chunk. */
  words: number;
  /** Milliseconds between words; 0: as fast as the proxy reads. */
  paceMs: number;
}

/** One word of a stream. */
export function toWord(id: number, number: number): string {
  return `s${id}w${number} `;
}

/** A word of 8 KB, for a stream at full speed. */
export function toFloodWord(): string {
  return FLOOD_WORD;
}

interface Stream {
  connection: Deno.TcpConn;
  order: StreamOrder;
  sent: number;
  dueAt: number;
  isClosed: boolean;
}

/** A running upstream. */
export class SoakUpstream implements Disposable {
  readonly baseUrl: string;
  /** Order id → when the proxy closed the connection. */
  readonly closedAt = new Map<number, number>();
  /** Bytes that were written at full speed. */
  floodBytes = 0;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #paced = new Set<Stream>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.baseUrl = `http://127.0.0.1:${this.#listener.addr.port}/api/v1`;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#accept();
  }

  /** The number of open connections. */
  get open(): number {
    return this.#connections.size;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#listener.close();
    for (const connection of this.#connections) this.#close(connection);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      this.#serve(connection).catch(() => {}).finally(() => this.#close(connection));
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    connection.setNoDelay(true);
    const order = readOrder(await readRequest(connection));
    // The model list, and all other requests.
    if (order === null) {
      await connection.write(
        encoder.encode("HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
      );
      return;
    }
    await writeAll(connection, HEADERS);
    const stream: Stream = {
      connection,
      order,
      sent: 0,
      dueAt: performance.now(),
      isClosed: false,
    };
    if (order.paceMs === 0) this.#flood(stream).catch(() => {});
    else this.#paced.add(stream);
    const byte = new Uint8Array(64);
    try {
      while (await connection.read(byte) !== null);
    } catch {
      // Reset.
    }
    stream.isClosed = true;
    this.#paced.delete(stream);
    this.closedAt.set(order.id, performance.now());
  }

  #tick(): void {
    const now = performance.now();
    for (const stream of this.#paced) {
      if (stream.dueAt > now) continue;
      stream.dueAt += stream.order.paceMs;
      const { id, words } = stream.order;
      const text = stream.sent < words ? toChunk(toWord(id, stream.sent++)) : END;
      if (text === END) this.#paced.delete(stream);
      writeAll(stream.connection, encoder.encode(text)).catch(() => {});
    }
  }

  async #flood(stream: Stream): Promise<void> {
    const bytes = encoder.encode(toChunk(FLOOD_WORD));
    for (; stream.sent < stream.order.words && !stream.isClosed; stream.sent++) {
      await writeAll(stream.connection, bytes);
      this.floodBytes += bytes.length;
    }
    await writeAll(stream.connection, encoder.encode(END));
  }

  #close(connection: Deno.TcpConn): void {
    this.#connections.delete(connection);
    try {
      connection.close();
    } catch {
      // Closed already.
    }
  }
}

function toEvent(chunk: unknown): string {
  const event = `data: ${JSON.stringify(chunk)}\n\n`;
  return `${encoder.encode(event).length.toString(16)}\r\n${event}\r\n`;
}

function toChunk(content: string): string {
  return toEvent({ id: "gen-1", choices: [{ index: 0, delta: { content }, finish_reason: null }] });
}

const END = toEvent({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
  "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

function readOrder(body: string): StreamOrder | null {
  const found = /order:(\d+):(\d+):(\d+):/.exec(body);
  return found === null
    ? null
    : { id: Number(found[1]), words: Number(found[2]), paceMs: Number(found[3]) };
}

/** The headers and body of a small request. */
async function readRequest(connection: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    const end = text.indexOf("\r\n\r\n");
    const length = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    if (end !== -1 && text.length >= end + 4 + length) return text;
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}
