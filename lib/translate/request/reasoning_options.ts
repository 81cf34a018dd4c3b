/**
 * How much to think: `thinking` and `output_config.effort` → `reasoning` and `verbosity`. Pure.
 * Sources: OpenRouter's reasoning guide and model migration notes; openrouter-api facts on Claude per version.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { isClaude } from "../reasoning.ts";

const LEAST_BUDGET = 1024;
/** Upstream has no request without an answer; the shortest one fills the cache too. */
const LEAST_TOKENS = 1;
/** What a model that must think gets on top of the client's limit: as much as Claude Code itself reckons with. */
const THINKING_ROOM = 2048;
/** A lower limit asks for a verdict, a title or a topic, which are not worth more than the lowest effort. */
const SHORT_ANSWER = 4096;
const EFFORTS = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** What the catalog knows about a model's reasoning; undefined where the catalog is silent. */
export interface ReasoningLimits {
  /** Reasoning cannot be turned off. */
  mandatory?: boolean | undefined;
  /** Whether a budget in tokens is understood. */
  takesBudget?: boolean | undefined;
  /** The efforts that are understood. */
  efforts?: readonly string[] | undefined;
}

/** What the catalog knows about a model's lengths, in tokens. */
export interface LengthLimits {
  /** The longest answer. */
  maxOutputTokens?: number | undefined;
  /** Prompt and answer together. */
  contextLength?: number | undefined;
}

/** How many tokens to ask for. */
export interface TokenPlan {
  maxTokens: number;
  /** How many of them the client may see, where thinking got room on top of its limit. */
  visibleTokens?: number;
}

/**
 * `max_tokens` → how many tokens to ask for. A model that cannot switch thinking off spends 64 tokens before it
 * says a word.
 * @param inputTokens estimated length of the prompt
 */
export function planTokens(
  request: Pick<anthropic.MessagesRequest, "thinking" | "max_tokens">,
  limits: ReasoningLimits & LengthLimits,
  inputTokens: number,
): TokenPlan {
  const most = limits.maxOutputTokens ?? Infinity;
  const maxTokens = Math.min(Math.max(request.max_tokens, LEAST_TOKENS), most);
  if (!needsRoom(request, limits)) return { maxTokens };
  const free = (limits.contextLength ?? Infinity) - inputTokens;
  const roomy = Math.min(maxTokens + THINKING_ROOM, most, free);
  return roomy > maxTokens ? { maxTokens: roomy, visibleTokens: maxTokens } : { maxTokens };
}

/** Whether a client's limit leaves a model's thinking out of account. */
function needsRoom(
  { thinking, max_tokens }: Pick<anthropic.MessagesRequest, "thinking" | "max_tokens">,
  { mandatory }: ReasoningLimits,
): boolean {
  if (!mandatory || max_tokens === 0) return false;
  return thinking === undefined || thinking.type === "disabled" || max_tokens < SHORT_ANSWER;
}

/** The effort in force at the end of a conversation: the last that a system turn set, else the request's. */
function findEffort(
  { messages, effort }: Pick<anthropic.MessagesRequest, "messages" | "effort">,
): anthropic.Effort | undefined {
  const efforts = messages.flatMap((turn) =>
    turn.role === "system" && turn.effort !== undefined ? [turn.effort] : []
  );
  return efforts.at(-1) ?? effort;
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

type ThinkingRequest = Pick<
  anthropic.MessagesRequest,
  "thinking" | "effort" | "max_tokens" | "messages"
>;

/** How much thinking is wanted, with the effort in force. */
interface Wanted {
  thinking: anthropic.Thinking | undefined;
  max_tokens: number;
  effort: anthropic.Effort | undefined;
}

/** `thinking` and `output_config.effort` → `reasoning` and `verbosity`. */
export function translateThinking(
  request: ThinkingRequest,
  options: ThinkingOptions,
): ReasoningFields {
  const { thinking, max_tokens } = request;
  const effort = findEffort(request);
  const wanted: Wanted = { thinking, max_tokens, effort };
  if (isShort(wanted, options.limits)) return thinkLeast(wanted, options);
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
      return disable(wanted, options);
    default:
      return thinking satisfies never;
  }
}

/** Whether a model that must think is asked for so little that its effort does not matter. */
function isShort({ thinking, max_tokens }: Wanted, { mandatory }: ReasoningLimits): boolean {
  return mandatory === true && thinking?.type !== "enabled" &&
    max_tokens > 0 && max_tokens < SHORT_ANSWER;
}

/** Where thinking cannot be turned off, or should not take long. */
function thinkLeast(
  { thinking, effort }: Wanted,
  { limits, dropped }: ThinkingOptions,
): ReasoningFields {
  const least = EFFORTS.find((one) => limits.efforts?.includes(one)) ?? "low";
  if (thinking?.type === "disabled") dropped.add("thinking");
  if (effort !== undefined && effort !== least) dropped.add("output_config.effort");
  return { reasoning: { effort: least } };
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

/** The effort that a budget amounts to: OpenRouter's own table of budget shares, read backwards. */
export function toEffort(share: number): string {
  if (share >= 0.9) return "xhigh";
  if (share >= 0.65) return "high";
  if (share >= 0.35) return "medium";
  return share >= 0.15 ? "low" : "minimal";
}

function disable(wanted: Wanted, options: ThinkingOptions): ReasoningFields {
  const { effort } = wanted;
  if (options.limits.mandatory) {
    if (effort === undefined) return thinkLeast(wanted, options);
    options.dropped.add("thinking");
    return translateEffort(effort, options.model);
  }
  // Claude answers 400 to effort xhigh or max without thinking.
  const capped = effort === "xhigh" || effort === "max" ? "high" : effort;
  return { reasoning: { enabled: false }, ...translateVerbosity(capped, options) };
}
