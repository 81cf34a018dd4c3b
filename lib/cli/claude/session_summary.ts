/**
 * What a session came to, in one line, from the metrics of its process.
 * @module
 */

import type { Totals } from "../../metrics/types.ts";

/** `12 requests (1 failed), 45,210 tokens in, 3,120 out, $0.1234`. */
export function summarizeSession(sums: Readonly<Totals>): string {
  if (sums.requests === 0) return "no requests";
  const failed = sums.failed === 0 ? "" : ` (${formatNumber(sums.failed)} failed)`;
  const tokensIn = sums.inputTokens + sums.cachedTokens + sums.writtenTokens;
  return `${count(sums.requests)}${failed}, ${formatNumber(tokensIn)} tokens in, ` +
    `${formatNumber(sums.outputTokens)} out${describeCost(sums)}`;
}

function describeCost({ costUsd, unpriced }: Readonly<Totals>): string {
  if (costUsd === null) return unpriced > 0 ? ", cost not known" : ", no cost reported";
  const known = `, ${formatCost(costUsd)}`;
  return unpriced > 0 ? `${known} and what ${count(unpriced)} cost is not known` : known;
}

function count(requests: number): string {
  return `${formatNumber(requests)} ${requests === 1 ? "request" : "requests"}`;
}

function formatNumber(value: number): string {
  return value.toLocaleString("en-US");
}

function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.0001) return "under $0.0001";
  return `$${usd.toFixed(usd >= 1 ? 2 : 4)}`;
}
