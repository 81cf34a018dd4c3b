/**
 * Server-sent events: a simple parser, independent of lib/stream, and the chunkings of a stream.
 * @module
 */

/** One server-sent event. */
export interface SentEvent {
  /** The value of `event:`, or "". */
  name: string;
  /** The `data:` lines, joined with line feeds. */
  data: string;
  /** Whether a blank line ended the event. */
  isWhole: boolean;
}

/** One way to split a stream into chunks. */
export interface Chunking {
  name: string;
  chunks: Uint8Array<ArrayBuffer>[];
}

/** All events with data, including a last one without its blank line. */
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

/** The same stream in different chunks, which must not change its events. Each chunk has its own buffer. */
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

/** A byte stream of these chunks, like the body of a fetch. */
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
      // A pending BYOB read ends only with a response.
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

/** Pseudorandom lengths from 1 to 64, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + (state >>> 26);
  };
}
