/**
 * A TCP client that sends any bytes, reads at any speed, and disconnects at any time.
 * @module
 */

import { readDisconnectSignal } from "../../lib/disconnect_signal.ts";

/** A connection to the proxy. Close it with `using`. */
export interface RawClient extends Disposable {
  send(bytes: string | Uint8Array): Promise<void>;
  /** Reads at most this many bytes; null at the end. */
  read(most?: number): Promise<Uint8Array | null>;
  /** Reads until the end of the connection or until a text, for at most ten seconds. */
  readText(until?: string): Promise<string>;
  disconnect(): void;
}

const READ_TIMEOUT_MS = 10_000;
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
      const parts: string[] = [];
      // Searches only the end of the text: searching all of it after each read would be quadratic.
      let tail = "";
      const timer = setTimeout(() => client.disconnect(), READ_TIMEOUT_MS);
      try {
        while (until === undefined || !tail.includes(until)) {
          // A server that rejects a request before it has read all of it may reset the connection.
          const bytes = await client.read().catch(() => null);
          if (bytes === null) break;
          const part = decoder.decode(bytes, { stream: true });
          parts.push(part);
          tail = tail.slice(-100) + part;
        }
      } finally {
        clearTimeout(timer);
      }
      return parts.join("");
    },
    disconnect() {
      try {
        connection.close();
      } catch {
        // Already closed.
      }
    },
    [Symbol.dispose]: () => client.disconnect(),
  };
  return client;
}

/** A `POST /v1/messages` as text, headers and body. */
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

/** Decodes the body of a chunked response. */
export function unframe(response: string): string {
  const start = response.indexOf("\r\n\r\n") + 4;
  const bytes = encoder.encode(response.slice(start));
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
 * Whether `request.signal` reports a disconnect before the response headers if the request has several packets.
 * Deno 2.5 does; 2.9.6 does only if the request came in one packet.
 */
export async function reportsDisconnect(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      readDisconnectSignal(request).addEventListener("abort", () => resolve(true));
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
  const reports = await promise;
  await server.shutdown();
  return reports;
}
