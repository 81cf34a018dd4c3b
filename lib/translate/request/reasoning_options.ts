/**
 * Translates `thinking` and `output_config.effort` to `reasoning` and `verbosity`, and plans `max_tokens`.
 * Sources: OpenRouter's reasoning guide and model migration notes; observed behaviour of each Claude version.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { isClaude } from "../../openrouter/model_mapping.ts";
import type { TranslationContext } from "./context.ts";

const MIN_BUDGET = 1024;
/** Upstream rejects 0; the shortest response fills the cache too. */
const MIN_TOKENS = 1;
/** Added to the client's limit for models with mandatory reasoning: as much as Claude Code itself allows for. */
const THINKING_TOKENS = 2048;
/** Lower limits are for a verdict, a title or a topic: the lowest effort is enough. */
const SHORT_RESPONSE = 4096;
/** From lowest to highest. */
const EFFORTS = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** What the catalog says about a model's reasoning; undefined if it says nothing. */
export interface ReasoningLimits {
  /** Reasoning cannot be turned off. */
  mandatory?: boolean | undefined;
  /** Whether a budget in tokens is supported. */
  takesBudget?: boolean | undefined;
  /** The supported efforts. */
  efforts?: readonly string[] | undefined;
}

/** What the catalog says about a model's lengths, in tokens. */
export interface LengthLimits {
  /** The longest response. */
  maxOutputTokens?: number | undefined;
  /** Prompt and response together. */
  contextLength?: number | undefined;
}

/** The token limit to send. */
export interface TokenPlan {
  maxTokens: number;
  /** The part of it that the client may see, if the limit was raised for thinking. */
  visibleTokens?: number;
}

/**
 * `max_tokens` → the limit to send. A model with mandatory reasoning can spend a limit of 64 tokens before its first
 * word, so its limit is raised.
 * @param inputTokens estimated length of the prompt
 */
export function planTokens(
  request: Pick<anthropic.MessagesRequest, "thinking" | "max_tokens">,
  limits: ReasoningLimits & LengthLimits,
  inputTokens: number,
): TokenPlan {
  const maxOutput = limits.maxOutputTokens ?? Infinity;
  const maxTokens = Math.min(Math.max(request.max_tokens, MIN_TOKENS), maxOutput);
  if (!needsThinkingTokens(request, limits)) return { maxTokens };
  const free = (limits.contextLength ?? Infinity) - inputTokens;
  const raised = Math.min(maxTokens + THINKING_TOKENS, maxOutput, free);
  return raised > maxTokens ? { maxTokens: raised, visibleTokens: maxTokens } : { maxTokens };
}

/** Whether the client's limit does not account for the model's thinking. */
function needsThinkingTokens(
  { thinking, max_tokens }: Pick<anthropic.MessagesRequest, "thinking" | "max_tokens">,
  { mandatory }: ReasoningLimits,
): boolean {
  if (!mandatory || max_tokens === 0) return false;
  return thinking === undefined || thinking.type === "disabled" || max_tokens < SHORT_RESPONSE;
}

/** The effort of the last system turn that sets one, else the request's. */
function findEffort(
  { messages, effort }: Pick<anthropic.MessagesRequest, "messages" | "effort">,
): anthropic.Effort | undefined {
  const efforts = messages.flatMap((turn) =>
    turn.role === "system" && turn.effort !== undefined ? [turn.effort] : []
  );
  return efforts.at(-1) ?? effort;
}

/** The fields of a chat request that control reasoning. */
export type ReasoningFields = Pick<openrouter.ChatRequest, "reasoning" | "verbosity">;

/** The model's limits, and `max_tokens` as it is sent: a budget must be lower. */
interface BudgetOptions {
  maxTokens: number;
  limits: ReasoningLimits;
}

type ThinkingOptions = BudgetOptions & TranslationContext;

type ThinkingRequest = Pick<
  anthropic.MessagesRequest,
  "thinking" | "effort" | "max_tokens" | "messages"
>;

/** `thinking` and `output_config.effort` → `reasoning` and `verbosity`. */
export function translateThinking(
  request: ThinkingRequest,
  budget: BudgetOptions,
  context: TranslationContext,
): ReasoningFields {
  const { thinking } = request;
  const effort = findEffort(request);
  const options = { ...budget, ...context };
  if (isShort(request, budget.limits)) return minimizeThinking(thinking, effort, options);
  switch (thinking?.type) {
    case undefined:
      return effort === undefined ? {} : translateEffort(effort, context.model);
    case "adaptive":
    case "between_tools":
      return { reasoning: { enabled: true, effort } };
    case "enabled":
      return {
        reasoning: translateBudget(thinking.budget_tokens, budget),
        verbosity: translateVerbosity(effort, context),
      };
    case "disabled":
      return disableThinking(thinking, effort, options);
    default:
      return thinking satisfies never;
  }
}

/** Whether a model with mandatory reasoning is to write so little that the requested effort does not matter. */
function isShort(
  { thinking, max_tokens }: ThinkingRequest,
  { mandatory }: ReasoningLimits,
): boolean {
  return mandatory === true && thinking?.type !== "enabled" &&
    max_tokens > 0 && max_tokens < SHORT_RESPONSE;
}

/** The lowest effort the model supports. */
function minimizeThinking(
  thinking: anthropic.Thinking | undefined,
  effort: anthropic.Effort | undefined,
  { limits, dropped }: ThinkingOptions,
): ReasoningFields {
  const lowest = EFFORTS.find((one) => limits.efforts?.includes(one)) ?? "low";
  if (thinking?.type === "disabled") dropped.add("thinking");
  if (effort !== undefined && effort !== lowest) dropped.add("output_config.effort");
  return { reasoning: { effort: lowest } };
}

/** Effort without thinking: Claude applies it to the response; on other models `verbosity` only means length. */
function translateEffort(effort: anthropic.Effort, model: string): ReasoningFields {
  return isClaude(model) ? { verbosity: effort } : { reasoning: { effort } };
}

/** Effort next to a `reasoning` without room for it. */
function translateVerbosity(
  effort: anthropic.Effort | undefined,
  { model, dropped }: TranslationContext,
): string | undefined {
  if (effort === undefined || isClaude(model)) return effort;
  dropped.add("output_config.effort");
  return undefined;
}

/** Upstream requires 1024 ≤ budget < max_tokens; clients with interleaved thinking may send more. */
function translateBudget(
  budget: number,
  { maxTokens, limits }: BudgetOptions,
): openrouter.Reasoning {
  if (limits.takesBudget === false) return { effort: toEffort(budget / maxTokens) };
  if (maxTokens <= MIN_BUDGET) return { effort: "low" };
  return { max_tokens: Math.max(MIN_BUDGET, Math.min(budget, maxTokens - 1)) };
}

/** The effort for a budget's share of `max_tokens`: the inverse of OpenRouter's table. */
export function toEffort(share: number): string {
  if (share >= 0.9) return "xhigh";
  if (share >= 0.65) return "high";
  if (share >= 0.35) return "medium";
  return share >= 0.15 ? "low" : "minimal";
}

function disableThinking(
  thinking: anthropic.Thinking,
  effort: anthropic.Effort | undefined,
  options: ThinkingOptions,
): ReasoningFields {
  if (options.limits.mandatory) {
    if (effort === undefined) return minimizeThinking(thinking, effort, options);
    options.dropped.add("thinking");
    return translateEffort(effort, options.model);
  }
  // Claude returns 400 for effort xhigh or max without thinking.
  const capped = effort === "xhigh" || effort === "max" ? "high" : effort;
  return { reasoning: { enabled: false }, verbosity: translateVerbosity(capped, options) };
}
