/**
 * How much to think: `thinking` and `output_config.effort` → `reasoning` and `verbosity`. Pure.
 * Sources: OpenRouter's reasoning guide and model migration notes; openrouter-api facts on Claude per version.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import type * as openrouter from "../openrouter/types.ts";
import { isClaude } from "./reasoning.ts";

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

/** The effort that a budget amounts to: OpenRouter's own table of budget shares, read backwards. */
export function toEffort(share: number): string {
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
