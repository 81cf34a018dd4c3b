/**
 * The response of `GET /stats`, as types: written by the server, read by the dashboard in the browser.
 * Dates in milliseconds since the epoch, durations in milliseconds, costs in USD.
 * @module
 */

import type { Dialect } from "../config.ts";
import type { Access } from "../auth.ts";
import type { RequestKind } from "../anthropic/request_kind.ts";
import type { RequestRecord } from "../log.ts";
import type { Credit } from "../openrouter/key_credit.ts";

/** An event in the timeline of a request. */
export interface TimelineEvent {
  /** The request was sent upstream, upstream's headers arrived, a content block started. */
  kind: "sent" | "headers" | "block";
  /** Since the request was received. */
  at: number;
  /** The upstream model, or the type of the block and its tool. */
  note: string;
}

/** How a request belongs to a session of its client. */
export interface SessionRequest {
  /** Missing if the client sends none, or before the body is read. */
  sessionId?: string;
  /** Missing before the body is read. */
  kind?: RequestKind;
}

/** A request in flight. */
export interface ActiveRequest extends SessionRequest {
  requestId: string;
  model?: string;
  upstreamModel?: string;
  elapsedMs: number;
  /** Estimated from the text so far; null before a response. */
  outputTokens: number | null;
  events: TimelineEvent[];
  /** Since upstream sent anything; 0 while the client holds the response up, absent before upstream's headers. */
  idleMs?: number;
  /** The user's last words, while its bodies are captured. */
  preview?: string;
}

/** A completed request: the fields of the log line, and those that only the dashboard shows. */
export interface CompletedRequest extends RequestRecord, SessionRequest {
  /** Counts up from 1. */
  number: number;
  /** When it was received. */
  time: number;
  events: TimelineEvent[];
  /** The model that was sent, if one of its fallbacks responded instead. */
  replaced?: string;
  /** What its cache reads saved less what its cache writes cost, by the catalog's prices. */
  savedUsd?: number;
  /** The user's last words, while its bodies are captured; "" if there are none. */
  preview?: string;
  /** The part of its cost that upstream did not report, as estimated for MAX_COST_USD. */
  estimatedUsd?: number;
}

/** A completed request before it has its number. */
export type FinishedRequest = Omit<CompletedRequest, "number">;

/** Totals over requests. Input tokens exclude those read from or written to a cache. */
export interface Totals {
  requests: number;
  failed: number;
  inputTokens: number;
  cachedTokens: number;
  writtenTokens: number;
  outputTokens: number;
  /** Null until upstream has reported a cost. */
  costUsd: number | null;
  /** Requests with a response whose cost upstream did not report. */
  unpriced: number;
  /** Null until a price for cached tokens is known. */
  savedUsd: number | null;
}

/** The last answer in the conversation itself, without subagents and the like. */
export interface LastAnswer {
  /** The model in the client's request. */
  model: string;
  /** The model that responded. */
  upstreamModel: string;
  /** Null if upstream did not report it. */
  provider: string | null;
  /** The tokens of the prompt, including cached ones; null if upstream did not report them. */
  contextTokens: number | null;
  /** The context length of the model, by the catalog; null if unknown. */
  contextLength: number | null;
  /** While the response was written; null if it did not arrive as a stream. */
  tokensPerSecond: number | null;
}

/** The requests of one session of a client. */
export interface Session {
  id: string;
  /** When its first request was received. */
  startedAt: number;
  /** When its last request was completed. */
  lastActiveAt: number;
  totals: Totals;
  /** The number of requests by kind. */
  kinds: Record<RequestKind, number>;
  /** Null before the first answer. */
  lastAnswer: LastAnswer | null;
  /** The last error; null for none. Type and message as the client got them. */
  lastError: { type: string; message: string; time: number } | null;
}

/** The response of `GET /stats?session=ID`. */
export interface SessionStats extends Session {
  /** The daily limit of the client's key, or of all, whichever is closer; null without one. */
  limit: { spentUsd: number; maxCostUsd: number } | null;
}

/** The totals of one period. */
export interface TimeBucket extends Totals {
  /** Start of the period. */
  time: number;
}

/** Buckets of one width; empty ones are left out. */
export interface Series {
  widthMs: number;
  /** Number of periods, including the current one. */
  length: number;
  buckets: TimeBucket[];
}

/** The costs of the current day (UTC). */
export interface Today {
  /** As reported by upstream. */
  costUsd: number;
  /** Estimated for responses whose cost upstream did not report; only with a limit. */
  estimatedUsd: number;
  /** Reserved for the requests in flight; only with a limit. */
  reservedUsd: number;
  /** Responses that the limit could not count: neither their cost nor the prices of their model are known. */
  uncounted: number;
  /** The limit (MAX_COST_USD); null for none, and if clients pay with their own keys. */
  maxCostUsd: number | null;
  /** The costs with each key of PROXY_API_KEYS, in their order. */
  keys: KeyCosts[];
}

/** The costs of the current day (UTC) with one key of PROXY_API_KEYS; sums as in {@linkcode Today}. */
export interface KeyCosts {
  /** Names the key by its position: `key 1`. */
  label: string;
  costUsd: number;
  estimatedUsd: number;
  reservedUsd: number;
  uncounted: number;
  /** The limit (MAX_COST_USD_PER_KEY); null for none, and if clients pay with their own keys. */
  maxCostUsd: number | null;
}

/** The response of `GET /stats`. */
export interface Stats {
  about: { name: string; version: string };
  now: number;
  startedAt: number;
  /** Whether bodies are captured (INSPECT, or the switch of the dashboard). */
  capturesBodies: boolean;
  today: Today;
  totals: Totals;
  inFlight: ActiveRequest[];
  /** The newest 200 (`?limit=N`), oldest first; with `?after=N` only those with a higher number. */
  requests: CompletedRequest[];
  series: { hour: Series; day: Series };
  models: (Totals & { model: string })[];
  /** The last 100 sessions, the most recently active first. */
  sessions: Session[];
  /** Completed requests by outcome, errors by their type. */
  outcomes: { end: string; count: number }[];
  /** Dropped fields. */
  dropped: { field: string; count: number }[];
  /** Missing unless the requests are stored in a file (HISTORY). */
  history?: {
    /** Days after which requests are deleted. */
    days: number;
  };
}

/** The response of `GET /stats?setup=1`: how this proxy is set up. Contains no secrets. */
export interface Setup {
  /** Where requests are sent, without `/chat/completions`. */
  baseUrl: string;
  dialect: Dialect;
  /** Family of model names → its targets; the first one answers, unless it fails. */
  targets: Record<string, readonly string[]>;
  access: Access;
  /** What upstream reports about the proxy's own key; null while unknown. */
  credit: Credit | null;
}

/** The bodies of one request, as text. */
export interface Bodies {
  /** From the client. */
  request: string;
  /** To upstream. */
  sent: string;
  /** From upstream. */
  received: string;
  /** To the client. */
  answer: string;
}
