// Fake upstream in its own process: plain TCP and bytes rendered once, so that its own cost does not count. The model
// of a request, `bench/<kind>`, selects the stream. Prints its port.

import { createSample, type Kind, KINDS } from "./samples.ts";

/**
 * Pauses between two pieces. Without them several pieces wait in a socket, and a server that forwards bytes unchanged
 * reads them all at once, which is not one chunk per read.
 */
const PACE_MS: Partial<Record<Kind, number>> = { one: 4, tools: 4, slow: 200 };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEADERS = encoder.encode(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
);

function frame(piece: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(piece);
  return concat([
    encoder.encode(`${bytes.length.toString(16)}\r\n`),
    bytes,
    encoder.encode("\r\n"),
  ]);
}

function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const rendered = new Map<Kind, Uint8Array[]>();

/** The writes of a kind. A short response is a single write, to save the load generator work. */
function render(kind: Kind): Uint8Array[] {
  const cached = rendered.get(kind);
  if (cached !== undefined) return cached;
  const frames = createSample(kind).pieces.map(frame);
  frames.push(encoder.encode("0\r\n\r\n"));
  const writes = kind === "short" ? [concat(frames)] : frames;
  rendered.set(kind, writes);
  return writes;
}

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  try {
    for (;;) {
      const kind = await readRequest(conn, buffer);
      if (kind === null) return;
      await respond(conn, kind);
    }
  } catch {
    // The proxy closed the connection.
  } finally {
    conn.close();
  }
}

/** Reads one request with its body. */
async function readRequest(conn: Deno.Conn, buffer: Uint8Array): Promise<Kind | null> {
  let filled = 0;
  for (;;) {
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) return null;
    filled += count;
    const text = decoder.decode(buffer.subarray(0, Math.min(filled, 4096)));
    const headersEnd = text.indexOf("\r\n\r\n");
    if (headersEnd === -1) continue;
    const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    if (length === undefined) {
      const end = decoder.decode(buffer.subarray(filled - 5, filled));
      if (!text.startsWith("GET") && end !== "0\r\n\r\n") continue;
    } else if (filled < headersEnd + 4 + Number(length)) continue;
    return toKind(/"model":"bench\/(\w+)"/.exec(text)?.[1]);
  }
}

/** The request for the model list at the start names no kind, and gets a stream that the proxy cannot parse. */
function toKind(name: string | undefined): Kind {
  return KINDS.find((kind) => kind === name) ?? "short";
}

async function respond(conn: Deno.Conn, kind: Kind): Promise<void> {
  const [first = new Uint8Array(), ...rest] = render(kind);
  const pause = PACE_MS[kind];
  await writeAll(conn, concat([HEADERS, first]));
  for (const frame of rest) {
    if (pause !== undefined) await new Promise((resolve) => setTimeout(resolve, pause));
    await writeAll(conn, frame);
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await conn.write(bytes.subarray(done));
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
Deno.stdout.writeSync(encoder.encode(`${listener.addr.port}\n`));
for await (const conn of listener) {
  conn.setNoDelay(true);
  serve(conn);
}
