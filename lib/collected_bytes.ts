/**
 * Bytes that come in pieces, in one buffer: pieces of one byte, kept as they come, would take a thousand times as
 * much. The buffer lies outside the heap, whose limit ends the process.
 * @module
 */

/** Collects bytes. */
export class CollectedBytes {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param expected how many will come, where that is known */
  constructor(expected = 0) {
    this.#buffer = new Uint8Array(expected);
  }

  /** How many have come. */
  get length(): number {
    return this.#length;
  }

  /** How many the buffer has room for. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Copies a piece: what lent it may overwrite it. */
  push(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      // By half of it again: doubling leaves more unused.
      const larger = new Uint8Array(Math.max(length, Math.ceil(this.#buffer.length * 1.5)));
      larger.set(this.bytes());
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** What has come. A view: it changes with the next piece. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }
}
