/**
 * One request as a row of the table. Texts come from clients and upstream: they are cleaned and cut here.
 * @module
 */

import { stripControlChars } from "../colors.ts";
import { readCost } from "../metrics/aggregates.ts";
import type { FinishedRequest } from "../metrics/types.ts";
import type { Payer } from "./types.ts";

const MAX_CHARS = 256;
/** More than any response has; a sum over all rows stays exact. */
const MAX_COUNT = 1e9;

/** The columns of the table with their types, in the order of {@linkcode toValues}. */
export const COLUMNS = {
  /** When the response ended: a cost belongs to the day on which it is known. */
  time: "INTEGER NOT NULL",
  session: "TEXT",
  /** The label of the client's proxy key. */
  key: "TEXT",
  /** The role of the request in its session. */
  kind: "TEXT",
  /** The requested model, the model that answered, and its provider. */
  model: "TEXT",
  upstream_model: "TEXT",
  provider: "TEXT",
  outcome: "TEXT NOT NULL",
  status: "INTEGER NOT NULL",
  /** 1 if the client got an error. */
  failed: "INTEGER NOT NULL",
  input_tokens: "INTEGER",
  cached_tokens: "INTEGER",
  written_tokens: "INTEGER",
  output_tokens: "INTEGER",
  cost_usd: "REAL",
  estimated_usd: "REAL",
  saved_usd: "REAL",
  duration_ms: "INTEGER NOT NULL",
  first_event_ms: "INTEGER",
  /** 1 if the client paid with its own key. */
  client_paid: "INTEGER NOT NULL",
} as const;

/** The values of a row. */
export type Entry = Record<keyof typeof COLUMNS, string | number | null>;

/** The row of a completed request. */
export function toEntry(request: FinishedRequest, payer: Payer): Entry {
  return {
    time: request.time + request.totalMs,
    session: toName(request.sessionId),
    key: toName(payer.key),
    kind: toName(request.kind),
    model: toName(request.model),
    upstream_model: toName(request.upstreamModel),
    provider: toName(request.provider),
    outcome: toName(request.outcome) ?? "",
    status: request.status,
    failed: request.error === undefined ? 0 : 1,
    input_tokens: toCount(request.inputTokens),
    cached_tokens: toCount(request.cachedTokens),
    written_tokens: toCount(request.writtenTokens),
    output_tokens: toCount(request.outputTokens),
    cost_usd: readCost(request) ?? null,
    estimated_usd: request.estimatedUsd ?? null,
    saved_usd: request.savedUsd ?? null,
    duration_ms: toCount(request.totalMs) ?? 0,
    first_event_ms: toCount(request.firstEventMs),
    client_paid: payer.isClient ? 1 : 0,
  };
}

/** The values in the order of the columns. */
export function toValues(entry: Entry): (string | number | null)[] {
  return Object.keys(COLUMNS).map((name) => entry[name as keyof Entry]);
}

function toName(text: string | undefined): string | null {
  return text === undefined ? null : stripControlChars(text).slice(0, MAX_CHARS);
}

/** Upstream may report fractions, negative numbers or anything else. */
function toCount(count: number | undefined): number | null {
  if (count === undefined || !Number.isFinite(count)) return null;
  return Math.min(MAX_COUNT, Math.max(0, Math.round(count)));
}
