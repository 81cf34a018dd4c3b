/**
 * A Messages request for a server that speaks Anthropic's API itself: the body as it is, but for the models,
 * Claude Code's billing line, and the operator's routing preferences. Pure.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";
import { stripBillingText } from "./system.ts";

/** What {@linkcode mapNativeRequest} puts in. */
export interface NativeOptions {
  /** The models to ask: the first, then OpenRouter's own fallbacks. */
  models: readonly [string, ...string[]];
  /** What a name in the request's own `fallbacks` means. */
  resolve: (name: string) => string;
  /** Sent as `provider`. */
  provider: Readonly<Record<string, unknown>> | null;
}

/** The same body with what must differ. No other key is looked at. */
export function mapNativeRequest(body: JsonObject, options: NativeOptions): JsonObject {
  const [model, ...others] = options.models;
  const mapped: JsonObject = { ...body, model };
  const { system, fallbacks } = body;
  if (system !== undefined) mapped["system"] = stripSystem(system);
  if (Array.isArray(fallbacks)) {
    mapped["fallbacks"] = fallbacks.map((entry: unknown) => mapFallback(entry, options));
  } else if (others.length > 0) {
    // OpenRouter takes one of the two lists.
    mapped["models"] = [model, ...others];
  }
  if (options.provider !== null) mapped["provider"] = { ...options.provider };
  return mapped;
}

function mapFallback(entry: unknown, { resolve }: NativeOptions): unknown {
  if (!isJsonObject(entry) || typeof entry["model"] !== "string") return entry;
  return { ...entry, model: resolve(entry["model"]) };
}

function stripSystem(system: unknown): unknown {
  if (typeof system === "string") return stripBillingText(system);
  if (!Array.isArray(system)) return system;
  return system
    .map((block: unknown) =>
      isJsonObject(block) && typeof block["text"] === "string"
        ? { ...block, text: stripBillingText(block["text"]) }
        : block
    )
    .filter((block) => !(isJsonObject(block) && block["text"] === ""));
}
