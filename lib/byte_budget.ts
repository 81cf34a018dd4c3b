/**
 * Limits the memory for bodies over all requests: request bodies until upstream responds, and the parts of responses
 * that cannot be sent yet. A limit on requests is not enough: 256 of 32 MB take 8 GB.
 * @module
 */

import { ApiError } from "./errors.ts";
import { FIRST_COLUMN, type SharedRow, sumOthers } from "./shared_row.ts";

/** A limited number of bytes. */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #row: SharedRow | null;
  #used = 0;

  /** @param row shares the bytes with other workers; null for a server that works alone */
  constructor(maxBytes: number, row: SharedRow | null = null) {
    this.#maxBytes = maxBytes;
    this.#row = row;
  }

  /** Bytes in use, without those of other workers. */
  get used(): number {
    return this.#used;
  }

  /** Opens the share of one body, at first of 0 bytes. */
  open(): ByteShare {
    let size = 0;
    const resize = (bytes: number) => {
      // Most requests end with a body that has been released already.
      if (bytes === size) return;
      this.#change({ from: size, to: bytes });
      size = bytes;
    };
    return { resize, release: () => resize(0) };
  }

  /** @throws {ApiError} 529 if the bytes are not free */
  #change({ from, to }: { from: number; to: number }): void {
    const row = this.#row;
    if (row === null) return this.#setUsed(from, to, 0);
    row.exclusively(() => {
      this.#setUsed(from, to, sumOthers(row, FIRST_COLUMN.bytes));
      row.write(FIRST_COLUMN.bytes, [this.#used]);
    });
  }

  /** @param others bytes in use by other workers */
  #setUsed(from: number, to: number, others: number): void {
    const free = this.#maxBytes - others - this.#used + from;
    // At most half of it, so that large bodies leave room for small ones.
    if (to > from && to > free / 2) throw byteBudgetError();
    this.#used += to - from;
  }
}

/** The part of the budget that one body takes. */
export interface ByteShare {
  /** Sets the size, in bytes. @throws {ApiError} 529 if they are not free; the size then stays */
  resize(bytes: number): void;
  /** Gives all bytes back; may be called again. */
  release(): void;
}

function byteBudgetError(): ApiError {
  return new ApiError("overloaded_error", "Too many large bodies at once; try again in a moment", {
    headers: { "retry-after": "3" },
  });
}
