/**
 * Adding up records, and sums by the time at which requests ended. Bounded, whatever comes.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import type { Series, TimeBucket, Totals } from "./types.ts";

/** What one more request adds. */
export interface Addend {
  record: RequestRecord;
  savedUsd?: number | undefined;
}

/** Sums over nothing. */
export function createTotals(): Totals {
  return {
    requests: 0,
    failed: 0,
    inputTokens: 0,
    cachedTokens: 0,
    writtenTokens: 0,
    outputTokens: 0,
    costUsd: null,
    unpriced: 0,
    savedUsd: null,
  };
}

/** Adds a request. */
export function add(sums: Totals, { record, savedUsd }: Addend): void {
  sums.requests++;
  if (record.error !== undefined) sums.failed++;
  sums.inputTokens += record.inputTokens ?? 0;
  sums.cachedTokens += record.cachedTokens ?? 0;
  sums.writtenTokens += record.writtenTokens ?? 0;
  sums.outputTokens += record.outputTokens ?? 0;
  const costUsd = readCost(record);
  if (costUsd !== undefined) sums.costUsd = (sums.costUsd ?? 0) + costUsd;
  else if (record.status < 400) sums.unpriced++;
  if (savedUsd !== undefined) sums.savedUsd = (sums.savedUsd ?? 0) + savedUsd;
}

/** What upstream charged; what cannot be a charge is none. */
export function readCost({ costUsd }: RequestRecord): number | undefined {
  return costUsd !== undefined && costUsd >= 0 && costUsd < Infinity ? costUsd : undefined;
}

/** Sums per stretch of time; those that are too old are forgotten. */
export class TimeSeries {
  readonly #widthMs: number;
  readonly #length: number;
  #buckets: TimeBucket[] = [];

  constructor(widthMs: number, length: number) {
    this.#widthMs = widthMs;
    this.#length = length;
  }

  add(time: number, addend: Addend): void {
    const start = Math.floor(time / this.#widthMs) * this.#widthMs;
    let bucket = this.#buckets.find((one) => one.time === start);
    if (bucket === undefined) {
      bucket = { time: start, ...createTotals() };
      this.#buckets.push(bucket);
      this.#forget(time);
    }
    add(bucket, addend);
  }

  /** As it stands at that time. */
  read(time: number): Series {
    this.#forget(time);
    return { widthMs: this.#widthMs, length: this.#length, buckets: this.#buckets };
  }

  #forget(time: number): void {
    const oldest = time - this.#widthMs * this.#length;
    // A bucket of the future comes from a clock that was wrong.
    this.#buckets = this.#buckets.filter((one) => one.time > oldest && one.time <= time);
  }
}

/** Sums by name, for so many names; the names that come later are one. */
export class CappedMap<T> {
  static readonly OTHERS = "(others)";
  readonly #entries = new Map<string, T>();
  readonly #most: number;
  readonly #create: () => T;

  constructor(most: number, create: () => T) {
    this.#most = most;
    this.#create = create;
  }

  /** The entry of a name; a new one where there is none. */
  open(name: string): T {
    const isFull = this.#entries.size >= this.#most && !this.#entries.has(name);
    const key = isFull ? CappedMap.OTHERS : name;
    const entry = this.#entries.get(key) ?? this.#create();
    this.#entries.set(key, entry);
    return entry;
  }

  list(): [name: string, entry: T][] {
    return [...this.#entries];
  }
}
