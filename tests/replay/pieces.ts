/**
 * Chunkings of a recorded body. They must not affect the result.
 * @module
 */

/** Cuts a body into chunks. */
export type Cut = (body: string) => Uint8Array<ArrayBuffer>[];

const encoder = new TextEncoder();

/** In one chunk. */
export const whole: Cut = (body) => [encoder.encode(body)];

/** A chunk for each event. */
export const byEvent: Cut = (body) =>
  body.split(/(?<=\n\r?\n)/).map((event) => encoder.encode(event));

/** A chunk for each byte. */
export const byByte: Cut = (body) => cutBytes(body, () => 1);

/** Pseudo-random chunks of 1 to 256 bytes, mostly short; the same for the same body. */
export const byChance: Cut = (body) => {
  let state = body.length >>> 0;
  return cutBytes(body, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + (state >>> (24 + (state >>> 8) % 6));
  });
};

function cutBytes(body: string, nextLength: () => number): Uint8Array<ArrayBuffer>[] {
  const bytes = encoder.encode(body);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = start + nextLength();
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}
