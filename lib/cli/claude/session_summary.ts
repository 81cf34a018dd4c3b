/**
 * Summarizes the metrics of a session in one line.
 * @module
 */

import { formatCost, formatCount } from "../../format.ts";
import type { Totals } from "../../metrics/types.ts";

/** `12 requests (1 failed), 45,210 tokens in, 3,120 out, $0.1234`. */
export function summarizeSession(totals: Readonly<Totals>): string {
  const { requests, failed, inputTokens, cachedTokens, writtenTokens, outputTokens } = totals;
  if (requests === 0) return "no requests";
  const failures = failed === 0 ? "" : ` (${formatCount(failed)} failed)`;
  const promptTokens = inputTokens + cachedTokens + writtenTokens;
  return `${countRequests(requests)}${failures}, ${formatCount(promptTokens)} tokens in, ` +
    `${formatCount(outputTokens)} out, ${describeCost(totals)}`;
}

function describeCost({ costUsd, unpriced }: Readonly<Totals>): string {
  if (costUsd === null) return unpriced > 0 ? "cost unknown" : "no cost reported";
  const cost = formatCost(costUsd);
  return unpriced > 0 ? `${cost} plus ${countRequests(unpriced)} of unknown cost` : cost;
}

function countRequests(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "request" : "requests"}`;
}
