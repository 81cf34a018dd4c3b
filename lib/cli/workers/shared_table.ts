/**
 * Numbers in memory that all threads share: one row for each worker, and row 0 for the coordinator. A spin lock makes
 * a check and its change one step over all threads, so that limits are exact without waiting for a message.
 * @module
 */

import { COST_COLUMNS, FIRST_COLUMN, type SharedRow } from "../../shared_row.ts";

/** What a thread needs to use the table. */
export interface TableData {
  buffer: SharedArrayBuffer;
  /** Numbers in a row. */
  width: number;
}

const FREE = 0;
/** The numbers begin behind the lock, at a multiple of their size. */
const NUMBERS_OFFSET = Float64Array.BYTES_PER_ELEMENT;
/** The lock is held for about a microsecond: most waits end here. */
const SPINS = 200;
const PAUSE_MS = 1;
/** After this number of pauses the owner has died with the lock. */
const MAX_PAUSES = 1000;

/** Creates a table of zeros. @param keyCount the number of keys in PROXY_API_KEYS, each with a limit */
export function createTable(workers: number, keyCount: number): TableData {
  const width = FIRST_COLUMN.costs + (1 + keyCount) * COST_COLUMNS;
  const size = (workers + 1) * width * Float64Array.BYTES_PER_ELEMENT;
  return { buffer: new SharedArrayBuffer(NUMBERS_OFFSET + size), width };
}

/** The table as one thread sees it. */
export class SharedTable implements SharedRow {
  readonly #lock: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;
  readonly #width: number;
  readonly #row: number;
  /** Calls of `exclusively` within each other. */
  #depth = 0;

  /** @param row the row of this thread */
  constructor({ buffer, width }: TableData, row: number) {
    this.#lock = new Int32Array(buffer, 0, 1);
    this.#numbers = new Float64Array(buffer, NUMBERS_OFFSET);
    this.#width = width;
    this.#row = row;
  }

  exclusively<T>(run: () => T): T {
    if (this.#depth === 0) this.#acquire();
    this.#depth++;
    try {
      return run();
    } finally {
      this.#depth--;
      // Only its own: it may have been taken from a thread that was stopped for too long.
      if (this.#depth === 0) this.#release(this.#row);
    }
  }

  write(column: number, values: readonly number[]): void {
    this.#numbers.set(values, this.#row * this.#width + column);
  }

  readOthers(column: number, count: number): number[][] {
    const rows = this.#numbers.length / this.#width;
    return Array.from({ length: rows }, (_, row) => row)
      .filter((row) => row !== this.#row)
      .map((row) => this.read(row, column, count));
  }

  /** Reads columns of any row, within `exclusively`. */
  read(row: number, column: number, count: number): number[] {
    const start = row * this.#width + column;
    return [...this.#numbers.subarray(start, start + count)];
  }

  /**
   * Takes over the row of a worker that has died: frees its lock, calls `inherit`, and sets the row to zeros.
   * @param inherit runs within `exclusively`
   */
  bury(row: number, inherit: () => void): void {
    this.#release(row);
    this.exclusively(() => {
      inherit();
      this.#numbers.fill(0, row * this.#width, (row + 1) * this.#width);
    });
  }

  #acquire(): void {
    const owner = toOwner(this.#row);
    for (let attempt = 1;; attempt++) {
      const holder = Atomics.compareExchange(this.#lock, 0, FREE, owner);
      if (holder === FREE) return;
      if (attempt <= SPINS) continue;
      if (attempt > SPINS + MAX_PAUSES) this.#steal(holder);
      Atomics.wait(this.#lock, 0, holder, PAUSE_MS);
    }
  }

  #steal(holder: number): void {
    Atomics.compareExchange(this.#lock, 0, holder, FREE);
  }

  #release(row: number): void {
    Atomics.compareExchange(this.#lock, 0, toOwner(row), FREE);
  }
}

/** Who holds the lock; unlike {@linkcode FREE} for row 0 too. */
function toOwner(row: number): number {
  return row + 1;
}
