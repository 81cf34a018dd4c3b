/**
 * What the calls of upstream on behalf of a request have in common: key, abort signal, captured bodies, and the result.
 * @module
 */

import type { ChatOptions, UpstreamResponse } from "../openrouter/client.ts";
import type { RequestContext } from "../request_context.ts";
import type { ResponseContext } from "../translate/request/response_context.ts";

/** Upstream's response, and what its translation needs from the request. */
export interface UpstreamResult {
  upstream: UpstreamResponse;
  response: ResponseContext;
}

/** The options that all calls of a request share. */
export function createCall(
  { disconnect, upstreamKey, services, timeline }: RequestContext,
): Pick<ChatOptions, "key" | "signal" | "suggestModels" | "onSend" | "onErrorBody"> {
  return {
    key: upstreamKey,
    signal: disconnect.signal,
    suggestModels: (model) => services.catalog.suggestModels(model),
    onSend: (text) => timeline.capturedBodies?.set("sent", text),
    onErrorBody: (text) => timeline.attachErrorBody(text),
  };
}
