/**
 * Taking the thinking of old turns out of a conversation, where the client wants that. Pure.
 * A turn here is all from one word of the user's to the next, with the calls and results between: within it
 * some models refuse a call whose thinking is missing.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { CHARS_PER_TOKEN } from "../characters.ts";

/** The conversation that is left, and what was done to it. */
export interface ClearedMessages {
  messages: anthropic.MessageParam[];
  context: anthropic.ContextManagement;
}

/** Keeps the thinking of the last `turns` turns that have some. */
export function clearThinking(
  messages: readonly anthropic.MessageParam[],
  turns: number,
): ClearedMessages {
  let kept = 0;
  let cleared = 0;
  let tokens = 0;
  let hasThought = false;
  const left: anthropic.MessageParam[] = [];
  for (const message of messages.toReversed()) {
    if (message.role === "assistant" && message.content.some(isThinking)) {
      hasThought = true;
      left.push(kept < turns ? message : withoutThinking(message));
      if (kept >= turns) tokens += message.content.reduce((sum, one) => sum + countTokens(one), 0);
      continue;
    }
    left.push(message);
    if (!hasThought || !isUsersWord(message)) continue;
    hasThought = false;
    if (kept < turns) kept++;
    else cleared++;
  }
  if (hasThought && kept >= turns) cleared++;
  const context: anthropic.ContextManagement = { applied_edits: [] };
  if (cleared > 0) {
    context.applied_edits.push({
      type: "clear_thinking_20251015",
      cleared_thinking_turns: cleared,
      cleared_input_tokens: Math.ceil(tokens),
    });
  }
  return { messages: left.reverse(), context };
}

function withoutThinking(
  message: Extract<anthropic.MessageParam, { role: "assistant" }>,
): anthropic.MessageParam {
  return { ...message, content: message.content.filter((block) => !isThinking(block)) };
}

function isThinking(block: anthropic.AssistantContent): boolean {
  return block.type === "thinking" || block.type === "redacted_thinking";
}

/** A user turn that is more than the results of calls. */
function isUsersWord(message: anthropic.MessageParam): boolean {
  return message.role === "user" && message.content.some((block) => block.type !== "tool_result");
}

function countTokens(block: anthropic.AssistantContent): number {
  return block.type === "thinking" ? block.thinking.length / CHARS_PER_TOKEN : 0;
}
