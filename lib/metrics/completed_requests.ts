/**
 * The completed requests of this process, bounded in number and size. 10,000 ordinary records take 7 MB; names and
 * errors may make records longer, so their total is limited too.
 * @module
 */

import type { CompletedRequest } from "./types.ts";

const MAX_REQUESTS = 10_000;
/** Of all records, as JSON. The objects take about twice as much memory. */
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
  readonly #requests: CompletedRequest[] = [];
  readonly #sizes: number[] = [];
  #chars = 0;

  /** Adds a request. Its number is that of the one before, plus 1. */
  add(request: CompletedRequest): void {
    const size = measure(request);
    this.#requests.push(request);
    this.#sizes.push(size);
    this.#chars += size;
    while (this.#requests.length > MAX_REQUESTS || this.#chars > MAX_CHARS) this.#dropOldest();
  }

  /** The newest requests of a range, oldest first. */
  list({ after = 0, before = Infinity, limit }: RequestRange): CompletedRequest[] {
    const first = this.#requests[0]?.number ?? 1;
    const end = Math.max(0, Math.min(this.#requests.length, before - first));
    const start = Math.max(0, after + 1 - first, end - limit);
    return this.#requests.slice(start, end);
  }

  #dropOldest(): void {
    this.#requests.shift();
    this.#chars -= this.#sizes.shift() ?? 0;
  }
}

/** About the length of a record as JSON. */
function measure(item: unknown): number {
  if (typeof item === "string") return item.length + 2;
  if (typeof item !== "object" || item === null) return 8;
  let chars = 2;
  for (const [name, value] of Object.entries(item)) chars += name.length + 4 + measure(value);
  return chars;
}
