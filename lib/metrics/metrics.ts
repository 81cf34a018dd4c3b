/**
 * The metrics of this process: what is under way, what has ended, what it came to. In memory only, and bounded.
 * The page, `GET /stats`, the day's limit and the launcher's last line all read them here.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import { Budget } from "./budget.ts";
import { BodyCapture, type CapturedBodies } from "./body_capture.ts";
import type { RequestTimeline } from "./request_timeline.ts";
import type { Prices } from "./prices.ts";
import type { CompletedRequest, Stats, Totals } from "./types.ts";
import { add, CappedMap, createTotals, TimeSeries } from "./aggregates.ts";

const MAX_FINISHED = 200;
const MAX_SHOWN_IN_FLIGHT = 100;
const MAX_NAMES = 100;
const MINUTE_MS = 60_000;

/** What the metrics need from outside. */
export interface MetricsOptions {
  about: { name: string; version: string };
  date: () => Date;
  /** The most that may be spent on a day of UTC; null for no limit. */
  maxCostUsd: number | null;
  /** Called at the first answer that the limit could not count. */
  onUncounted?: (model: string) => void;
  /** Whether bodies are kept. */
  capturesBodies: boolean;
  /** What the catalog knows of a model. */
  findPrices: (model: string) => Prices | undefined;
}

/** All metrics of one process. */
export class Metrics {
  /** What today has cost, and whether more may be spent. */
  readonly budget: Budget;
  readonly #options: MetricsOptions;
  readonly #startedAt: number;
  readonly #inFlight = new Set<RequestTimeline>();
  readonly #totals = createTotals();
  readonly #hour = new TimeSeries(MINUTE_MS, 60);
  readonly #day = new TimeSeries(15 * MINUTE_MS, 96);
  readonly #models = new CappedMap(MAX_NAMES, createTotals);
  readonly #ends = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #dropped = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #inspections = new BodyCapture();
  #finished: CompletedRequest[] = [];
  #number = 0;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.budget = new Budget(options);
    this.#startedAt = options.date().getTime();
  }

  /** What all requests came to. */
  get totals(): Readonly<Totals> {
    return this.#totals;
  }

  /** A request has come that will be counted. */
  start(timeline: RequestTimeline): void {
    this.#inFlight.add(timeline);
    if (this.#options.capturesBodies) timeline.captureBodies(this.#inspections);
  }

  /** The bodies of a request, where they were kept and are not forgotten. */
  findBodies(requestId: string): CapturedBodies | undefined {
    return this.#inspections.find(requestId);
  }

  /**
   * It has ended. @returns what is kept of it; null for one that never began: refused at the door, it must not push
   * others out of the history
   */
  finish(timeline: RequestTimeline): CompletedRequest | null {
    if (!this.#inFlight.delete(timeline)) return null;
    // First: whatever fails from here on, nothing stays reserved.
    this.budget.settle(timeline);
    const { record } = timeline;
    const now = this.#options.date().getTime();
    const savedUsd = this.#countSaved(timeline);
    const place = { number: ++this.#number, time: now - record.totalMs };
    const finished = timeline.toCompleted(place, savedUsd);
    this.#finished.push(finished);
    if (this.#finished.length > MAX_FINISHED) this.#finished.shift();
    this.#addUp(finished, { now, savedUsd });
    return finished;
  }

  /** Everything, with the requests whose number is higher than `after`. */
  read(after: number): Stats {
    const now = this.#options.date().getTime();
    return {
      about: this.#options.about,
      now,
      startedAt: this.#startedAt,
      capturesBodies: this.#options.capturesBodies,
      today: this.budget.read(),
      totals: this.#totals,
      inFlight: [...this.#inFlight].slice(-MAX_SHOWN_IN_FLIGHT).map((one) => one.toActive()),
      requests: this.#finished.filter(({ number }) => number > after),
      series: { hour: this.#hour.read(now), day: this.#day.read(now) },
      models: this.#models.list().map(([model, sums]) => ({ model, ...sums })),
      outcomes: this.#ends.list().map(([end, { count }]) => ({ end, count })),
      dropped: this.#dropped.list().map(([field, { count }]) => ({ field, count })),
    };
  }

  /** @param record a cleaned one: names become keys here */
  #addUp(
    record: CompletedRequest,
    { now, savedUsd }: { now: number; savedUsd: number | undefined },
  ): void {
    const addend = { record, savedUsd };
    add(this.#totals, addend);
    this.#hour.add(now, addend);
    this.#day.add(now, addend);
    if (record.upstreamModel !== undefined) add(this.#models.open(record.upstreamModel), addend);
    this.#ends.open(record.outcome).count++;
    for (const field of record.dropped ?? []) this.#dropped.open(field).count++;
  }

  /** Undefined where a price is missing that would have to be made up. */
  #countSaved({ record, sentModel }: RequestTimeline): number | undefined {
    const { cachedTokens = 0, writtenTokens = 0 } = record;
    if (cachedTokens + writtenTokens === 0) return undefined;
    const prices = this.#findPrices(record, sentModel);
    const { promptPrice, cacheReadPrice, cacheWritePrice } = prices ?? {};
    if (promptPrice === undefined) return undefined;
    // Of what did not happen, the price does not matter.
    const readPrice = cachedTokens === 0 ? 0 : cacheReadPrice;
    const writePrice = writtenTokens === 0 ? 0 : cacheWritePrice;
    if (readPrice === undefined || writePrice === undefined) return undefined;
    const saved = cachedTokens * (promptPrice - readPrice);
    return (saved - writtenTokens * (writePrice - promptPrice)) / 1e6;
  }

  /** Upstream's own name for the model may be one that its list does not have. */
  #findPrices({ upstreamModel }: RequestRecord, asked: string | null): Prices | undefined {
    const { findPrices } = this.#options;
    return findPrices(upstreamModel ?? "") ?? findPrices(asked ?? "");
  }
}
