// The growing buffer for bodies: lib/stream/byte_buffer.ts.

import { assertEquals } from "@std/assert";
import { ByteBuffer } from "../../lib/stream/byte_buffer.ts";

const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value);

Deno.test("ByteBuffer joins its pieces, although the reader overwrites them", () => {
  const buffer = new ByteBuffer();
  const piece = Uint8Array.of(1, 2);
  buffer.push(piece);
  piece.set([3, 4]);
  buffer.push(piece);
  buffer.push(Uint8Array.of());
  buffer.push(Uint8Array.of(5));
  assertEquals([[...buffer.bytes()], buffer.length], [[1, 2, 3, 4, 5], 5]);
});

Deno.test("ByteBuffer takes no memory before its first piece unless a length is expected", () => {
  for (const [buffer, capacity] of [[new ByteBuffer(), 0], [new ByteBuffer(10), 10]] as const) {
    assertEquals([buffer.length, buffer.capacity, buffer.bytes().length], [0, capacity, 0]);
  }
});

Deno.test("ByteBuffer does not grow while the expected length is enough", () => {
  const buffer = new ByteBuffer(10);
  for (const length of [3, 7]) buffer.push(bytes(length));
  assertEquals([buffer.length, buffer.capacity], [10, 10]);
});

Deno.test("ByteBuffer grows by half, rounded up, or to what a large piece needs", () => {
  for (const [length, capacity] of [[1, 17], [6, 17], [7, 18], [100, 111]] as const) {
    const buffer = new ByteBuffer(11);
    buffer.push(bytes(11, 1));
    buffer.push(bytes(length, 2));
    assertEquals([buffer.length, buffer.capacity], [11 + length, capacity]);
    assertEquals([...buffer.bytes()], [...bytes(11, 1), ...bytes(length, 2)]);
  }
});

Deno.test("ByteBuffer that is released frees its memory at once and can be filled again", () => {
  const buffer = new ByteBuffer();
  buffer.push(bytes(100));
  buffer.release();
  assertEquals([buffer.length, buffer.capacity], [0, 0]);
  buffer.push(bytes(2));
  assertEquals([...buffer.bytes()], [7, 7]);
});
