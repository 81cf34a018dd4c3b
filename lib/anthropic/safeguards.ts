/**
 * `safeguards`: verdicts of the server on tool calls, which Claude Code requests in auto mode.
 * @module
 */

import { isJsonObject } from "../json.ts";
import type { SafeguardResult } from "./types.ts";

/** The only type of safeguard that clients request. */
export const SAFEGUARD = "dangerous_tool_use";

/**
 * The report of a server that runs no classifier: never a verdict. Clients then use their own; without a report Claude
 * Code blames the proxy.
 */
export const UNSUPPORTED_SAFEGUARDS: SafeguardResult[] = [
  { type: SAFEGUARD, status: { type: "unsupported" } },
];

/** The types in a request's `safeguards`; of unknown shape, undefined stands for an entry without a type. */
export function listSafeguards(entries: readonly unknown[]): unknown[] {
  return entries.map((entry) => isJsonObject(entry) ? entry["type"] : undefined);
}

/** Whether the `safeguards` of an unparsed request ask for verdicts. */
export function requestsSafeguards(safeguards: unknown): boolean {
  return Array.isArray(safeguards) && listSafeguards(safeguards).includes(SAFEGUARD);
}
