// Stand-in for `@std/crypto/timing-safe-equal`, used where JSR cannot be reached.

/**
 * Compares two byte sequences without stopping at the first difference. Other lengths are a
 * TypeError, as in std since 1.1.0.
 */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike,
  b: ArrayBufferView | ArrayBufferLike,
): boolean {
  if (a.byteLength !== b.byteLength) {
    throw new TypeError(
      `Cannot compare buffers of different byte lengths (${a.byteLength} vs ${b.byteLength})`,
    );
  }
  const right = toBytes(b);
  return toBytes(a).reduce((bits, byte, index) => bits | (byte ^ (right[index] ?? 0)), 0) === 0;
}

function toBytes(data: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
