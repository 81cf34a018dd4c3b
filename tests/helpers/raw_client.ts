/**
 * A client on raw TCP: it sends bytes that no HTTP library would, reads at the speed a test wants, and leaves
 * when it wants. Knows HTTP framing, nothing of what is framed.
 * @module
 */

/** A connection to the proxy. Close it with `using`. */
export interface RawClient extends Disposable {
  send(bytes: string | Uint8Array): Promise<void>;
  /** At most so many bytes; null at the end. */
  read(most?: number): Promise<Uint8Array | null>;
  /** Everything up to the end of the connection, or up to a text. Fails after ten seconds of waiting. */
  readText(until?: string): Promise<string>;
  disconnect(): void;
}

const PATIENCE_MS = 10_000;
const encoder = new TextEncoder();

/** Connects to the origin of a URL. */
export async function connect(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const client: RawClient = {
    async send(data) {
      const bytes = typeof data === "string" ? encoder.encode(data) : data;
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    },
    async read(most = 64 * 1024) {
      const buffer = new Uint8Array(most);
      const count = await connection.read(buffer);
      return count === null ? null : buffer.subarray(0, count);
    },
    async readText(until) {
      const decoder = new TextDecoder();
      const pieces: string[] = [];
      // Only the end is searched: looking through all that came for each read would be quadratic.
      let tail = "";
      const timer = setTimeout(() => client.disconnect(), PATIENCE_MS);
      try {
        while (until === undefined || !tail.includes(until)) {
          // A server that refuses a request before it has read all of it may end in a reset.
          const bytes = await client.read().catch(() => null);
          if (bytes === null) break;
          const piece = decoder.decode(bytes, { stream: true });
          pieces.push(piece);
          tail = tail.slice(-100) + piece;
        }
      } finally {
        clearTimeout(timer);
      }
      return pieces.join("");
    },
    disconnect() {
      try {
        connection.close();
      } catch {
        // Closed already.
      }
    },
    [Symbol.dispose]: () => client.disconnect(),
  };
  return client;
}

/** A `POST /v1/messages` as bytes: head and body in one piece. */
export function rawPost(url: string, body: unknown, headers: Record<string, string> = {}): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const length = encoder.encode(text).length;
  const fields = {
    host: new URL(url).host,
    "content-type": "application/json",
    "content-length": String(length),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /v1/messages HTTP/1.1\r\n${lines.join("")}\r\n${text}`;
}

/** The body of a chunked answer without its framing. */
export function unframe(answer: string): string {
  const start = answer.indexOf("\r\n\r\n") + 4;
  const bytes = encoder.encode(answer.slice(start));
  const decoder = new TextDecoder();
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const line = bytes.indexOf(13, at);
    const length = parseInt(decoder.decode(bytes.subarray(at, line)), 16);
    if (!(length > 0)) break;
    parts.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return parts.map((part) => decoder.decode(part, { stream: true })).join("");
}

/**
 * Whether `request.signal` tells that a client has left before the head of the answer, its body being several
 * packets long. Deno 2.5 does; 2.9.6 only where the body came in one piece with the head.
 */
export async function reportsDisconnect(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      request.signal.addEventListener("abort", () => resolve(true));
      await request.text();
      client.disconnect();
      const timer = setTimeout(() => resolve(false), 200);
      await promise;
      clearTimeout(timer);
      return new Response();
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const client = await connect(url);
  await client.send(rawPost(url, "x".repeat(100_000)));
  const tells = await promise;
  await server.shutdown();
  return tells;
}
