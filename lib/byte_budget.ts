/**
 * How many bytes of bodies the process keeps at once, all requests together: request bodies until upstream has
 * answered, and what of an answer cannot be sent yet. Counting requests is not enough: 256 of 32 MB are 8 GB.
 * @module
 */

import { ApiError } from "./errors.ts";

/** The bytes that may be kept. */
export class ByteBudget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** What is kept at the moment. */
  get used(): number {
    return this.#used;
  }

  /** A share for one body, at first of no bytes. */
  open(): ByteShare {
    let held = 0;
    return {
      resize: (bytes) => {
        const free = this.#most - this.#used + held;
        // Half of it at most, so that large bodies leave room for small ones.
        if (bytes > held && bytes > free / 2) throw byteBudgetError();
        this.#used += bytes - held;
        held = bytes;
      },
      release: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

/** What one body takes of the budget. */
export interface ByteShare {
  /** Takes as many bytes in all. @throws {ApiError} 529 where they are not free; what was taken before stays */
  resize(bytes: number): void;
  /** Gives everything back. Once is enough, and more often does no harm. */
  release(): void;
}

function byteBudgetError(): ApiError {
  return new ApiError("overloaded_error", "Too many large bodies at once; try again in a moment", {
    headers: { "retry-after": "3" },
  });
}
