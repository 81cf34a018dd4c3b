/**
 * The day's limit, MAX_COST_USD: for whom it holds, and what is refused because of it.
 * @module
 */

import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import { formatUsd } from "../format.ts";
import type { RequestContext, Services } from "../request_context.ts";
import type { BudgetedRequest } from "../metrics/budget.ts";

/** Clients that may try again do so after so many seconds: most answers are written by then. */
const RETRY_AFTER_S = "10";

/** No model writes more, whatever a client allows it. */
const MAX_OUTPUT_TOKENS = 1e6;

/** The limit; null for none. It is about the operator's key: clients that pay with their own have no share in it. */
export function findLimit(
  { maxCostUsd, openrouterApiKey, dialect }: Pick<
    Config,
    "maxCostUsd" | "openrouterApiKey" | "dialect"
  >,
): number | null {
  return openrouterApiKey === null && dialect !== "openai" ? null : maxCostUsd;
}

/**
 * Reserves what a request is expected to cost, just before it is sent. No `await` may stand between the two, or
 * requests that come at once all see the same room.
 * @throws {ApiError} as {@linkcode requireBudget}; not for a request that is sent again in another form
 */
export function reserveCost(
  sent: BudgetedRequest,
  { exchange: { timeline }, services }: { exchange: RequestContext; services: Services },
): void {
  if (timeline.reservation === null) requireBudget(services);
  const maxTokens = Math.min(sent.maxTokens, MAX_OUTPUT_TOKENS);
  services.metrics.budget.reserve(timeline, { ...sent, maxTokens });
}

/** @throws {ApiError} 402 where today's cost, and what is under way, have reached the limit */
export function requireBudget({ metrics: { budget } }: Services): void {
  if (!budget.isOverBudget) return;
  const { costUsd, estimatedUsd, reservedUsd, maxCostUsd } = budget.read();
  const spent = formatUsd(costUsd + estimatedUsd);
  if (maxCostUsd === null || costUsd + estimatedUsd >= maxCostUsd) {
    throw new ApiError(
      "billing_error",
      `Today's limit is reached: ${spent} of $${maxCostUsd} (MAX_COST_USD). ` +
        "Raise it, or wait until midnight UTC",
    );
  }
  const reserved = formatUsd(reservedUsd);
  throw new ApiError(
    "billing_error",
    `Today's limit is reached: ${spent} and ${reserved} in flight of $${maxCostUsd} (MAX_COST_USD). ` +
      "Raise it, or try again when the requests in flight have ended",
    { headers: { "x-should-retry": "true", "retry-after": RETRY_AFTER_S } },
  );
}
