/**
 * Prepares a Messages request for an upstream that speaks Anthropic's API: replaces the models, removes Claude
 * Code's billing header and adds the operator's routing preferences. Everything else stays as it is.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import { estimateImageTokens } from "../image_tokens.ts";
import { CHARS_PER_TOKEN } from "../token_calibration.ts";
import { estimateFileTokens } from "../tokens.ts";
import { stripBillingHeaderFromText } from "./system.ts";

/** The values that {@linkcode toAnthropicRequest} inserts. */
export interface AnthropicRequestOptions {
  /** The model, then OpenRouter's fallbacks. */
  models: readonly [string, ...string[]];
  /** Maps a model name in the request's own `fallbacks` to an upstream id. */
  resolve: (name: string) => string;
  /** Sent as `provider`. */
  provider: Readonly<Record<string, unknown>> | null;
}

/** The body to send. Only `model`, `models`, `fallbacks`, `system` and `provider` can differ. */
export function toAnthropicRequest(body: JsonObject, options: AnthropicRequestOptions): JsonObject {
  const [model, ...others] = options.models;
  const mapped: JsonObject = { ...body, model };
  const { system, fallbacks } = body;
  if (system !== undefined) mapped["system"] = stripSystem(system);
  if (Array.isArray(fallbacks)) {
    mapped["fallbacks"] = fallbacks.map((entry: unknown) => mapFallback(entry, options));
  } else if (others.length > 0) {
    // OpenRouter accepts only one of the two lists.
    mapped["models"] = [model, ...others];
  }
  if (options.provider !== null) mapped["provider"] = { ...options.provider };
  return mapped;
}

/** The models that may respond to a mapped request, in order. */
export function listRequestedModels(
  { model, models, fallbacks }: JsonObject,
): [string, ...string[]] {
  const others = [models, fallbacks].flatMap((list) => Array.isArray(list) ? list : [])
    .map((entry: unknown) => isJsonObject(entry) ? entry["model"] : entry);
  return [toText(model), ...others.filter((name) => typeof name === "string")];
}

/** The TTL of the request's cache writes: that of the last breakpoint in the messages, else of any before them. */
export function findAnthropicCacheTtl(
  { tools, system, messages, cache_control }: JsonObject,
): "5m" | "1h" {
  const listParts = (list: unknown) => Array.isArray(list) ? list.filter(isJsonObject) : [];
  const parts = [
    ...listParts(tools),
    ...listParts(system),
    ...listParts(messages).flatMap(({ content }) => listParts(content)),
  ];
  const last = parts.findLast((part) => isJsonObject(part["cache_control"]))?.["cache_control"];
  const control = isJsonObject(cache_control) ? cache_control : last;
  return isJsonObject(control) && control["ttl"] === "1h" ? "1h" : "5m";
}

/** Estimated input tokens of an unparsed body: all its strings, and its files by their size. */
export function estimateAnthropicTokens(body: JsonObject): number {
  return Math.max(1, Math.ceil(countValue(body)));
}

function countValue(value: unknown): number {
  if (typeof value === "string") return value.length / CHARS_PER_TOKEN;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countValue(item), 0);
  if (!isJsonObject(value)) return 0;
  const { type, data, media_type } = value;
  if (type === "base64" && typeof data === "string") return countFile(data, toText(media_type));
  return Object.values(value).reduce((sum: number, item) => sum + countValue(item), 1);
}

function countFile(data: string, mediaType: string): number {
  return mediaType.startsWith("image/")
    ? estimateImageTokens({ type: "base64", media_type: mediaType, data })
    : estimateFileTokens(data);
}

function mapFallback(entry: unknown, { resolve }: AnthropicRequestOptions): unknown {
  if (!isJsonObject(entry) || typeof entry["model"] !== "string") return entry;
  return { ...entry, model: resolve(entry["model"]) };
}

function stripSystem(system: unknown): unknown {
  if (typeof system === "string") return stripBillingHeaderFromText(system);
  if (!Array.isArray(system)) return system;
  return system
    .map((block: unknown) =>
      isJsonObject(block) && typeof block["text"] === "string"
        ? { ...block, text: stripBillingHeaderFromText(block["text"]) }
        : block
    )
    .filter((block) => !(isJsonObject(block) && block["text"] === ""));
}
