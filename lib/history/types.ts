/**
 * The history of requests in a file, as types: what is stored, what is queried, and the response of
 * `GET /stats/history`. Dates in milliseconds since the epoch, durations in milliseconds, costs in USD.
 * @module
 */

import type { FinishedRequest, Totals } from "../metrics/types.ts";

/** How the rows of a report are grouped. Days and months are those of UTC. */
export type Grouping = "day" | "month" | "model" | "key" | "session";

/** The texts of a query; undefined or null for the default. */
export interface QueryText {
  by?: string | null | undefined;
  since?: string | null | undefined;
}

/** A query: its groups, and the time from which requests count. */
export interface HistoryQuery {
  by: Grouping;
  since: number;
}

/** Totals over requests, with what only the history adds. */
export interface HistoryTotals extends Totals {
  /** Estimated for responses whose cost upstream did not report; only with a limit (MAX_COST_USD). */
  estimatedUsd: number;
}

/** One group of requests. */
export interface HistoryRow extends HistoryTotals {
  /** `2026-11-29`, `2026-11`, the model that answered, the key or the session; null for requests without one. */
  name: string | null;
  /** When its first and its last request ended. */
  firstTime: number;
  lastTime: number;
}

/** The response of `GET /stats/history`. */
export interface HistoryReport extends HistoryQuery {
  totals: HistoryTotals;
  /** Days and months from the newest, others from the most expensive. */
  rows: HistoryRow[];
  /** Number of groups that did not fit into `rows`; the totals include them. */
  omitted: number;
}

/** Who paid for a request. */
export interface Payer {
  /** Whether the client paid with its own OpenRouter key. */
  isClient: boolean;
  /** The label of the proxy key that the client sent, never the key; undefined for none. */
  key?: string | undefined;
}

/** The history of requests. */
export interface History {
  /** Days after which requests are deleted. */
  readonly days: number;
  /** Adds a request; it is written within a second. Never throws and never waits. */
  add(request: FinishedRequest, payer: Payer): void;
  /** @throws {QueryError} for an invalid query, or the error of the database if the file cannot be read */
  read(query: QueryText): Promise<HistoryReport>;
  /** Writes what is pending, and closes the file. */
  close(): void;
}
