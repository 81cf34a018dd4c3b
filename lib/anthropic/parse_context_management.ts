/**
 * Parses `context_management`. The proxy itself clears thinking of old turns; other edits are dropped.
 * @module
 */

import type { Field } from "./field.ts";
import type { MessagesRequest } from "./types.ts";

const CLEAR_THINKING = "clear_thinking_20251015";
/** Anthropic's default for `keep`. */
const DEFAULT_TURNS = 1;
/** There are three kinds of edits. */
const MAX_EDITS = 100;

/** The part of a request that concerns edits of its context. */
type ContextEdits = Pick<MessagesRequest, "manages_context" | "thinking_turns">;

/** Parses `context_management`. @throws {ApiError} that names the path */
export function parseContextManagement(field: Field): ContextEdits {
  if (field.isMissing) return { manages_context: false };
  field.requireObject();
  const parsed: ContextEdits = { manages_context: true };
  for (const edit of field.optional("edits", (edits) => edits.asList(MAX_EDITS)) ?? []) {
    edit.requireObject();
    if (edit.at("type").asName() !== CLEAR_THINKING) {
      edit.drop();
      continue;
    }
    const turns = parseKeep(edit.as(CLEAR_THINKING).at("keep"));
    if (turns !== null) parsed.thinking_turns = turns;
  }
  return parsed;
}

/** How many turns keep their thinking; null for all. */
function parseKeep(keep: Field): number | null {
  if (keep.isMissing) return DEFAULT_TURNS;
  if (keep.value === "all") return null;
  if (keep.asTag(["all", "thinking_turns"]) === "all") return null;
  return keep.as("thinking_turns").at("value").asInteger({ min: 1 });
}
