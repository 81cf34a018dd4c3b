/**
 * Thinking in both directions: what the client asks for, and what it brings back. Pure.
 * Sources: OpenRouter's reasoning guide and model migration notes; openrouter-api facts on Claude per version.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { isJsonObject } from "../json.ts";
import type * as openrouter from "../openrouter/types.ts";

/** The format tag of Claude's own reasoning; upstream also means it where it sends none. */
export const CLAUDE_FORMAT = "anthropic-claude-v1";
const LEAST_BUDGET = 1024;

/** What the catalog knows about a model's reasoning; undefined where the catalog is silent. */
export interface ReasoningLimits {
  /** Reasoning cannot be turned off. */
  mandatory?: boolean | undefined;
  /** Whether a budget in tokens is understood. */
  takesBudget?: boolean | undefined;
}

/** The fields of a chat request that say how much to think. */
export type ReasoningFields = Pick<openrouter.ChatRequest, "reasoning" | "verbosity">;

/** What {@linkcode translateThinking} needs to know beside the request. */
export interface ThinkingOptions {
  /** The model asked upstream. */
  model: string;
  /** `max_tokens` as it is sent, which a budget must stay below. */
  maxTokens: number;
  limits: ReasoningLimits;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** `thinking` and `output_config.effort` → `reasoning` and `verbosity`. */
export function translateThinking(
  { thinking, effort }: Pick<anthropic.MessagesRequest, "thinking" | "effort">,
  options: ThinkingOptions,
): ReasoningFields {
  switch (thinking?.type) {
    case undefined:
      return effort === undefined ? {} : translateEffort(effort, options.model);
    case "adaptive":
    case "between_tools":
      return { reasoning: effort === undefined ? { enabled: true } : { enabled: true, effort } };
    case "enabled":
      return {
        reasoning: translateBudget(thinking.budget_tokens, options),
        ...translateVerbosity(effort, options),
      };
    case "disabled":
      return disable(effort, options);
    default:
      return thinking satisfies never;
  }
}

/** Effort without thinking: on Claude it shapes the answer; `verbosity` means length elsewhere. */
function translateEffort(effort: anthropic.Effort, model: string): ReasoningFields {
  return isClaude(model) ? { verbosity: effort } : { reasoning: { effort } };
}

/** Effort beside a `reasoning` that cannot carry it too. */
function translateVerbosity(
  effort: anthropic.Effort | undefined,
  { model, dropped }: ThinkingOptions,
): ReasoningFields {
  if (effort === undefined) return {};
  if (isClaude(model)) return { verbosity: effort };
  dropped.add("output_config.effort");
  return {};
}

/** Upstream wants 1024 ≤ budget < max_tokens; a client with interleaved thinking may send more. */
function translateBudget(
  budget: number,
  { maxTokens, limits }: ThinkingOptions,
): openrouter.Reasoning {
  if (limits.takesBudget === false) return { effort: toEffort(budget / maxTokens) };
  if (maxTokens <= LEAST_BUDGET) return { effort: "low" };
  return { max_tokens: Math.max(LEAST_BUDGET, Math.min(budget, maxTokens - 1)) };
}

/** OpenRouter's own table of budget shares, read backwards. */
function toEffort(share: number): string {
  if (share >= 0.9) return "xhigh";
  if (share >= 0.65) return "high";
  if (share >= 0.35) return "medium";
  return share >= 0.15 ? "low" : "minimal";
}

function disable(effort: anthropic.Effort | undefined, options: ThinkingOptions): ReasoningFields {
  if (options.limits.mandatory) {
    options.dropped.add("thinking");
    return effort === undefined ? {} : translateEffort(effort, options.model);
  }
  // Claude answers 400 to effort xhigh or max without thinking.
  const capped = effort === "xhigh" || effort === "max" ? "high" : effort;
  return { reasoning: { enabled: false }, ...translateVerbosity(capped, options) };
}

/**
 * The thinking blocks of a turn → `reasoning_details`, in order. Only what Claude signed goes back, and only
 * to Claude: anything else makes upstream refuse the whole request ("Invalid signature in thinking block").
 */
export function replayReasoning(
  content: readonly anthropic.AssistantContent[],
  model: string,
): openrouter.ReasoningDetail[] {
  if (!isClaude(model)) return [];
  const details: openrouter.ReasoningDetail[] = [];
  for (const block of content) {
    const index = details.length;
    if (block.type === "thinking" && block.signature !== "") {
      const { thinking: text, signature } = block;
      details.push({ type: "reasoning.text", text, signature, format: CLAUDE_FORMAT, index });
    } else if (block.type === "redacted_thinking") {
      details.push({ type: "reasoning.encrypted", data: block.data, format: CLAUDE_FORMAT, index });
    }
  }
  return details;
}

/** Whether an OpenRouter id names a Claude model. */
export function isClaude(model: string): boolean {
  return /^~?anthropic\//.test(model);
}

/** A piece of reasoning out of one delta. A thinking piece may be text, a signature, or both. */
export type ReasoningPiece =
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string };

/**
 * The reasoning in a delta. OpenRouter sends the text twice, in `reasoning` and in `reasoning_details`; other
 * servers send only one of the strings. The first that says something counts, the others are its copies.
 */
export function readReasoning(delta: openrouter.Delta): ReasoningPiece[] {
  const details = Array.isArray(delta.reasoning_details) ? delta.reasoning_details : [];
  const pieces = details.filter(isJsonObject).flatMap(readDetail);
  if (pieces.some((piece) => piece.type === "thinking" && piece.thinking !== "")) return pieces;
  const thinking = toText(delta.reasoning_content) || toText(delta.reasoning);
  return thinking === "" ? pieces : [{ type: "thinking", thinking, signature: "" }, ...pieces];
}

function readDetail(detail: openrouter.ReasoningDetail): ReasoningPiece[] {
  const isClaudes = (detail.format ?? CLAUDE_FORMAT) === CLAUDE_FORMAT;
  switch (detail.type) {
    case "reasoning.text":
    case "reasoning.summary": {
      const thinking = toText(detail.text) || toText(detail.summary);
      // Another family's signature would be refused by Claude, where the client may go next.
      const signature = isClaudes ? toText(detail.signature) : "";
      return thinking === "" && signature === "" ? [] : [{ type: "thinking", thinking, signature }];
    }
    case "reasoning.encrypted":
      return isClaudes && toText(detail.data) !== ""
        ? [{ type: "redacted_thinking", data: toText(detail.data) }]
        : [];
    default:
      return [];
  }
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
