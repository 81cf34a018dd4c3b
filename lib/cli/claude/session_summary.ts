/**
 * Summarizes the metrics of a session: a line with the totals, and one for each model if there are several.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import { formatCost, formatCount } from "../../format.ts";
import type { Stats, Totals } from "../../metrics/types.ts";

/** Models in their own line; further ones share a line. */
const MAX_MODELS = 5;
/** Upstream's messages may be long. */
const MAX_ERROR_CHARS = 200;

/** The metrics that a summary contains. */
export type SessionStats = Pick<Stats, "totals" | "models"> & {
  requests: readonly { outcome?: string; error?: string }[];
};

/**
 * The lines of a summary: the totals, `z-ai/glm-5: 10 requests, $0.0234` for each model, and `last error: …`. With one
 * model everything is in one line.
 */
export function describeSession({ totals, models, requests }: SessionStats): string[] {
  // An interrupted request is no error of upstream.
  const error = requests.findLast(({ outcome, error }) =>
    error !== undefined && outcome !== "client_gone"
  )?.error;
  const total = summarizeSession(totals);
  const last = error === undefined ? [] : [`last error: ${shorten(error)}`];
  if (models.length < 2) return [[total, ...last].join("; ")];
  return [total, ...describeModels(models), ...last];
}

/** The most expensive models first. */
function describeModels(models: SessionStats["models"]): string[] {
  const sorted = models.toSorted((a, b) =>
    (b.costUsd ?? 0) - (a.costUsd ?? 0) || b.requests - a.requests
  );
  const isLong = sorted.length > MAX_MODELS;
  const shown = isLong ? sorted.slice(0, MAX_MODELS - 1) : sorted;
  const lines = shown.map((one) => `${stripControlChars(one.model)}: ${describeModel(one)}`);
  if (isLong) {
    const others = sorted.slice(shown.length);
    lines.push(`${others.length} other models: ${describeModel(addTotals(others))}`);
  }
  return lines;
}

/** `12 requests (1 failed), 45,210 tokens in, 3,120 out, $0.1234`. */
export function summarizeSession(totals: Readonly<Totals>): string {
  const { requests, inputTokens, cachedTokens, writtenTokens, outputTokens } = totals;
  if (requests === 0) return "no requests";
  const promptTokens = inputTokens + cachedTokens + writtenTokens;
  return `${describeRequests(totals)}, ${formatCount(promptTokens)} tokens in, ` +
    `${formatCount(outputTokens)} out, ${describeCost(totals)}`;
}

type ModelTotals = Pick<Totals, "requests" | "failed" | "costUsd" | "unpriced">;

function describeModel(totals: ModelTotals): string {
  return `${describeRequests(totals)}, ${describeCost(totals)}`;
}

function addTotals(totals: readonly ModelTotals[]): ModelTotals {
  return totals.reduce((sum, one) => ({
    requests: sum.requests + one.requests,
    failed: sum.failed + one.failed,
    costUsd: one.costUsd === null ? sum.costUsd : (sum.costUsd ?? 0) + one.costUsd,
    unpriced: sum.unpriced + one.unpriced,
  }));
}

function describeRequests({ requests, failed }: Pick<Totals, "requests" | "failed">): string {
  const failures = failed === 0 ? "" : ` (${formatCount(failed)} failed)`;
  return `${countRequests(requests)}${failures}`;
}

function describeCost({ costUsd, unpriced }: Pick<Totals, "costUsd" | "unpriced">): string {
  if (costUsd === null) return unpriced > 0 ? "cost unknown" : "no cost reported";
  const cost = formatCost(costUsd);
  return unpriced > 0 ? `${cost} plus ${countRequests(unpriced)} of unknown cost` : cost;
}

function countRequests(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "request" : "requests"}`;
}

function shorten(error: string): string {
  const line = stripControlChars(error);
  return line.length > MAX_ERROR_CHARS ? `${line.slice(0, MAX_ERROR_CHARS)}…` : line;
}
