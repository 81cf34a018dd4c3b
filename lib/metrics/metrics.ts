/**
 * Metrics of this process: requests in flight, completed requests, totals. In memory only, and bounded. Read by the
 * dashboard, `GET /stats`, the daily limit and the session summary of `claude`.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import { Budget, type BudgetOptions } from "./budget.ts";
import { BodyCapture, type CapturedBodies } from "./body_capture.ts";
import { CompletedRequests, type RequestRange } from "./completed_requests.ts";
import type { RequestTimeline } from "./request_timeline.ts";
import type { Prices } from "./prices.ts";
import { Sessions } from "./sessions.ts";
import type { CompletedRequest, Session, Stats, Totals } from "./types.ts";
import { addRequest, CappedMap, createTotals, TimeSeries } from "./aggregates.ts";

/** Completed requests in one response. */
const DEFAULT_LIMIT = 200;
const MAX_SHOWN_IN_FLIGHT = 100;
const MAX_NAMES = 100;
const MINUTE_MS = 60_000;

/** The dependencies and settings of the metrics. */
export interface MetricsOptions extends BudgetOptions {
  about: { name: string; version: string };
  /** Whether bodies are captured at first; see {@linkcode Metrics.setCapture}. */
  capturesBodies: boolean;
  /** Looks up the catalog's context length of a model. */
  findContextLength: (model: string) => number | undefined;
}

/** All metrics of one process. */
export class Metrics {
  /** The costs of today, and their limit. */
  readonly budget: Budget;
  readonly #options: MetricsOptions;
  readonly #startedAt: number;
  readonly #inFlight = new Set<RequestTimeline>();
  readonly #totals = createTotals();
  readonly #hour = new TimeSeries(MINUTE_MS, 60);
  readonly #day = new TimeSeries(15 * MINUTE_MS, 96);
  readonly #models = new CappedMap(MAX_NAMES, createTotals);
  readonly #outcomes = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #dropped = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #sessions = new Sessions();
  readonly #bodyCapture = new BodyCapture();
  readonly #completed = new CompletedRequests();
  #capturesBodies: boolean;
  #lastNumber = 0;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.budget = new Budget(options);
    this.#startedAt = options.date().getTime();
    this.#capturesBodies = options.capturesBodies;
  }

  /** The totals of all completed requests. */
  get totals(): Readonly<Totals> {
    return this.#totals;
  }

  /** Whether the bodies of new requests are captured. */
  get capturesBodies(): boolean {
    return this.#capturesBodies;
  }

  /** Starts or stops to capture bodies. Stopping drops those captured so far. */
  setCapture(isOn: boolean): void {
    this.#capturesBodies = isOn;
    if (!isOn) this.#bodyCapture.clear();
  }

  /** Adds a request in flight. */
  start(timeline: RequestTimeline): void {
    this.#inFlight.add(timeline);
    if (this.#capturesBodies) timeline.captureBodies(this.#bodyCapture);
  }

  /** Finds a session, by the id that its client sends. */
  findSession(sessionId: string): Session | undefined {
    return this.#sessions.find(sessionId);
  }

  /** Finds the captured bodies of a request. */
  findBodies(requestId: string): CapturedBodies | undefined {
    return this.#bodyCapture.find(requestId);
  }

  /**
   * Counts a completed request.
   * @returns the request as it is kept; null for one that was not started: rejected clients must not push others out
   * of the history
   */
  finish(timeline: RequestTimeline): CompletedRequest | null {
    if (!this.#inFlight.delete(timeline)) return null;
    // First: even if something below throws, no reservation is left.
    const estimatedUsd = this.budget.settle(timeline);
    const { record } = timeline;
    const now = this.#options.date().getTime();
    const savedUsd = this.#priceSavings(timeline);
    const place = { number: ++this.#lastNumber, time: now - record.totalMs };
    const completed = timeline.toCompleted(place, savedUsd);
    if (estimatedUsd !== undefined) completed.estimatedUsd = estimatedUsd;
    this.#completed.add(completed);
    this.#count(completed, now, savedUsd);
    const contextLength = this.#findContextLength(timeline);
    this.#sessions.count(completed, { now, savedUsd, contextLength });
    return completed;
  }

  /** Lists completed requests, oldest first, with a preview of those whose bodies are captured. */
  listCompleted(range: RequestRange): CompletedRequest[] {
    return this.#completed.list(range).map((request) => {
      const preview = this.#bodyCapture.find(request.requestId)?.preview;
      return preview === undefined ? request : { ...request, preview };
    });
  }

  /** Reads all metrics, with the newest completed requests whose number is higher than `after`. */
  read(after: number, limit = DEFAULT_LIMIT): Stats {
    const now = this.#options.date().getTime();
    return {
      about: this.#options.about,
      now,
      startedAt: this.#startedAt,
      capturesBodies: this.#capturesBodies,
      today: this.budget.read(),
      totals: this.#totals,
      inFlight: [...this.#inFlight].slice(-MAX_SHOWN_IN_FLIGHT).map((one) => one.toActive()),
      requests: this.listCompleted({ after, limit }),
      series: { hour: this.#hour.read(now), day: this.#day.read(now) },
      models: this.#models.list().map(([model, totals]) => ({ model, ...totals })),
      sessions: this.#sessions.list(),
      outcomes: this.#outcomes.list().map(([end, { count }]) => ({ end, count })),
      dropped: this.#dropped.list().map(([field, { count }]) => ({ field, count })),
    };
  }

  /** @param record a sanitized one: its names become keys here */
  #count(record: CompletedRequest, now: number, savedUsd: number | undefined): void {
    const { upstreamModel, outcome, dropped = [] } = record;
    const totals = [this.#totals, this.#hour.bucketAt(now), this.#day.bucketAt(now)];
    if (upstreamModel !== undefined) totals.push(this.#models.getOrCreate(upstreamModel));
    for (const one of totals) addRequest(one, record, savedUsd);
    this.#outcomes.getOrCreate(outcome).count++;
    for (const field of dropped) this.#dropped.getOrCreate(field).count++;
  }

  /** What caching saved, in USD; undefined if a price for it is unknown. */
  #priceSavings({ record, sentModel }: RequestTimeline): number | undefined {
    const { cachedTokens = 0, writtenTokens = 0 } = record;
    if (cachedTokens + writtenTokens === 0) return undefined;
    const prices = this.#findPrices(record, sentModel);
    const { promptPrice, cacheReadPrice, cacheWritePrice } = prices ?? {};
    if (promptPrice === undefined) return undefined;
    // Without reads or writes their price does not matter.
    const readPrice = cachedTokens === 0 ? 0 : cacheReadPrice;
    const writePrice = writtenTokens === 0 ? 0 : cacheWritePrice;
    if (readPrice === undefined || writePrice === undefined) return undefined;
    const saved = cachedTokens * (promptPrice - readPrice);
    return (saved - writtenTokens * (writePrice - promptPrice)) / 1e6;
  }

  #findContextLength({ record, sentModel }: RequestTimeline): number | undefined {
    const { findContextLength } = this.#options;
    return findContextLength(record.upstreamModel ?? "") ?? findContextLength(sentModel ?? "");
  }

  /** Upstream may report a model name that is not in its own catalog. */
  #findPrices({ upstreamModel }: RequestRecord, sentModel: string | null): Prices | undefined {
    const { findPrices } = this.#options;
    return findPrices(upstreamModel ?? "") ?? findPrices(sentModel ?? "");
  }
}
