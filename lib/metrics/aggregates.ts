/**
 * Totals over requests, time series of totals, and totals by name. All bounded in memory.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import type { Series, TimeBucket, Totals } from "./types.ts";

/** Totals of zero requests. */
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

/** Adds a request to totals. */
export function addRequest(totals: Totals, record: RequestRecord, savedUsd?: number): void {
  totals.requests++;
  if (record.error !== undefined) totals.failed++;
  totals.inputTokens += record.inputTokens ?? 0;
  totals.cachedTokens += record.cachedTokens ?? 0;
  totals.writtenTokens += record.writtenTokens ?? 0;
  totals.outputTokens += record.outputTokens ?? 0;
  const costUsd = readCost(record);
  if (costUsd !== undefined) totals.costUsd = (totals.costUsd ?? 0) + costUsd;
  else if (record.status < 400) totals.unpriced++;
  if (savedUsd !== undefined) totals.savedUsd = (totals.savedUsd ?? 0) + savedUsd;
}

/** Reads the reported cost; undefined for a number that cannot be a cost. */
export function readCost({ costUsd }: RequestRecord): number | undefined {
  return costUsd !== undefined && costUsd >= 0 && costUsd < Infinity ? costUsd : undefined;
}

/** Totals per period, by the time at which requests ended. */
export class TimeSeries {
  readonly #widthMs: number;
  readonly #length: number;
  #buckets: TimeBucket[] = [];

  constructor(widthMs: number, length: number) {
    this.#widthMs = widthMs;
    this.#length = length;
  }

  /** The totals of the period that contains `time`. */
  bucketAt(time: number): Totals {
    const start = Math.floor(time / this.#widthMs) * this.#widthMs;
    let bucket = this.#buckets.find((one) => one.time === start);
    if (bucket === undefined) {
      bucket = { time: start, ...createTotals() };
      this.#buckets.push(bucket);
      this.#dropOld(time);
    }
    return bucket;
  }

  /** The series up to `time`. */
  read(time: number): Series {
    this.#dropOld(time);
    return { widthMs: this.#widthMs, length: this.#length, buckets: this.#buckets };
  }

  #dropOld(time: number): void {
    const oldest = time - this.#widthMs * this.#length;
    // A bucket in the future comes from a clock that was set back.
    this.#buckets = this.#buckets.filter((one) => one.time > oldest && one.time <= time);
  }
}

/** Entries by name, for a limited number of names; all further names share one entry. */
export class CappedMap<T> {
  static readonly OTHERS = "(others)";
  readonly #entries = new Map<string, T>();
  readonly #maxNames: number;
  readonly #create: () => T;

  constructor(maxNames: number, create: () => T) {
    this.#maxNames = maxNames;
    this.#create = create;
  }

  /** Returns the entry of a name, and creates it if necessary. */
  getOrCreate(name: string): T {
    const isFull = this.#entries.size >= this.#maxNames && !this.#entries.has(name);
    const key = isFull ? CappedMap.OTHERS : name;
    const entry = this.#entries.get(key) ?? this.#create();
    this.#entries.set(key, entry);
    return entry;
  }

  /** All entries, in the order of their creation. */
  list(): [name: string, entry: T][] {
    return [...this.#entries];
  }
}
