/**
 * Server-sent events for tests: a plain reader, independent of lib/stream, and the ways to cut a stream.
 * @module
 */

/** One event as it was sent. */
export interface SentEvent {
  /** The `event:` line; "" for none. */
  name: string;
  /** The `data:` lines, joined with line feeds. */
  data: string;
  /** Whether the blank line that ends an event was there. */
  isWhole: boolean;
}

/** One way to cut a stream. */
export interface Chunking {
  name: string;
  chunks: Uint8Array<ArrayBuffer>[];
}

/** All events with data, also a last one without its blank line. The whole text at once: no state, no tricks. */
export function parseSse(text: string): SentEvent[] {
  const blocks = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").split("\n\n");
  return blocks.flatMap((block, position) => {
    const lines = block.split("\n");
    const data = readFields(lines, "data");
    const isWhole = position < blocks.length - 1;
    const name = readFields(lines, "event").at(-1) ?? "";
    return data.length === 0 ? [] : [{ name, data: data.join("\n"), isWhole }];
  });
}

/** The same stream, cut in every way that a reader must not notice. Each chunk has a buffer of its own. */
export function chunkings(sse: string): Chunking[] {
  const bytes = new TextEncoder().encode(sse);
  const events = sse.split(/(?<=\n\n)/);
  const crlf = sse.replaceAll("\n", "\r\n").split(/(?<=\r)/);
  return [
    { name: "whole", chunks: [bytes] },
    { name: "per event", chunks: encodeAll(events) },
    { name: "every byte", chunks: cut(bytes, () => 1) },
    { name: "CRLF, cut inside", chunks: encodeAll(crlf) },
    { name: "at random", chunks: cut(bytes, createRandom(sse.length)) },
  ];
}

/** A stream of the chunks, as a fetch body is one: bytes, read as they are asked for. */
export function toBody(
  chunks: readonly Uint8Array<ArrayBuffer>[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const waiting = chunks.filter((chunk) => chunk.length > 0).values();
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const next = waiting.next();
      if (!next.done) return controller.enqueue(next.value.slice());
      controller.close();
      // A read that was waiting for bytes ends only when it is answered.
      controller.byobRequest?.respond(0);
    },
  });
}

function readFields(lines: readonly string[], field: string): string[] {
  return lines.flatMap((line) => {
    if (line === field) return [""];
    if (!line.startsWith(`${field}:`)) return [];
    return [line.slice(field.length + 1).replace(/^ /, "")];
  });
}

function encodeAll(texts: readonly string[]): Uint8Array<ArrayBuffer>[] {
  return texts.map((text) => new TextEncoder().encode(text));
}

function cut(bytes: Uint8Array<ArrayBuffer>, nextLength: () => number): Uint8Array<ArrayBuffer>[] {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = start + nextLength();
    chunks.push(bytes.slice(start, end));
    start = end;
  }
  return chunks;
}

/** Lengths from 1 to 64, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + (state >>> 26);
  };
}
