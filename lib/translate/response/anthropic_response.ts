/**
 * Completes responses of an upstream that speaks Anthropic's API, with what clients of this proxy expect of all models.
 * @module
 */

import { UNSUPPORTED_SAFEGUARDS } from "../../anthropic/safeguards.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";

/** What to complete. */
export interface CompletionOptions {
  /** The requested model, returned to the client; null keeps upstream's. */
  model: string | null;
  /** The request has `safeguards`, so the response reports on them. */
  reportsSafeguards: boolean;
}

/** A message with the requested model and a report on safeguards; the same object if it has both. */
export function completeMessage(message: JsonObject, options: CompletionOptions): JsonObject {
  return withSafeguards(withModel(message, options), options);
}

/** The event to send instead; null to forward it unchanged. */
export function completeEvent(event: JsonObject, options: CompletionOptions): JsonObject | null {
  const { type, message, delta } = event;
  if (type === "message_start" && isJsonObject(message)) {
    const completed = withModel(message, options);
    return completed === message ? null : { ...event, message: completed };
  }
  if (type === "message_delta" && isJsonObject(delta)) {
    const completed = withSafeguards(delta, options);
    return completed === delta ? null : { ...event, delta: completed };
  }
  return null;
}

function withModel(message: JsonObject, { model }: CompletionOptions): JsonObject {
  return model === null || message["model"] === model ? message : { ...message, model };
}

function withSafeguards(target: JsonObject, { reportsSafeguards }: CompletionOptions): JsonObject {
  const isReported = (target["safeguard_results"] ?? null) !== null;
  if (!reportsSafeguards || isReported) return target;
  return { ...target, safeguard_results: UNSUPPORTED_SAFEGUARDS };
}
