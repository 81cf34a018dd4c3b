/**
 * Reads the cost of a response from upstream's usage report. Pure.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";

/** Some gateways report amounts as strings. */
const DECIMAL = /^\d{1,15}(\.\d{1,30})?(e-?\d{1,3})?$/i;

/**
 * The reported cost in USD, if any. With the user's own provider key (BYOK), `cost` is only OpenRouter's fee, and the
 * provider charges `cost_details.upstream_inference_cost` on top; otherwise `cost` includes it. Older reports have
 * no `is_byok`; there, a `cost` below the inference cost is the fee.
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
