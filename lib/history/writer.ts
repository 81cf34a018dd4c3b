/**
 * Collects rows and writes them in batches, so that a response never waits for the disk. A file that cannot be written
 * is tried again; until then a bounded number of rows waits in memory.
 * @module
 */

import type { Entry } from "./entry.ts";

/** Rows wait this long for others; a killed process loses them. */
const DELAY_MS = 500;
/** Rows of one transaction, which blocks all requests: about 1 ms on a local disk. */
const MAX_BATCH = 200;
/** Pause before the next batch. */
const NEXT_MS = 10;
/** Rows that wait in memory; a row takes some 500 bytes. */
const MAX_PENDING = 10_000;
/** The delay doubles up to this while the file cannot be written. */
const MAX_DELAY_MS = 30_000;
/** A lock of another process is normal for a moment. */
const WARN_AFTER_MS = 3000;

/** The dependencies of a writer. */
export interface WriterOptions {
  /** Writes all rows or throws. */
  write: (entries: readonly Entry[]) => void;
  /** Receives the first error of a series that is not a passing lock, and the recovery. */
  onWarning: (message: string) => void;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  /** Whether an error may pass within a moment. */
  isBusy: (error: unknown) => boolean;
}

/** Writes rows in batches. */
export class HistoryWriter {
  readonly #options: WriterOptions;
  #pending: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lost = 0;
  #delayMs = DELAY_MS;
  /** When the current series of errors began. */
  #failingSince: number | null = null;
  #hasWarned = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Adds a row. Never throws. */
  add(entry: Entry): void {
    if (this.#pending.length >= MAX_PENDING) {
      this.#lost++;
      return;
    }
    this.#pending.push(entry);
    if (this.#timer === undefined) this.#schedule(this.#delayMs);
  }

  /** Writes all pending rows, or as many as possible before the first error. */
  flush(): void {
    while (this.#pending.length > 0 && this.#writeBatch());
  }

  /** Writes all pending rows and stops the timer. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const isWritten = this.#writeBatch();
      if (this.#pending.length > 0) this.#schedule(isWritten ? NEXT_MS : this.#delayMs);
    }, delayMs);
    // The exit of the process does not wait for it: the server closes the history.
    Deno.unrefTimer(this.#timer);
  }

  #writeBatch(): boolean {
    const batch = this.#pending.slice(0, MAX_BATCH);
    try {
      this.#options.write(batch);
    } catch (error) {
      this.#reportFailure(error);
      return false;
    }
    this.#pending = this.#pending.slice(batch.length);
    this.#reportSuccess();
    return true;
  }

  #reportFailure(error: unknown): void {
    const { now, isBusy, onWarning } = this.#options;
    this.#failingSince ??= now();
    const isPassing = isBusy(error) && now() - this.#failingSince < WARN_AFTER_MS;
    if (isPassing) return;
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2);
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const reason = error instanceof Error ? error.message : String(error);
    onWarning(
      `The history cannot be written: ${reason}. Requests stay in memory, at most ${MAX_PENDING}, ` +
        "and are written when this is possible again",
    );
  }

  #reportSuccess(): void {
    this.#failingSince = null;
    this.#delayMs = DELAY_MS;
    if (!this.#hasWarned) return;
    this.#hasWarned = false;
    const missing = this.#lost === 1
      ? "1 request is missing"
      : `${this.#lost} requests are missing`;
    const lost = this.#lost === 0 ? "" : `; ${missing}`;
    this.#lost = 0;
    this.#options.onWarning(`The history is written again${lost}`);
  }
}
