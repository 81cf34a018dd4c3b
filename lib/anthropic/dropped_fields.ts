/**
 * What was sent, means something to Anthropic, and does not travel. Its names are for the report of dropped
 * fields; nothing here refuses a request.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";
import type { Field } from "./field.ts";

/** Top-level fields that do not change what the answer means. */
const DROPPED_FIELDS = [
  "betas",
  "billing_policy",
  "container",
  "diagnostics",
  "fallback_credit_token",
  "inference_geo",
  "thread",
  "user_profile_id",
  "workspace_id",
] as const;

/** Keys further in, by the field that holds them: an object, or each object of a list. */
const DROPPED_NESTED_FIELDS: readonly (readonly [field: string, keys: readonly string[]])[] = [
  ["output_config", ["task_budget"]],
  ["thinking", ["block_binding"]],
  ["fallbacks", ["max_tokens", "output_config", "speed", "thinking"]],
  ["tools", ["allowed_callers", "input_examples", "max_characters", "response_inclusion"]],
  ["tools", ["caching", "citations", "url_sources", "use_cache"]],
  ["messages", ["clear_at"]],
];

/** Keys of blocks, by the type of the block. */
const DROPPED_BLOCK_FIELDS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["compaction", ["encrypted_content", "tool_changes"]],
  ["container_upload", ["file_id"]],
  ["text", ["citations"]],
  ["image", ["transformations"]],
  ["document", ["citations"]],
  ["search_result", ["citations"]],
  ["tool_use", ["caller", "toolset_name"]],
  ["tool_result", ["toolset_name"]],
]);

/** What keys mean that are not sent, as JSON: who sends it says nothing. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ["allowed_callers", '["direct"]'],
  ["caller", '{"type":"direct"}'],
  ["clear_at", '"never"'],
  ["response_inclusion", '"full"'],
  ["transformations", '{"oversized_image":"downsize"}'],
  ["use_cache", "true"],
]);

/** The names of all that is left out at the door, but for tools and context edits, which name their own. */
export function findDroppedFields(root: Field): string[] {
  const names = new Set<string>(DROPPED_FIELDS.filter((key) => !root.at(key).isMissing));
  if (root.at("fallbacks").value === "default") names.add("fallbacks");
  for (const [field, keys] of DROPPED_NESTED_FIELDS) {
    for (const holder of listObjects(root.at(field).value)) note(holder, field, { keys, names });
  }
  noteBlocks(root.at("system").value, names);
  const effort = root.at("output_config").at("effort").value;
  for (const turn of listObjects(root.at("messages").value)) {
    noteBlocks(turn["content"], names);
    if (!repeats(turn["output_config"], effort)) names.add("messages.output_config");
  }
  return [...names];
}

/**
 * Whether a turn's `output_config` says nothing but the request's own effort, as Claude Code repeats it. Another
 * effort counts for the whole request and not from its turn on, so it is named.
 */
function repeats(config: unknown, effort: unknown): boolean {
  if (!isJsonObject(config)) return config === undefined || config === null;
  return Object.entries(config).every(([key, value]) =>
    value === null || (key === "effort" && value === effort)
  );
}

/** The keys of blocks, and of the blocks inside them. */
function noteBlocks(content: unknown, names: Set<string>): void {
  for (const block of listObjects(content)) {
    const { type, source } = block;
    const keys = DROPPED_BLOCK_FIELDS.get(type);
    if (keys === undefined) continue;
    note(block, String(type), { keys, names });
    if (type === "tool_result" || type === "search_result") noteBlocks(block["content"], names);
    if (type === "document" && isJsonObject(source)) noteBlocks(source["content"], names);
  }
}

function note(
  holder: JsonObject,
  prefix: string,
  { keys, names }: { keys: readonly string[]; names: Set<string> },
): void {
  for (const key of keys) {
    if (isGiven(key, holder[key])) names.add(`${prefix}.${key}`);
  }
}

/** Whether a value says anything: null, an empty list, `{enabled: false}` and what is meant anyway do not. */
function isGiven(key: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (Array.isArray(value) && value.length === 0) return false;
  if (isJsonObject(value) && value["enabled"] === false) return false;
  return !DEFAULTS.has(key) || JSON.stringify(value) !== DEFAULTS.get(key);
}

/** The objects in a list, or the object itself. */
function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [value].filter(isJsonObject);
}
