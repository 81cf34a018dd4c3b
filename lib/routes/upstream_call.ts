/**
 * The options that every call of upstream on behalf of a request has: key, abort signal and captured bodies.
 * @module
 */

import type { ChatOptions } from "../openrouter/client.ts";
import type { RequestContext } from "../request_context.ts";

/** The options that all calls of a request share. */
export function createCall(
  { signal, upstreamKey, services, timeline }: RequestContext,
): Pick<ChatOptions, "key" | "signal" | "suggestModels" | "onSend" | "onErrorBody"> {
  return {
    key: upstreamKey,
    signal,
    suggestModels: (model) => services.catalog.suggestModels(model),
    onSend: (text) => timeline.capturedBodies?.set("sent", text),
    onErrorBody: (text) => timeline.attachErrorBody(text),
  };
}
