/**
 * Metrics of this process: requests in flight, captured bodies, the budget, and the figures of completed requests. In
 * memory only, and bounded. Read by the dashboard, `GET /stats`, the daily limit and the session summary of `claude`.
 * @module
 */

import { ActiveSet } from "../active_set.ts";
import type { RequestRecord } from "../log.ts";
import { Budget } from "./budget.ts";
import type { BudgetOptions } from "./budget_types.ts";
import { BodyCapture } from "./body_capture.ts";
import { type Collect, CollectedMetrics } from "./collected_metrics.ts";
import type { RequestRange } from "./completed_requests.ts";
import type { Figures } from "./figures.ts";
import type { RequestTimeline } from "./request_timeline.ts";
import type { Prices } from "./prices.ts";
import type {
  ActiveRequest,
  Bodies,
  CompletedRequest,
  FinishedRequest,
  Session,
  Stats,
  Totals,
} from "./types.ts";

/** Completed requests in one response. */
const DEFAULT_LIMIT = 200;
const MAX_SHOWN_IN_FLIGHT = 100;

/** The dependencies and settings of the metrics. */
export interface MetricsOptions extends BudgetOptions {
  about: { name: string; version: string };
  /** Whether bodies are captured at first; see {@linkcode Metrics.setCapture}. */
  capturesBodies: boolean;
  /** Looks up the catalog's context length of a model. */
  findContextLength: (model: string) => number | undefined;
  /** Receives completed requests; missing: they are collected here. */
  collect?: Collect | undefined;
}

/** What only the process that handles the requests knows. */
export interface Snapshot {
  /** The newest requests in flight. */
  inFlight: ActiveRequest[];
  /** The previews of captured requests, by request ID. */
  previews: ReadonlyMap<string, string>;
}

/** All metrics of one process. */
export class Metrics implements Figures {
  /** The costs of today, and their limit. */
  readonly budget: Budget;
  /** The figures of completed requests; empty if they are collected elsewhere. */
  readonly collected = new CollectedMetrics();
  readonly #options: MetricsOptions;
  readonly #startedAt: number;
  readonly #inFlight = new ActiveSet<RequestTimeline>();
  readonly #bodyCapture = new BodyCapture();
  #capturesBodies: boolean;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.budget = new Budget(options);
    this.#startedAt = options.date().getTime();
    this.#capturesBodies = options.capturesBodies;
  }

  /** The totals of all completed requests. */
  get totals(): Readonly<Totals> {
    return this.collected.totals;
  }

  /** Whether the bodies of new requests are captured. */
  get capturesBodies(): boolean {
    return this.#capturesBodies;
  }

  setCapture(isOn: boolean): void {
    this.#capturesBodies = isOn;
    if (!isOn) this.#bodyCapture.clear();
  }

  /** Adds a request in flight. */
  start(timeline: RequestTimeline): void {
    this.#inFlight.add(timeline);
    if (this.#capturesBodies) timeline.captureBodies(this.#bodyCapture);
  }

  findSession(sessionId: string): Session | undefined {
    return this.collected.findSession(sessionId);
  }

  readBodies(requestId: string): Bodies | undefined {
    return this.#bodyCapture.find(requestId)?.read();
  }

  /**
   * Counts a completed request.
   * @returns the request as it is kept; null for one that was not started: rejected clients must not push others out
   * of the history
   */
  finish(timeline: RequestTimeline): FinishedRequest | null {
    if (!this.#inFlight.delete(timeline)) return null;
    // First: even if something below throws, no reservation is left.
    const estimatedUsd = this.budget.settle(timeline);
    const now = this.#options.date().getTime();
    const savedUsd = this.#priceSavings(timeline);
    const finished = timeline.toFinished(now - timeline.record.totalMs, savedUsd);
    if (estimatedUsd !== undefined) finished.estimatedUsd = estimatedUsd;
    const facts = { now, savedUsd, contextLength: this.#findContextLength(timeline) };
    const { collect } = this.#options;
    if (collect === undefined) this.collected.add(finished, facts);
    else collect(finished, facts);
    return finished;
  }

  /** What the collected figures do not contain. */
  readSnapshot(): Snapshot {
    return {
      inFlight: [...this.#inFlight].slice(-MAX_SHOWN_IN_FLIGHT).map((one) => one.toActive()),
      previews: this.#bodyCapture.listPreviews(),
    };
  }

  /** @param previews those of all workers; by default of this process */
  listCompleted(
    range: RequestRange,
    previews: Snapshot["previews"] = this.#bodyCapture.listPreviews(),
  ): CompletedRequest[] {
    return this.collected.list(range).map((request) => {
      const preview = previews.get(request.requestId);
      return preview === undefined ? request : { ...request, preview };
    });
  }

  /** @param snapshot that of all workers; by default of this process */
  read(after: number, limit = DEFAULT_LIMIT, snapshot = this.readSnapshot()): Stats {
    const now = this.#options.date().getTime();
    const { totals, ...collected } = this.collected.read(now);
    return {
      about: this.#options.about,
      now,
      startedAt: this.#startedAt,
      capturesBodies: this.#capturesBodies,
      today: this.budget.read(),
      totals,
      inFlight: snapshot.inFlight.slice(-MAX_SHOWN_IN_FLIGHT),
      requests: this.listCompleted({ after, limit }, snapshot.previews),
      ...collected,
    };
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
