/**
 * Removes the thinking of earlier turns from a conversation (`clear_thinking_20251015`).
 * A turn here lasts from one message of the user to the next, with the tool calls and results between: within it some
 * models reject a call whose thinking is missing.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { CHARS_PER_TOKEN } from "../token_calibration.ts";

/** The remaining conversation and the edits applied to it. */
export interface ClearedMessages {
  messages: anthropic.MessageParam[];
  context: anthropic.ContextManagement;
}

/** Keeps the thinking of the last `turns` turns that have any. */
export function clearThinking(
  messages: readonly anthropic.MessageParam[],
  turns: number,
): ClearedMessages {
  let kept = 0;
  let cleared = 0;
  let tokens = 0;
  let hasThinking = false;
  const remaining: anthropic.MessageParam[] = [];
  for (const message of messages.toReversed()) {
    if (message.role === "assistant" && message.content.some(isThinking)) {
      hasThinking = true;
      remaining.push(kept < turns ? message : withoutThinking(message));
      if (kept >= turns) tokens += message.content.reduce((sum, one) => sum + countTokens(one), 0);
      continue;
    }
    remaining.push(message);
    if (!hasThinking || !startsTurn(message)) continue;
    hasThinking = false;
    if (kept < turns) kept++;
    else cleared++;
  }
  if (hasThinking && kept >= turns) cleared++;
  const context: anthropic.ContextManagement = { applied_edits: [] };
  if (cleared > 0) {
    context.applied_edits.push({
      type: "clear_thinking_20251015",
      cleared_thinking_turns: cleared,
      cleared_input_tokens: Math.ceil(tokens),
    });
  }
  return { messages: remaining.reverse(), context };
}

function withoutThinking(
  message: Extract<anthropic.MessageParam, { role: "assistant" }>,
): anthropic.MessageParam {
  return { ...message, content: message.content.filter((block) => !isThinking(block)) };
}

function isThinking(block: anthropic.AssistantContent): boolean {
  return block.type === "thinking" || block.type === "redacted_thinking";
}

/** Whether a user message has more than tool results. */
function startsTurn(message: anthropic.MessageParam): boolean {
  return message.role === "user" && message.content.some((block) => block.type !== "tool_result");
}

function countTokens(block: anthropic.AssistantContent): number {
  return block.type === "thinking" ? block.thinking.length / CHARS_PER_TOKEN : 0;
}
