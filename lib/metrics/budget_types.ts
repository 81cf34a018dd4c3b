/**
 * What the daily limits are given and what they return: requests with their reservations, costs, options and usage.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import type { RunningMeans } from "../running_mean.ts";
import type { SharedRow } from "../shared_row.ts";
import type { KnownPrices, Prices } from "./prices.ts";

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

/** Estimates the output tokens of a response so far. */
export interface OutputCounter {
  readonly outputTokens: number;
}

/** A request as far as the budget needs it; the request timeline is one. */
export interface Reservable {
  readonly record: RequestRecord;
  readonly output: OutputCounter | null;
  /** The position of the client's key in PROXY_API_KEYS, from 0; null without one. */
  readonly keyIndex: number | null;
  reservation: Reservation | null;
}

/** Costs that an earlier process counted. */
export interface Spent {
  /** The label of the proxy key, as of {@linkcode labelKey}; null for none. */
  key: string | null;
  costUsd: number;
  estimatedUsd: number;
}

/** The dependencies and settings of a budget. */
export interface BudgetOptions {
  date: () => Date;
  /** The limit on the cost of a day (UTC); null for none. */
  maxCostUsd: number | null;
  /** The limit on the cost of a day (UTC) with each key of PROXY_API_KEYS; null for none. */
  maxCostUsdPerKey: number | null;
  /** The number of keys in PROXY_API_KEYS. */
  keyCount: number;
  /** Looks up the catalog's prices of a model. */
  findPrices: (model: string) => Prices | undefined;
  /** Called at the first response that the limit could not count. */
  onUncounted?: (model: string) => void;
  /** By model: output tokens and cost of a response. */
  means?: { outputTokens: RunningMeans; costUsd: RunningMeans } | undefined;
  /** Shares the sums with other workers; missing for a server that works alone. */
  sharedRow?: SharedRow | undefined;
}

/** A limit that applies to a request, and how much of it is used. */
export interface LimitUsage {
  variable: "MAX_COST_USD" | "MAX_COST_USD_PER_KEY";
  /** The label of the key that is limited; null for the limit on all requests. */
  key: string | null;
  /** Reported and estimated. */
  spentUsd: number;
  reservedUsd: number;
  maxCostUsd: number;
  /** When the limit starts again, in milliseconds since the epoch. */
  resetsAt: number;
  /** Whole seconds until then, at least 1. */
  resetsInS: number;
}
