/**
 * Anthropic's rate-limit headers for a daily limit, as Anthropic's own gateway sends them for a spending limit. Claude
 * Code reads them in gateway sessions, and shows a warning from the first threshold on.
 * @module
 */

import type { LimitUsage } from "../metrics/budget_types.ts";

/** Shares of a limit from which Claude Code warns, the highest first. */
const THRESHOLDS = [0.95, 0.75] as const;
const PREFIX = "anthropic-ratelimit-unified";

/** The headers of a response below the limit. Reservations do not count: they are not spent yet. */
export function toLimitHeaders({ spentUsd, maxCostUsd, resetsAt }: LimitUsage): HeaderRecord {
  const used = spentUsd / maxCostUsd;
  const threshold = THRESHOLDS.find((share) => used >= share);
  const status = threshold === undefined ? "allowed" : "allowed_warning";
  const reset = toSeconds(resetsAt);
  return {
    [`${PREFIX}-status`]: status,
    [`${PREFIX}-reset`]: reset,
    // The claims `five_hour` and `seven_day` would name a limit of a subscription.
    [`${PREFIX}-representative-claim`]: "overage",
    [`${PREFIX}-overage-status`]: status,
    [`${PREFIX}-overage-reset`]: reset,
    // Below the limit never 1: clients take that for a limit that is reached.
    [`${PREFIX}-overage-utilization`]: String(Math.min(0.99, Math.round(used * 100) / 100)),
    ...(threshold !== undefined &&
      { [`${PREFIX}-overage-surpassed-threshold`]: String(threshold) }),
  };
}

/**
 * The headers of an error at the limit. Without a claim, so that Claude Code shows the message of the error. Without
 * the reason it would add that this is not the user's limit.
 */
export function toReachedHeaders(
  { spentUsd, maxCostUsd, resetsAt, resetsInS }: LimitUsage,
): HeaderRecord {
  const reset = toSeconds(resetsAt);
  return {
    "x-should-retry": "false",
    "retry-after": String(resetsInS),
    [`${PREFIX}-status`]: "rejected",
    [`${PREFIX}-reset`]: reset,
    [`${PREFIX}-overage-reset`]: reset,
    [`${PREFIX}-overage-utilization`]: String(Math.round(spentUsd / maxCostUsd * 100) / 100),
    [`${PREFIX}-overage-surpassed-threshold`]: "1",
    [`${PREFIX}-overage-period`]: "daily",
    [`${PREFIX}-overage-disabled-reason`]: "org_spend_cap_reached",
  };
}

type HeaderRecord = Record<string, string>;

function toSeconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}
