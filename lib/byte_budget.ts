/**
 * Limits the memory for bodies over all requests: request bodies until upstream responds, and the parts of responses
 * that cannot be sent yet. A limit on requests is not enough: 256 of 32 MB take 8 GB.
 * @module
 */

import { ApiError } from "./errors.ts";

/** A limited number of bytes. */
export class ByteBudget {
  readonly #maxBytes: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Opens the share of one body, at first of 0 bytes. */
  open(): ByteShare {
    let size = 0;
    return {
      resize: (bytes) => {
        const free = this.#maxBytes - this.#used + size;
        // At most half of it, so that large bodies leave room for small ones.
        if (bytes > size && bytes > free / 2) throw byteBudgetError();
        this.#used += bytes - size;
        size = bytes;
      },
      release: () => {
        this.#used -= size;
        size = 0;
      },
    };
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
