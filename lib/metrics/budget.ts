/**
 * The daily limits, MAX_COST_USD and MAX_COST_USD_PER_KEY: the costs that upstream reported today, estimates for
 * responses without a reported cost, and a reservation for each request in flight. In memory; the history restores
 * the costs of today.
 * @module
 */

import { RunningMeans } from "../running_mean.ts";
import { COST_COLUMNS, FIRST_COLUMN } from "../shared_row.ts";
import type {
  BudgetedRequest,
  BudgetOptions,
  LimitUsage,
  Reservable,
  Reservation,
  Spent,
} from "./budget_types.ts";
import { type Costs, DailyCosts, findReset } from "./daily_costs.ts";
import { findHighest, type KnownPrices, priceAtMost, priceTokens } from "./prices.ts";
import type { Today } from "./types.ts";
import { readCost } from "./aggregates.ts";

/**
 * Up to this number of concurrent requests, each is expected to write as much as the last responses of its model;
 * further ones are expected to write `max_tokens`. With the mean alone, a thousand long requests could pass at once;
 * with `max_tokens` alone, a limit of a few dollars would admit one request at a time.
 */
const MAX_BY_MEAN = 4;
/** The name of the mean over all models. */
const ALL_MODELS = "";

/** The name of a key of PROXY_API_KEYS in figures and messages, by its position from 0. Keys themselves are secrets. */
export function labelKey(index: number): string {
  return `key ${index + 1}`;
}

/** The costs of today, and their limits. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #total: DailyCosts;
  /** By the position of the key in PROXY_API_KEYS. */
  readonly #keys: readonly DailyCosts[];
  readonly #meanOutputs: RunningMeans;
  readonly #meanCosts: RunningMeans;
  #hasWarned = false;

  constructor(options: BudgetOptions) {
    const { date, keyCount, maxCostUsd, maxCostUsdPerKey, means, sharedRow: row } = options;
    this.#options = options;
    this.#meanOutputs = means?.outputTokens ?? new RunningMeans();
    this.#meanCosts = means?.costUsd ?? new RunningMeans();
    const create = (limit: number | null, index: number) =>
      new DailyCosts(limit, date, row === undefined ? null : { row, column: findColumn(index) });
    this.#total = create(maxCostUsd, 0);
    this.#keys = Array.from(
      { length: keyCount },
      (_, index) => create(maxCostUsdPerKey, index + 1),
    );
  }

  /** Whether there is a limit. */
  get isLimited(): boolean {
    const { maxCostUsd, maxCostUsdPerKey } = this.#options;
    return maxCostUsd !== null || maxCostUsdPerKey !== null;
  }

  /** Runs a function while no other worker reads or changes the sums. It must not wait for anything. */
  exclusively<T>(run: () => T): T {
    const { sharedRow } = this.#options;
    return sharedRow === undefined ? run() : sharedRow.exclusively(run);
  }

  /** The limits that apply to a request; the limit on all requests first. */
  listLimits({ keyIndex }: Pick<Reservable, "keyIndex">): LimitUsage[] {
    const key = keyIndex === null ? undefined : this.#keys[keyIndex];
    const label = keyIndex === null ? null : labelKey(keyIndex);
    return [
      ...this.#readLimit(this.#total, { variable: "MAX_COST_USD", key: null }),
      ...this.#readLimit(key, { variable: "MAX_COST_USD_PER_KEY", key: label }),
    ];
  }

  /** The costs of today (UTC). */
  read(): Today {
    const keys = this.#keys.map((costs, index) => ({
      label: labelKey(index),
      ...costs.read(),
      maxCostUsd: costs.maxCostUsd,
    }));
    return { ...this.#total.read(), maxCostUsd: this.#total.maxCostUsd, keys };
  }

  /** Reserves the cost of a request. If it is sent again in another form, replaces the earlier reservation. */
  reserve(timeline: Reservable, request: BudgetedRequest): void {
    if (!this.isLimited) return;
    this.#release(timeline);
    const prices = findHighest(request.models.map(this.#options.findPrices));
    const countOutput = () => timeline.output?.outputTokens ?? 0;
    const priceSoFar = () =>
      prices === undefined ? 0 : priceRequest(prices, request, countOutput());
    const expect = ({ inFlight }: DailyCosts) => this.#expectCost(request, prices, inFlight);
    const expectedUsd = expect(this.#total);
    const reservation = { request, prices, expectedUsd, countOutput, isRejected: false };
    timeline.reservation = reservation;
    for (const costs of this.#findCosts(timeline)) {
      costs.reserve(reservation, { expectedUsd: expect(costs), priceSoFar });
    }
  }

  /**
   * Counts costs from before this process started.
   * @param day the day (UTC) to which they belong, as `2026-11-29`; ignored if it is over
   */
  restore(day: string, spent: readonly Spent[]): void {
    if (!this.#options.date().toISOString().startsWith(day)) return;
    for (const { key, costUsd, estimatedUsd } of spent) {
      const keyIndex = this.#keys.findIndex((_, index) => labelKey(index) === key);
      for (const sums of this.#findCosts({ keyIndex })) {
        sums.add({ costUsd, estimatedUsd, uncounted: 0 });
      }
    }
  }

  /** Takes over the costs of a worker that has ended. @param read reads columns of its row */
  inherit(read: (column: number, count: number) => readonly number[]): void {
    for (const [index, costs] of [this.#total, ...this.#keys].entries()) {
      costs.inherit(read(findColumn(index), COST_COLUMNS));
    }
  }

  /** Tells other workers how much is reserved, which grows with the output. */
  publish(): void {
    for (const costs of [this.#total, ...this.#keys]) costs.publish();
  }

  /**
   * Replaces the reservation of a completed request with its reported or estimated cost.
   * @returns the estimated part, in USD; undefined if nothing was estimated
   */
  settle(timeline: Reservable): number | undefined {
    // Otherwise another worker might see neither the reservation nor the cost.
    return this.exclusively(() => this.#settle(timeline));
  }

  #settle(timeline: Reservable): number | undefined {
    const { reservation, record } = timeline;
    this.#release(timeline);
    const reported = readCost(record);
    const costs: Costs = { costUsd: reported ?? 0, estimatedUsd: 0, uncounted: 0 };
    if (reservation !== null && reported !== undefined && record.outcome === "complete") {
      this.#learn(timeline, reservation, reported);
    } else if (reservation !== null) {
      const estimate = this.#estimate(timeline, reservation);
      // Upstream may report a cost in the middle of a response, before the final one.
      costs.estimatedUsd = Math.max(0, (estimate ?? 0) - costs.costUsd);
      if (estimate === undefined && reported === undefined) costs.uncounted = 1;
      if (costs.uncounted > 0) this.#warnOnce(reservation);
    }
    for (const sums of this.#findCosts(timeline)) sums.add(costs);
    return costs.estimatedUsd > 0 ? costs.estimatedUsd : undefined;
  }

  #release(timeline: Reservable): void {
    const { reservation } = timeline;
    if (reservation === null) return;
    for (const costs of this.#findCosts(timeline)) costs.release(reservation);
    timeline.reservation = null;
  }

  /** The sums that a request counts towards. */
  #findCosts({ keyIndex }: Pick<Reservable, "keyIndex">): DailyCosts[] {
    const key = keyIndex === null ? undefined : this.#keys[keyIndex];
    return key === undefined ? [this.#total] : [this.#total, key];
  }

  #readLimit(
    costs: DailyCosts | undefined,
    limit: Pick<LimitUsage, "variable" | "key">,
  ): LimitUsage[] {
    const maxCostUsd = costs?.maxCostUsd ?? null;
    if (costs === undefined || maxCostUsd === null) return [];
    const { costUsd, estimatedUsd, reservedUsd } = costs.read();
    const now = this.#options.date().getTime();
    const resetsAt = findReset(now);
    const resetsInS = Math.ceil((resetsAt - now) / 1000);
    const spentUsd = costUsd + estimatedUsd;
    return [{ ...limit, spentUsd, reservedUsd, maxCostUsd, resetsAt, resetsInS }];
  }

  /** @param inFlight how many other requests count towards the same limit */
  #expectCost(
    request: BudgetedRequest,
    prices: KnownPrices | undefined,
    inFlight: number,
  ): number | undefined {
    const [model] = request.models;
    if (prices === undefined) {
      return this.#meanCosts.find(model) ?? this.#meanCosts.find(ALL_MODELS);
    }
    const meanOutput = inFlight < MAX_BY_MEAN ? this.#meanOutputs.find(model) : undefined;
    return priceRequest(prices, request, Math.min(request.maxTokens, meanOutput ?? Infinity));
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

  #warnOnce({ request }: Reservation): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.onUncounted?.(request.models[0]);
  }
}

/** The first column of a limit, by its position: all requests, then each key. */
function findColumn(index: number): number {
  return FIRST_COLUMN.costs + index * COST_COLUMNS;
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
