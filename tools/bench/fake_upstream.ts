/**
 * The fake upstream of the benches, a process of its own: plain TCP and bytes rendered once, so that it is
 * never what is measured. The model of a request, `bench/<kind>`, says which stream it gets. Prints its port.
 */

import { createSample, type Kind, KINDS } from "./samples.ts";

/**
 * Pauses between two pieces. Without one several pieces wait in a socket, and whoever hands bytes on untouched
 * takes them all at once: that would not be one chunk a read.
 */
const PACE_MS: Partial<Record<Kind, number>> = { one: 4, tools: 4, slow: 200 };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEAD = encoder.encode(
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
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

const rendered = new Map<Kind, Uint8Array[]>();

/** What is written for a kind, write by write. A short answer is one write, to spare the generator. */
function render(kind: Kind): Uint8Array[] {
  const known = rendered.get(kind);
  if (known !== undefined) return known;
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
      await answer(conn, kind);
    }
  } catch {
    // The proxy let go of the connection: that is its right.
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
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd === -1) continue;
    const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    if (length === undefined) {
      const end = decoder.decode(buffer.subarray(filled - 5, filled));
      if (!text.startsWith("GET") && end !== "0\r\n\r\n") continue;
    } else if (filled < headEnd + 4 + Number(length)) continue;
    return toKind(/"model":"bench\/(\w+)"/.exec(text)?.[1]);
  }
}

/** The start's question for the list of models names no kind and gets what it cannot read, once. */
function toKind(name: string | undefined): Kind {
  return KINDS.find((kind) => kind === name) ?? "short";
}

async function answer(conn: Deno.Conn, kind: Kind): Promise<void> {
  const [first = new Uint8Array(), ...rest] = render(kind);
  const pause = PACE_MS[kind];
  await writeAll(conn, concat([HEAD, first]));
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
