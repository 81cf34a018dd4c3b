/**
 * How an answer ended and what it used: finish reason → stop reason, usage → usage. Pure.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type * as openrouter from "../openrouter/types.ts";

/** What upstream said about itself while it answered; for the log and `x-proxy-model`. Null: nothing yet. */
export type UpstreamFacts = {
  model: string | null;
  provider: string | null;
  usage: openrouter.Usage | null;
  serviceTier: string | null;
};

/** The facts at the end of an answer from which its stop reason follows. */
export interface FinishFacts {
  finishReason: string;
  /** The provider's own word, which tells some ends apart that OpenRouter's does not. */
  nativeFinishReason: string;
  /** Whether the answer holds at least one tool call. */
  hasToolUse: boolean;
  /** Upstream's refusal text; "" where there was none. */
  refusal: string;
  /** The stop sequences the client asked for. */
  stopSequences: readonly string[];
  /** The one that was met, where upstream says so. */
  matchedStop?: string;
}

/**
 * The end of an answer in Anthropic's terms.
 * @throws {ApiError} where upstream ended in an error, or with a word nobody knows: never a made-up success
 */
export function translateFinish(facts: FinishFacts): anthropic.Ending {
  const { finishReason, nativeFinishReason } = facts;
  if (facts.refusal !== "" || nativeFinishReason === "refusal") return toRefusal(facts);
  switch (finishReason) {
    case "stop":
    case "end":
    case "eos":
    case "tool_calls":
    case "function_call":
      // Gemini says `stop` after calls, others `tool_calls` without one; what was sent decides.
      if (facts.hasToolUse) return toEnding("tool_use");
      if (facts.matchedStop !== undefined || nativeFinishReason === "stop_sequence") {
        return toStopSequence(facts);
      }
      return toEnding("end_turn");
    case "length":
      if (nativeFinishReason === "model_context_window_exceeded") {
        return toEnding("model_context_window_exceeded");
      }
      return toEnding("max_tokens");
    case "content_filter":
      return toRefusal(facts);
    case "error":
      throw endedInError(nativeFinishReason);
    default:
      throw new ApiError("api_error", `OpenRouter ended the answer with '${finishReason}'`, {
        status: 502,
      });
  }
}

/** The error for `finish_reason: "error"` without any further words, e.g. after a malformed function call. */
export function endedInError(nativeFinishReason: string): ApiError {
  const native = nativeFinishReason === "" ? "" : ` (${nativeFinishReason})`;
  return new ApiError("api_error", `The model ended with an error${native}`, { status: 502 });
}

/**
 * Upstream's usage → Anthropic's. Every figure is an integer ≥ 0, whatever upstream sent.
 * `input_tokens` is what was neither read from nor written to the cache.
 * @param ttl how long what was written is kept; upstream does not say
 */
export function translateUsage(
  usage: openrouter.Usage,
  ttl: "5m" | "1h" = "5m",
): anthropic.Usage {
  const prompt = toCount(usage.prompt_tokens);
  const written = toCount(usage.prompt_tokens_details?.cache_write_tokens);
  const cached = toCount(usage.prompt_tokens_details?.cached_tokens);
  // Some reports once counted writes among the hits; then the two exceed the prompt.
  const read = cached + written > prompt ? Math.max(0, cached - written) : cached;
  const translated: anthropic.Usage = {
    input_tokens: Math.max(0, prompt - read - written),
    output_tokens: toCount(usage.completion_tokens),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
  };
  if (written > 0) {
    translated.cache_creation = {
      ephemeral_5m_input_tokens: ttl === "5m" ? written : 0,
      ephemeral_1h_input_tokens: ttl === "1h" ? written : 0,
    };
  }
  const thinking = toCount(usage.completion_tokens_details?.reasoning_tokens);
  if (thinking > 0) translated.output_tokens_details = { thinking_tokens: thinking };
  const searches = countSearches(usage);
  if (searches > 0) {
    translated.server_tool_use = { web_search_requests: searches, web_fetch_requests: 0 };
  }
  return translated;
}

/** How many web searches upstream says it made. */
export function countSearches(usage: openrouter.Usage | null): number {
  const used = usage?.server_tool_use_details ?? usage?.server_tool_use;
  return toCount(used?.web_search_requests);
}

/** Upstream's tier in Anthropic's words; undefined for one that these have no word for. */
export function translateTier(tier: unknown): anthropic.Usage["service_tier"] {
  if (tier === "default") return "standard";
  return tier === "priority" || tier === "fast" ? "priority" : undefined;
}

/** Usage before upstream has reported any, or where it never does: never 0 tokens in. */
export function estimateUsage(inputTokens: number, outputTokens: number): anthropic.Usage {
  return {
    input_tokens: Math.max(1, inputTokens),
    output_tokens: Math.max(1, outputTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
}

function toEnding(stopReason: anthropic.StopReason): anthropic.Ending {
  return { stop_reason: stopReason, stop_sequence: null, stop_details: null };
}

/** OpenRouter does not say which sequence was met; with one asked for there is no doubt. */
function toStopSequence({ stopSequences, matchedStop }: FinishFacts): anthropic.Ending {
  const only = stopSequences.length === 1 ? stopSequences[0] : undefined;
  return {
    stop_reason: "stop_sequence",
    stop_sequence: matchedStop ?? only ?? null,
    stop_details: null,
  };
}

function toRefusal(facts: FinishFacts): anthropic.Ending {
  return {
    stop_reason: "refusal",
    stop_sequence: null,
    stop_details: { type: "refusal", category: null, explanation: facts.refusal || null },
  };
}

/** Numbers arrive as null, strings or NaN from some servers. */
function toCount(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isFinite(number) && number > 0 ? Math.round(number) : 0;
}
