/**
 * Applies the daily limit, MAX_COST_USD: reserves the expected cost of a request, or rejects it.
 * @module
 */

import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import { formatUsd } from "../format.ts";
import type { RequestContext, Services } from "../request_context.ts";
import type { BudgetedRequest } from "../metrics/budget.ts";

/** In this time most responses in flight are complete. */
const RETRY_AFTER_S = "10";

/** No model writes more, whatever `max_tokens` a client sends. */
const MAX_OUTPUT_TOKENS = 1e6;

/** The limit; null for none. It protects the operator's key: clients with keys of their own are not limited. */
export function findLimit(
  { maxCostUsd, openrouterApiKey, dialect }: Pick<
    Config,
    "maxCostUsd" | "openrouterApiKey" | "dialect"
  >,
): number | null {
  return openrouterApiKey === null && dialect !== "openai" ? null : maxCostUsd;
}

/**
 * Reserves the expected cost of a request, just before it is sent. No `await` may stand between the two, otherwise
 * concurrent requests all see the same free budget.
 * @throws {ApiError} as {@linkcode requireBudget}; not for a request that is sent again in another form
 */
export function reserveCost(
  { timeline, services }: RequestContext,
  request: BudgetedRequest,
): void {
  if (timeline.reservation === null) requireBudget(services);
  const maxTokens = Math.min(request.maxTokens, MAX_OUTPUT_TOKENS);
  services.metrics.budget.reserve(timeline, { ...request, maxTokens });
}

/** @throws {ApiError} 402 if today's cost and the reservations have reached the limit */
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
