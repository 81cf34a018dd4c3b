/**
 * The day's limit, MAX_COST_USD: what upstream reported today, estimates for answers whose cost it did not report,
 * and a reservation for each request under way. In memory only; the account of record is upstream's.
 * @module
 */

import type { RequestTimeline } from "./request_timeline.ts";
import { RunningMeans } from "../running_mean.ts";
import { findHighest, type KnownPrices, priceAtMost, type Prices, priceTokens } from "./prices.ts";
import type { Today } from "./types.ts";
import { readCost } from "./aggregates.ts";

/**
 * So many requests at once are expected to write as much as the last answers of their model did, the further ones as
 * much as they may. Otherwise a thousand that write more than usual would pass at once, or a limit of a few dollars
 * would let a single request through at a time.
 */
const MAX_BY_MEAN = 4;
/** The part of the limit that is reserved where neither prices nor earlier costs are known. */
const UNKNOWN_SHARE = 1 / 8;
/** The mean over all models. */
const ALL = "";

/** A request as it is sent, as far as its cost depends on it. */
export interface BudgetedRequest {
  /** The model and its fallbacks. */
  models: readonly [string, ...string[]];
  /** Estimated. */
  inputTokens: number;
  maxTokens: number;
  /** How long what is written to a cache is kept. */
  cacheTtl: "5m" | "1h";
  /** Upstream ends a stream that nobody reads; a plain answer it completes, and charges. */
  isStream: boolean;
}

/** What a request under way is expected to cost. */
export interface Reservation {
  readonly sent: BudgetedRequest;
  /** By prices or by earlier costs; undefined where neither is known. */
  readonly expectedUsd: number | undefined;
  readonly prices: KnownPrices | undefined;
  /** Estimated output tokens so far. */
  readonly countOutput: () => number;
  /** Upstream has refused the request: it costs nothing. */
  isRefused: boolean;
}

/** What a budget needs from outside. */
export interface BudgetOptions {
  date: () => Date;
  /** The most that may be spent on a day of UTC; null for no limit. */
  maxCostUsd: number | null;
  /** What the catalog knows of a model. */
  findPrices: (model: string) => Prices | undefined;
  /** Called at the first answer that could not be counted. */
  onUncounted?: (model: string) => void;
}

/** What may be spent, and what has been. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #underWay = new Set<Reservation>();
  readonly #outputs = new RunningMeans();
  readonly #costs = new RunningMeans();
  #today = startDay("");
  #hasWarned = false;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Whether there is a limit, so that requests have to be reserved. */
  get isLimited(): boolean {
    return this.#options.maxCostUsd !== null;
  }

  /** Whether what today has cost, and what is under way, leave no room for another request. */
  get isOverBudget(): boolean {
    const { maxCostUsd } = this.#options;
    if (maxCostUsd === null) return false;
    const { costUsd, estimatedUsd } = this.#open();
    return costUsd + estimatedUsd + this.#countReserved() >= maxCostUsd;
  }

  /** Today by UTC. */
  read(): Today {
    const { costUsd, estimatedUsd, uncounted } = this.#open();
    const { maxCostUsd } = this.#options;
    return { costUsd, estimatedUsd, reservedUsd: this.#countReserved(), uncounted, maxCostUsd };
  }

  /** A request is sent. What is sent again in another form replaces what was reserved for it. */
  reserve(timeline: RequestTimeline, sent: BudgetedRequest): void {
    if (!this.isLimited) return;
    this.#release(timeline);
    const [model] = sent.models;
    const prices = findHighest(sent.models.map(this.#options.findPrices));
    const usual = this.#underWay.size < MAX_BY_MEAN ? this.#outputs.find(model) : undefined;
    const output = Math.min(sent.maxTokens, usual ?? Infinity);
    const expectedUsd = prices === undefined
      ? this.#costs.find(model) ?? this.#costs.find(ALL)
      : priceSent(prices, sent, output);
    const countOutput = () => timeline.countOutput?.() ?? 0;
    timeline.reservation = { sent, prices, expectedUsd, countOutput, isRefused: false };
    this.#underWay.add(timeline.reservation);
  }

  /** A request has ended: what it cost takes the place of what was reserved. */
  settle(timeline: RequestTimeline): void {
    const { reservation, record } = timeline;
    this.#release(timeline);
    const today = this.#open();
    const reported = readCost(record);
    today.costUsd += reported ?? 0;
    if (reservation === null) return;
    const isComplete = record.outcome === "complete";
    if (reported !== undefined && isComplete) return this.#learn(timeline, reservation, reported);
    const estimate = this.#estimate(timeline, reservation);
    if (estimate !== undefined) {
      // A report in the middle of an answer is not the last word.
      today.estimatedUsd += Math.max(0, estimate - (reported ?? 0));
    } else if (reported === undefined) {
      this.#noteUncounted(reservation);
    }
  }

  #release(timeline: RequestTimeline): void {
    if (timeline.reservation !== null) this.#underWay.delete(timeline.reservation);
    timeline.reservation = null;
  }

  #learn({ record }: RequestTimeline, { sent }: Reservation, costUsd: number): void {
    const [model] = sent.models;
    if (record.outputTokens !== undefined) this.#outputs.learn(model, record.outputTokens);
    this.#costs.learn(model, costUsd);
    this.#costs.learn(ALL, costUsd);
  }

  /** What an answer cost whose cost was not reported; undefined where that cannot be known. */
  #estimate({ record }: RequestTimeline, reservation: Reservation): number | undefined {
    const { sent, isRefused, countOutput } = reservation;
    const { inputTokens: input, cachedTokens: cached, writtenTokens: written } = record;
    // A stream's first report may be a form that nobody has filled in.
    const isInputKnown = (input ?? 0) + (cached ?? 0) + (written ?? 0) > 0;
    let output = Math.max(record.outputTokens ?? 0, countOutput());
    if (isRefused || (hasFailed(record.outcome) && output === 0 && !isInputKnown)) return 0;
    if (!sent.isStream && record.outcome !== "complete") output = Math.max(output, sent.maxTokens);
    const { findPrices } = this.#options;
    // The list may have come since, and upstream may have said who answers.
    const prices = findHighest([findPrices(record.upstreamModel ?? "")]) ??
      findHighest(sent.models.map(findPrices));
    if (prices === undefined) return reservation.expectedUsd;
    return isInputKnown
      ? priceTokens(prices, { input: input ?? 0, output, cached, written })
      : priceSent(prices, sent, output);
  }

  #noteUncounted({ sent }: Reservation): void {
    this.#open().uncounted++;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.onUncounted?.(sent.models[0]);
  }

  /** An answer that is longer than expected is reserved as far as it has come. */
  #countReserved(): number {
    const unknownUsd = (this.#options.maxCostUsd ?? 0) * UNKNOWN_SHARE;
    let sum = 0;
    for (const { expectedUsd = unknownUsd, prices, sent, countOutput } of this.#underWay) {
      const soFarUsd = prices === undefined ? 0 : priceSent(prices, sent, countOutput());
      sum += Math.max(expectedUsd, soFarUsd);
    }
    return sum;
  }

  /** The sums of today, which begin at midnight. */
  #open(): Day {
    const day = this.#options.date().toISOString().slice(0, 10);
    if (this.#today.day !== day) this.#today = startDay(day);
    return this.#today;
  }
}

/** The sums of a day of UTC. */
interface Day {
  day: string;
  costUsd: number;
  estimatedUsd: number;
  uncounted: number;
}

function startDay(day: string): Day {
  return { day, costUsd: 0, estimatedUsd: 0, uncounted: 0 };
}

function priceSent(prices: KnownPrices, sent: BudgetedRequest, output: number): number {
  return priceAtMost(prices, { input: sent.inputTokens, output }, sent.cacheTtl);
}

/** Upstream could not be reached, or said that it failed; not that somebody lost patience with it. */
function hasFailed(end: string): boolean {
  return end !== "complete" && end !== "client_gone" && end !== "timeout_error";
}
