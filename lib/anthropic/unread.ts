/**
 * What was sent, means something to Anthropic, and does not travel. Its names are for the report of dropped
 * fields; nothing here refuses a request.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";
import type { Field } from "./reader.ts";

/** Top-level fields that do not change what the answer means. */
const UNREAD = [
  "betas",
  "billing_policy",
  "container",
  "diagnostics",
  "fallback_credit_token",
  "inference_geo",
  "thread",
] as const;

/** Keys of blocks, by the type of the block. */
const UNREAD_KEYS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["text", ["citations"]],
  ["image", ["transformations"]],
  ["document", ["citations"]],
  ["search_result", ["citations"]],
  ["tool_use", ["toolset_name"]],
  ["tool_result", ["toolset_name"]],
]);

/** The names of all that is left out at the door, but for tools and context edits, which name their own. */
export function listUnread(root: Field): string[] {
  const unread: string[] = UNREAD.filter((key) => !root.at(key).isMissing);
  if (!root.at("output_config").at("task_budget").isMissing) {
    unread.push("output_config.task_budget");
  }
  if (root.at("fallbacks").value === "default") unread.push("fallbacks");
  const keys = new Set<string>();
  for (const turn of listObjects(root.at("messages").value)) {
    if (isGiven(turn["output_config"])) keys.add("messages.output_config");
    for (const block of listObjects(turn["content"])) noteBlock(block, keys);
  }
  return [...unread, ...keys];
}

function noteBlock(block: JsonObject, keys: Set<string>): void {
  const type = block["type"];
  for (const key of UNREAD_KEYS.get(type) ?? []) {
    if (isGiven(block[key])) keys.add(`${type}.${key}`);
  }
  if (type === "tool_result") {
    for (const part of listObjects(block["content"])) noteBlock(part, keys);
  }
}

/** Whether a value says anything: null, an empty list and `{enabled: false}` do not. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !(isJsonObject(value) && value["enabled"] === false);
}

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
