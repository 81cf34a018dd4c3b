/**
 * Checking `context_management`: the edits that a client wants before the model sees its conversation. Thinking
 * of old turns can be taken out here; other edits are left undone and named.
 * @module
 */

import type { Field } from "./field.ts";
import type { MessagesRequest } from "./types.ts";

const CLEAR_THINKING = "clear_thinking_20251015";
/** What Anthropic keeps where the edit does not say. */
const DEFAULT_TURNS = 1;
/** There are three kinds of edits. */
const MAX_EDITS = 100;

/** What is read, and the names of the edits that are not done. */
export interface ParsedContext {
  context: Pick<MessagesRequest, "manages_context" | "thinking_turns">;
  droppedFields: string[];
}

/** `context_management`; absent is none. @throws {ApiError} that names the path */
export function parseContextManagement(field: Field): ParsedContext {
  const parsed: ParsedContext = {
    context: { manages_context: !field.isMissing },
    droppedFields: [],
  };
  if (field.isMissing) return parsed;
  field.asObject();
  const edits = field.at("edits");
  for (const edit of edits.isMissing ? [] : edits.asList(MAX_EDITS)) {
    edit.asObject();
    const type = edit.at("type").asName();
    if (type !== CLEAR_THINKING) {
      parsed.droppedFields.push(`context_management.${type}`);
      continue;
    }
    const turns = parseKeep(edit.as(CLEAR_THINKING).at("keep"));
    if (turns !== null) parsed.context.thinking_turns = turns;
  }
  return parsed;
}

/** How many turns keep their thinking; null for all. */
function parseKeep(keep: Field): number | null {
  if (keep.isMissing) return DEFAULT_TURNS;
  if (keep.value === "all") return null;
  if (keep.asTag(["all", "thinking_turns"]) === "all") return null;
  return keep.as("thinking_turns").at("value").asInteger({ least: 1 });
}
