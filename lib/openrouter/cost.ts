/**
 * What upstream says an answer cost. Pure.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";

/** Some gateways write money as text. */
const DECIMAL = /^\d{1,15}(\.\d{1,30})?(e-?\d{1,3})?$/i;

/**
 * A usage report → USD; undefined where it reports no cost. With a provider's key of the user's own (BYOK) `cost` is
 * OpenRouter's fee only, and `cost_details.upstream_inference_cost` what the provider charges besides. For other
 * answers the latter is part of `cost`. Older reports have no `is_byok`; there only a fee is less than the inference.
 */
export function readReportedCost(usage: JsonObject): number | undefined {
  const cost = toUsd(usage["cost"]);
  const details = usage["cost_details"];
  const inference = isJsonObject(details) ? toUsd(details["upstream_inference_cost"]) : undefined;
  if (cost === undefined || inference === undefined) return cost ?? inference;
  const isByok = usage["is_byok"];
  return isByok === true || (typeof isByok !== "boolean" && inference > cost)
    ? cost + inference
    : cost;
}

function toUsd(value: unknown): number | undefined {
  if (typeof value === "string") {
    return DECIMAL.test(value.trim()) ? toUsd(Number(value)) : undefined;
  }
  return typeof value === "number" && value >= 0 && value < Infinity ? value : undefined;
}
