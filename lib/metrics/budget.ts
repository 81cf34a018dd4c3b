/**
 * The daily limit, MAX_COST_USD: the costs that upstream reported today, estimates for responses without a reported
 * cost, and a reservation for each request in flight. In memory; the history restores the costs of today.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import { RunningMeans } from "../running_mean.ts";
import { findHighest, type KnownPrices, priceAtMost, type Prices, priceTokens } from "./prices.ts";
import type { Today } from "./types.ts";
import { readCost } from "./aggregates.ts";

/**
 * Up to this number of concurrent requests, each is expected to write as much as the last responses of its model;
 * further ones are expected to write `max_tokens`. With the mean alone, a thousand long requests could pass at once;
 * with `max_tokens` alone, a limit of a few dollars would admit one request at a time.
 */
const MAX_BY_MEAN = 4;
/** The share of the limit that is reserved if neither prices nor earlier costs are known. */
const UNKNOWN_SHARE = 1 / 8;
/** The name of the mean over all models. */
const ALL_MODELS = "";

/** The parts of a request that determine its cost. */
export interface BudgetedRequest {
  /** The model and its fallbacks. */
  models: readonly [string, ...string[]];
  /** Estimated. */
  inputTokens: number;
  maxTokens: number;
  /** Lifetime of cache writes. */
  cacheTtl: "5m" | "1h";
  /** Upstream cancels a stream when the client disconnects; without streaming it completes and charges the response. */
  isStream: boolean;
}

/** The expected cost of a request in flight. */
export interface Reservation {
  readonly request: BudgetedRequest;
  /** By prices or by earlier costs; undefined if neither is known. */
  readonly expectedUsd: number | undefined;
  readonly prices: KnownPrices | undefined;
  /** Estimates the output tokens so far. */
  readonly countOutput: () => number;
  /** Upstream has rejected the request: it costs nothing. */
  isRejected: boolean;
}

/** A request as far as the budget needs it; the request timeline is one. */
export interface Reservable {
  readonly record: RequestRecord;
  readonly countOutput: (() => number) | null;
  reservation: Reservation | null;
}

/** Costs that an earlier process counted. */
export interface Spent {
  /** The label of the proxy key; null for none. */
  key: string | null;
  costUsd: number;
  estimatedUsd: number;
}

/** The dependencies and settings of a budget. */
export interface BudgetOptions {
  date: () => Date;
  /** The limit on the cost of a day (UTC); null for none. */
  maxCostUsd: number | null;
  /** Looks up the catalog's prices of a model. */
  findPrices: (model: string) => Prices | undefined;
  /** Called at the first response that the limit could not count. */
  onUncounted?: (model: string) => void;
}

/** The costs of today, and their limit. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #reservations = new Set<Reservation>();
  readonly #meanOutputs = new RunningMeans();
  readonly #meanCosts = new RunningMeans();
  #today = startDay("");
  #hasWarned = false;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Whether there is a limit. */
  get isLimited(): boolean {
    return this.#options.maxCostUsd !== null;
  }

  /** Whether today's costs and the reservations have reached the limit. */
  get isOverBudget(): boolean {
    const { maxCostUsd } = this.#options;
    if (maxCostUsd === null) return false;
    const { costUsd, estimatedUsd } = this.#currentDay();
    return costUsd + estimatedUsd + this.#sumReservations() >= maxCostUsd;
  }

  /** The costs of today (UTC). */
  read(): Today {
    const { costUsd, estimatedUsd, uncounted } = this.#currentDay();
    const { maxCostUsd } = this.#options;
    return { costUsd, estimatedUsd, reservedUsd: this.#sumReservations(), uncounted, maxCostUsd };
  }

  /** Reserves the cost of a request. If it is sent again in another form, replaces the earlier reservation. */
  reserve(timeline: Reservable, request: BudgetedRequest): void {
    if (!this.isLimited) return;
    this.#release(timeline);
    const [model] = request.models;
    const prices = findHighest(request.models.map(this.#options.findPrices));
    const meanOutput = this.#reservations.size < MAX_BY_MEAN
      ? this.#meanOutputs.find(model)
      : undefined;
    const output = Math.min(request.maxTokens, meanOutput ?? Infinity);
    const expectedUsd = prices === undefined
      ? this.#meanCosts.find(model) ?? this.#meanCosts.find(ALL_MODELS)
      : priceRequest(prices, request, output);
    const countOutput = () => timeline.countOutput?.() ?? 0;
    timeline.reservation = { request, prices, expectedUsd, countOutput, isRejected: false };
    this.#reservations.add(timeline.reservation);
  }

  /**
   * Counts costs from before this process started.
   * @param day the day (UTC) to which they belong, as `2026-11-29`; ignored if it is over
   */
  restore(day: string, spent: readonly Spent[]): void {
    const today = this.#currentDay();
    if (today.day !== day) return;
    for (const { costUsd, estimatedUsd } of spent) {
      today.costUsd += costUsd;
      today.estimatedUsd += estimatedUsd;
    }
  }

  /**
   * Replaces the reservation of a completed request with its reported or estimated cost.
   * @returns the estimated part, in USD; undefined if nothing was estimated
   */
  settle(timeline: Reservable): number | undefined {
    const { reservation, record } = timeline;
    this.#release(timeline);
    const today = this.#currentDay();
    const reported = readCost(record);
    today.costUsd += reported ?? 0;
    if (reservation === null) return undefined;
    const isComplete = record.outcome === "complete";
    if (reported !== undefined && isComplete) {
      this.#learn(timeline, reservation, reported);
      return undefined;
    }
    const estimate = this.#estimate(timeline, reservation);
    if (estimate === undefined) {
      if (reported === undefined) this.#countUncounted(reservation);
      return undefined;
    }
    // Upstream may report a cost in the middle of a response, before the final one.
    const estimatedUsd = Math.max(0, estimate - (reported ?? 0));
    today.estimatedUsd += estimatedUsd;
    return estimatedUsd;
  }

  #release(timeline: Reservable): void {
    if (timeline.reservation !== null) this.#reservations.delete(timeline.reservation);
    timeline.reservation = null;
  }

  #learn({ record }: Reservable, { request }: Reservation, costUsd: number): void {
    const [model] = request.models;
    if (record.outputTokens !== undefined) this.#meanOutputs.learn(model, record.outputTokens);
    this.#meanCosts.learn(model, costUsd);
    this.#meanCosts.learn(ALL_MODELS, costUsd);
  }

  /** Estimates the cost of a response without a reported cost; undefined if that is not possible. */
  #estimate({ record }: Reservable, reservation: Reservation): number | undefined {
    const { request, isRejected, countOutput } = reservation;
    const { inputTokens: input, cachedTokens: cached, writtenTokens: written } = record;
    // The first usage of a stream may contain zeros only.
    const isInputKnown = (input ?? 0) + (cached ?? 0) + (written ?? 0) > 0;
    let output = Math.max(record.outputTokens ?? 0, countOutput());
    if (isRejected || (hasFailed(record.outcome) && output === 0 && !isInputKnown)) return 0;
    if (!request.isStream && record.outcome !== "complete") {
      output = Math.max(output, request.maxTokens);
    }
    const { findPrices } = this.#options;
    // By now the catalog may have been fetched, and upstream may have reported the model.
    const prices = findHighest([findPrices(record.upstreamModel ?? "")]) ??
      findHighest(request.models.map(findPrices));
    if (prices === undefined) return reservation.expectedUsd;
    return isInputKnown
      ? priceTokens(prices, { input: input ?? 0, output, cached, written })
      : priceRequest(prices, request, output);
  }

  #countUncounted({ request }: Reservation): void {
    this.#currentDay().uncounted++;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.onUncounted?.(request.models[0]);
  }

  /** A response that is longer than expected counts with its output so far. */
  #sumReservations(): number {
    const unknownUsd = (this.#options.maxCostUsd ?? 0) * UNKNOWN_SHARE;
    let sum = 0;
    for (const { expectedUsd = unknownUsd, prices, request, countOutput } of this.#reservations) {
      const soFarUsd = prices === undefined ? 0 : priceRequest(prices, request, countOutput());
      sum += Math.max(expectedUsd, soFarUsd);
    }
    return sum;
  }

  /** The sums of the current day; new ones after midnight. */
  #currentDay(): Day {
    const day = this.#options.date().toISOString().slice(0, 10);
    if (this.#today.day !== day) this.#today = startDay(day);
    return this.#today;
  }
}

/** The sums of one day (UTC). */
interface Day {
  day: string;
  costUsd: number;
  estimatedUsd: number;
  uncounted: number;
}

function startDay(day: string): Day {
  return { day, costUsd: 0, estimatedUsd: 0, uncounted: 0 };
}

function priceRequest(
  prices: KnownPrices,
  { inputTokens: input, cacheTtl }: BudgetedRequest,
  output: number,
): number {
  return priceAtMost(prices, { input, output }, cacheTtl);
}

/** Upstream could not be reached or reported an error. After a disconnect or a timeout it may still charge. */
function hasFailed(outcome: string): boolean {
  return outcome !== "complete" && outcome !== "client_gone" && outcome !== "timeout_error";
}
