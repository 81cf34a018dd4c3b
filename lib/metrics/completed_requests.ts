/**
 * The completed requests of this process, bounded in number and size. They are kept as JSON: 10,000 ordinary ones take
 * 6 MB, and the garbage collector has one text of each to look at instead of forty values.
 * @module
 */

import type { CompletedRequest } from "./types.ts";

const MAX_REQUESTS = 10_000;
/** Names and errors may make records long. */
const MAX_CHARS = 16 * 1024 * 1024;

/** Which requests to list. */
export interface RequestRange {
  /** Only those with a higher number. */
  after?: number;
  /** Only those with a lower number. */
  before?: number;
  /** At most this many, the newest. */
  limit: number;
}

/** A list of completed requests; the oldest are dropped first. */
export class CompletedRequests {
  readonly #records: string[] = [];
  #firstNumber = 1;
  #chars = 0;

  /** Adds a request. Its number is that of the one before, plus 1. */
  add(request: CompletedRequest): void {
    const record = JSON.stringify(request);
    if (this.#records.length === 0) this.#firstNumber = request.number;
    this.#records.push(record);
    this.#chars += record.length;
    while (this.#records.length > MAX_REQUESTS || this.#chars > MAX_CHARS) this.#dropOldest();
  }

  /** The newest requests of a range, oldest first. */
  list({ after = 0, before = Infinity, limit }: RequestRange): CompletedRequest[] {
    const first = this.#firstNumber;
    const end = Math.max(0, Math.min(this.#records.length, before - first));
    const start = Math.max(0, after + 1 - first, end - limit);
    return this.#records.slice(start, end).map((record) => JSON.parse(record));
  }

  #dropOldest(): void {
    this.#chars -= this.#records.shift()?.length ?? 0;
    this.#firstNumber++;
  }
}
