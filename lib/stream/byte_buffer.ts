/**
 * Bytes that come in pieces, in one buffer: pieces of one byte, kept as they come, would take a thousand times as
 * much. The buffer lies outside the heap, whose limit ends the process.
 * @module
 */

/** Collects bytes. */
export class ByteBuffer {
  #buffer: ArrayBuffer;
  #length = 0;

  /** @param expected how many will come, where that is known */
  constructor(expected = 0) {
    this.#buffer = new ArrayBuffer(expected);
  }

  /** How many have come. */
  get length(): number {
    return this.#length;
  }

  /** How many the buffer has room for. */
  get capacity(): number {
    return this.#buffer.byteLength;
  }

  /** Copies a piece: what lent it may overwrite it. */
  push(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.capacity) {
      // By half of it again: doubling leaves more unused.
      this.#buffer = this.#buffer.transfer(Math.max(length, Math.ceil(this.capacity * 1.5)));
    }
    new Uint8Array(this.#buffer).set(piece, this.#length);
    this.#length = length;
  }

  /** What has come. A view: it is gone with the next piece. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, 0, this.#length);
  }

  /** Gives the memory back at once: the garbage collector may take long to notice. */
  release(): void {
    this.#buffer = this.#buffer.transfer(0);
    this.#length = 0;
  }
}
