/**
 * Translates usage, and defines the upstream metadata of a response. Pure.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import { readText } from "./content_text.ts";

/** Metadata that upstream sends with a response, for the log and `x-proxy-model`; null until it arrives. */
export type UpstreamMetadata = {
  model: string | null;
  provider: string | null;
  usage: openrouter.Usage | null;
  serviceTier: string | null;
};

/** Model and provider names are kept for the log and the dashboard, and read for every reasoning block. */
const MAX_MODEL_NAME_CHARS = 256;

/** The name of a model or provider, or "". */
export function readName(value: unknown): string {
  return readText(value).slice(0, MAX_MODEL_NAME_CHARS);
}

/**
 * Upstream's usage → Anthropic's. Every count is an integer ≥ 0, whatever upstream sent.
 * `input_tokens` excludes tokens read from or written to the cache.
 * @param ttl how long cache writes are kept; upstream does not report it
 */
export function translateUsage(
  usage: openrouter.Usage,
  ttl: "5m" | "1h" = "5m",
): anthropic.Usage {
  const prompt = toCount(usage.prompt_tokens);
  const written = toCount(usage.prompt_tokens_details?.cache_write_tokens);
  const cached = countCached(usage);
  // OpenRouter has counted writes among the hits; the two then exceed the prompt.
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

/** Tokens read from the cache. Servers name them differently. */
function countCached(usage: openrouter.Usage): number {
  const { prompt_tokens_details: details, ...own } = usage;
  const cached = details?.cached_tokens ?? own.prompt_cache_hit_tokens ?? own.num_cached_tokens ??
    own.cached_tokens;
  return toCount(cached);
}

/** How many web searches upstream reports. */
export function countSearches(usage: openrouter.Usage | null): number {
  const used = usage?.server_tool_use_details ?? usage?.server_tool_use;
  return toCount(used?.web_search_requests);
}

/** Upstream's service tier → Anthropic's; undefined for one that Anthropic does not have. */
export function translateTier(tier: unknown): anthropic.Usage["service_tier"] {
  if (tier === "default") return "standard";
  return tier === "priority" || tier === "fast" ? "priority" : undefined;
}

/** Usage while upstream has not reported any; never 0 tokens. */
export function estimateUsage(inputTokens: number, outputTokens: number): anthropic.Usage {
  return {
    input_tokens: Math.max(1, inputTokens),
    output_tokens: Math.max(1, outputTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
}

/** Some servers send numbers as null, strings or NaN. */
function toCount(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? Math.round(number) : 0;
}
