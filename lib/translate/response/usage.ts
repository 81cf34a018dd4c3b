/**
 * What an answer used, and who answered: usage → usage. Pure.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";

/** What upstream said about itself while it answered; for the log and `x-proxy-model`. Null: nothing yet. */
export type UpstreamMetadata = {
  model: string | null;
  provider: string | null;
  usage: openrouter.Usage | null;
  serviceTier: string | null;
};

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
  const cached = countCached(usage);
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

/** What was read from the cache, under whichever name a server has for it. */
function countCached(usage: openrouter.Usage): number {
  const { prompt_tokens_details: details, ...own } = usage;
  const cached = details?.cached_tokens ?? own.prompt_cache_hit_tokens ?? own.num_cached_tokens ??
    own.cached_tokens;
  return toCount(cached);
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

/** Numbers arrive as null, strings or NaN from some servers. */
function toCount(value: unknown): number {
  const number = Number(value ?? 0);
  return Number.isFinite(number) && number > 0 ? Math.round(number) : 0;
}
