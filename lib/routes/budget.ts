/**
 * Applies the daily limits, MAX_COST_USD and MAX_COST_USD_PER_KEY: reserves the expected cost of a request, or rejects
 * it.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { requiresClientKeys } from "../auth.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import { formatUsd } from "../format.ts";
import type { BudgetedRequest, BudgetOptions, LimitUsage } from "../metrics/budget_types.ts";
import type { RequestContext } from "../request_context.ts";
import { toLimitHeaders, toReachedHeaders } from "./limit_headers.ts";

/** In this time most responses in flight are complete. */
const RETRY_AFTER_S = "10";

/** No model writes more, whatever `max_tokens` a client sends. */
const MAX_OUTPUT_TOKENS = 1e6;

/** The limits; null for none. They protect the operator's key: clients with keys of their own are not limited. */
export function findLimits(
  config: Pick<Config, "maxCostUsd" | "maxCostUsdPerKey" | "openrouterApiKey" | "dialect">,
): Pick<BudgetOptions, "maxCostUsd" | "maxCostUsdPerKey"> {
  const { maxCostUsd, maxCostUsdPerKey } = config;
  return requiresClientKeys(config)
    ? { maxCostUsd: null, maxCostUsdPerKey: null }
    : { maxCostUsd, maxCostUsdPerKey };
}

/**
 * Reserves the expected cost of a request, just before it is sent. Check and reservation are one step, otherwise
 * concurrent requests all see the same free budget.
 * @throws {ApiError} as {@linkcode requireBudget}; not for a request that is sent again in another form
 */
export function reserveCost(context: RequestContext, request: BudgetedRequest): void {
  const { timeline, services: { metrics: { budget } } } = context;
  const maxTokens = Math.min(request.maxTokens, MAX_OUTPUT_TOKENS);
  budget.exclusively(() => {
    if (timeline.reservation === null) requireBudget(context);
    budget.reserve(timeline, { ...request, maxTokens });
  });
}

/**
 * @throws {ApiError} 429 `billing_error` if today's cost has reached a limit, 429 `rate_limit_error` if only the
 * reservations of the requests in flight have
 */
export function requireBudget(
  { timeline, services }: Pick<RequestContext, "timeline" | "services">,
): void {
  const limits = services.metrics.budget.listLimits(timeline);
  const reached = limits.find(({ spentUsd, maxCostUsd }) => spentUsd >= maxCostUsd);
  if (reached !== undefined) throw limitReachedError(reached);
  const reserved = limits.find(({ spentUsd, reservedUsd, maxCostUsd }) =>
    spentUsd + reservedUsd >= maxCostUsd
  );
  if (reserved !== undefined) throw limitReservedError(reserved);
}

/** The limit of this client that is closest to being reached; undefined without a limit. */
export function findClosestLimit(
  { timeline, services }: Pick<RequestContext, "timeline" | "services">,
): LimitUsage | undefined {
  const limits = services.metrics.budget.listLimits(timeline);
  const share = ({ spentUsd, maxCostUsd }: LimitUsage) => spentUsd / maxCostUsd;
  return limits.sort((a, b) => share(b) - share(a))[0];
}

/** Sets the headers of the limit that is closest; none without a limit. */
export function setLimitHeaders(context: RequestContext, headers: Headers): void {
  const closest = findClosestLimit(context);
  if (closest === undefined) return;
  for (const [name, value] of Object.entries(toLimitHeaders(closest))) headers.set(name, value);
}

/** Lasts until midnight (UTC), so clients must not retry. */
function limitReachedError(limit: LimitUsage): ApiError {
  const reset = new Date(limit.resetsAt).toISOString().replace(/T(\d\d:\d\d).*/, " $1 UTC");
  return new ApiError(
    "billing_error",
    `Today's limit is reached: ${formatUsd(limit.spentUsd)} of ${describeLimit(limit)}. ` +
      `Raise it, or wait until ${reset}`,
    { status: STATUS_CODE.TooManyRequests, headers: toReachedHeaders(limit) },
  );
}

/** Lasts until responses are complete, so clients may retry soon. */
function limitReservedError(limit: LimitUsage): ApiError {
  const spent = formatUsd(limit.spentUsd);
  const reserved = formatUsd(limit.reservedUsd);
  return new ApiError(
    "rate_limit_error",
    `Today's limit is reached: ${spent} and ${reserved} in flight of ${describeLimit(limit)}. ` +
      "Raise it, or try again when the requests in flight have ended",
    { headers: { "x-should-retry": "true", "retry-after": RETRY_AFTER_S } },
  );
}

function describeLimit({ maxCostUsd, key, variable }: LimitUsage): string {
  return `$${maxCostUsd}${key === null ? "" : ` for ${key}`} (${variable})`;
}
