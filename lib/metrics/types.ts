/**
 * What `GET /stats` answers, as types: the server writes it, the page in the browser reads it. Types only.
 * Times of day in milliseconds since the epoch, durations in milliseconds, money in USD.
 * @module
 */

import type { RequestRecord } from "../log.ts";

/** A moment in the life of a request. */
export interface TimelineEvent {
  /** A request was sent upstream, its head came, a content block began. */
  kind: "asked" | "answered" | "block";
  /** Since the request was received. */
  at: number;
  /** The model asked, or the kind of the block and its tool. */
  note: string;
}

/** A request that is being answered. */
export interface ActiveRequest {
  requestId: string;
  model?: string;
  upstreamModel?: string;
  elapsedMs: number;
  /** Estimated from the text so far; null before there is any answer. */
  outputTokens: number | null;
  events: TimelineEvent[];
}

/** A request that has ended: what the log line says, and what only the page shows. */
export interface CompletedRequest extends RequestRecord {
  /** Counts up from 1. */
  number: number;
  /** When it was received. */
  time: number;
  events: TimelineEvent[];
  /** The model that was asked, where a fallback answered in its place. */
  replaced?: string;
  /** What its cache reads saved less what its cache writes cost, by the catalog's prices. */
  savedUsd?: number;
}

/** Sums over requests. Input tokens are those neither read from nor written to a cache. */
export interface Totals {
  requests: number;
  failed: number;
  inputTokens: number;
  cachedTokens: number;
  writtenTokens: number;
  outputTokens: number;
  /** Null until upstream has reported one. */
  costUsd: number | null;
  /** Requests that were answered and whose cost nobody told. */
  unpriced: number;
  /** Null until a price for what was cached is known. */
  savedUsd: number | null;
}

/** The sums of one stretch of time. */
export interface TimeBucket extends Totals {
  /** When it begins. */
  time: number;
}

/** Buckets of one width; empty ones are left out. */
export interface Series {
  widthMs: number;
  /** How many stretches it reaches back, the current one included. */
  length: number;
  buckets: TimeBucket[];
}

/** What today costs, by UTC. */
export interface Today {
  /** As upstream reported it. */
  costUsd: number;
  /** Estimated for answers whose cost upstream did not report; only where there is a limit. */
  estimatedUsd: number;
  /** Expected of the requests under way; only where there is a limit. */
  reservedUsd: number;
  /** Answers that the limit could not count: neither their cost nor the prices of their model are known. */
  uncounted: number;
  /** The limit (MAX_COST_USD); null for none, and where each client pays for itself. */
  maxCostUsd: number | null;
}

/** The answer of `GET /stats`. */
export interface Stats {
  about: { name: string; version: string };
  now: number;
  startedAt: number;
  /** Whether bodies are kept (INSPECT). */
  capturesBodies: boolean;
  today: Today;
  totals: Totals;
  inFlight: ActiveRequest[];
  /** Oldest first; with `?after=N` only those with a higher number. */
  requests: CompletedRequest[];
  series: { hour: Series; day: Series };
  models: (Totals & { model: string })[];
  /** How requests ended, errors by their type. */
  outcomes: { end: string; count: number }[];
  /** Fields that did not travel. */
  dropped: { field: string; count: number }[];
}

/** The bodies of one request, as text: what came, what was sent upstream, and both answers. */
export interface Bodies {
  request: string;
  sent: string;
  received: string;
  answer: string;
}
