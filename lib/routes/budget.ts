/**
 * The day's limit, MAX_COST_USD. The account of record is upstream's; this process knows what it has been told
 * since its start.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { Services } from "../exchange.ts";

/** @throws {ApiError} 402 once today's cost has reached the limit */
export function requireBudget({ figures, config }: Services): void {
  if (!figures.isSpent) return;
  const spent = `$${Number(figures.costToday.toFixed(4))}`;
  throw new ApiError(
    "billing_error",
    `Today's limit is reached: ${spent} of $${config.maxCostUsd} (MAX_COST_USD). ` +
      "Raise it, or wait until midnight UTC",
  );
}
