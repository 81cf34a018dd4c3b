/**
 * Counts the requests in flight for MAX_INFLIGHT, over all workers.
 * @module
 */

import { FIRST_COLUMN, type SharedRow, sumOthers } from "./shared_row.ts";

/** The number of requests in flight. */
export class InFlightCounter {
  readonly #row: SharedRow | null;
  #count = 0;

  /** @param row null for a server that works alone */
  constructor(row: SharedRow | null = null) {
    this.#row = row;
  }

  /** Counts a request. @returns how many others are in flight */
  enter(): number {
    const row = this.#row;
    if (row === null) return this.#count++;
    return row.exclusively(() => {
      const others = this.#count + sumOthers(row, FIRST_COLUMN.inFlight);
      row.write(FIRST_COLUMN.inFlight, [++this.#count]);
      return others;
    });
  }

  /** Ends a request. */
  leave(): void {
    this.#count--;
    this.#row?.exclusively(() => this.#row?.write(FIRST_COLUMN.inFlight, [this.#count]));
  }
}
