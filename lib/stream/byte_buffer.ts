/**
 * Collects bytes in one growing buffer: kept as separate pieces of one byte, they would take a thousand times the
 * memory. The buffer lies outside the heap, whose limit ends the process.
 * @module
 */

export class ByteBuffer {
  #buffer: ArrayBuffer;
  #length = 0;

  /** @param expectedBytes the initial capacity */
  constructor(expectedBytes = 0) {
    this.#buffer = new ArrayBuffer(expectedBytes);
  }

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#buffer.byteLength;
  }

  /** Appends a copy: the reader reuses the buffer of `piece`. */
  push(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.capacity) {
      // Grows by half: doubling leaves more unused.
      this.#buffer = this.#buffer.transfer(Math.max(length, Math.ceil(this.capacity * 1.5)));
    }
    new Uint8Array(this.#buffer).set(piece, this.#length);
    this.#length = length;
  }

  /** A view of the bytes so far; the next `push` or `release` may detach it. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, 0, this.#length);
  }

  /** Empties the buffer and frees its memory at once: garbage collection may come much later. */
  release(): void {
    this.#buffer = this.#buffer.transfer(0);
    this.#length = 0;
  }
}
