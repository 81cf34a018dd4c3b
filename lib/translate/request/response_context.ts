/**
 * Collects what the translation of a response needs from its request. Keeps no part of the messages: a request may take
 * 32 MB, and its response minutes.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type { StreamOptions } from "../response/stream_translator.ts";

/** What the translation of a response needs from its request: spread it into the options of `StreamTranslator`. */
export interface ResponseContext extends
  Required<
    Pick<
      StreamOptions,
      | "model"
      | "inputTokens"
      | "target"
      | "hidesThinking"
      | "names"
      | "takenCallIds"
      | "stopSequences"
      | "reportsSafeguards"
      | "cacheTtl"
      | "searchesWeb"
    >
  > {
  /** The client's `max_tokens`, if upstream got more to leave room for thinking. */
  visibleTokens: number | undefined;
  /** The applied context edits, if the request has `context_management`. */
  contextManagement: anthropic.ContextManagement | undefined;
  /** The client requested a stream. */
  isStream: boolean;
  /** The client requested no output (`max_tokens: 0`). */
  isPrefillOnly: boolean;
}

/** @param translated the fields that result from the translation of the request */
export function createResponseContext(
  request: anthropic.MessagesRequest,
  translated: Pick<
    ResponseContext,
    | "target"
    | "names"
    | "takenCallIds"
    | "inputTokens"
    | "visibleTokens"
    | "cacheTtl"
    | "contextManagement"
  >,
): ResponseContext {
  return {
    ...translated,
    model: request.model,
    hidesThinking: request.thinking?.display === "omitted",
    stopSequences: request.stop_sequences,
    reportsSafeguards: request.safeguards,
    searchesWeb: request.web_search !== undefined,
    isStream: request.stream,
    isPrefillOnly: request.max_tokens === 0,
  };
}
