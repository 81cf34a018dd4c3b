/**
 * A whole completion → a Message. Pure.
 * The completion goes through the stream translator as one chunk and its events are put together again, so a
 * plain answer and a streamed one cannot differ.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import { ApiError } from "../../errors.ts";
import { isJsonObject } from "../../json.ts";
import type * as openrouter from "../../openrouter/types.ts";
import type { StreamTranslator } from "./stream_translator.ts";
import { parseInput } from "./tool_arguments.ts";

/**
 * Translates a completion.
 * @param completion upstream's JSON; may be an error with HTTP 200
 * @throws {ApiError} for an `error`, for no choices, and for every answer that is not whole
 */
export function translateResponse(
  completion: unknown,
  translator: StreamTranslator,
): anthropic.Message {
  return collectMessage(translateCompletion(completion, translator));
}

/** The message for a request that wanted none (`max_tokens: 0`): upstream answers with a token all the same. */
export function toPrefillOnlyMessage(message: anthropic.Message): anthropic.Message {
  return { ...message, content: [], stop_reason: "max_tokens", stop_sequence: null };
}

/** The events of a completion, as a stream would have brought them. @throws {ApiError} as above */
export function translateCompletion(
  completion: unknown,
  translator: StreamTranslator,
): anthropic.StreamEvent[] {
  if (!isJsonObject(completion)) throw notACompletion("no JSON object");
  const chunk: openrouter.Chunk = completion;
  const events = translator.pushWhole(chunk);
  if (!Array.isArray(chunk.choices) || chunk.choices.length === 0) {
    throw notACompletion("an answer without choices");
  }
  return [...events, ...translator.finish({ isDone: true })];
}

/** Puts the events of a whole stream together. */
export function collectMessage(events: readonly anthropic.StreamEvent[]): anthropic.Message {
  let message: anthropic.Message | undefined;
  let json = "";
  for (const event of events) {
    if (event.type === "message_start") message = { ...event.message, content: [] };
    if (message === undefined) continue;
    const block = message.content.at(-1);
    if (event.type === "content_block_start") {
      message.content.push({ ...event.content_block });
      json = "";
    } else if (event.type === "content_block_delta" && block !== undefined) {
      json += addDelta(block, event.delta);
    } else if (event.type === "content_block_stop" && block !== undefined && "input" in block) {
      block.input = parseInput(json);
    } else if (event.type === "message_delta") {
      const { context_management: context } = event;
      Object.assign(message, event.delta, { usage: event.usage });
      if (context !== undefined) message.context_management = context;
    }
  }
  if (message === undefined) throw notACompletion("an empty answer");
  return message;
}

/** Adds a delta to its block; returns tool arguments, which only the block's end completes. */
function addDelta(block: anthropic.ContentBlock, delta: anthropic.BlockDelta): string {
  switch (delta.type) {
    case "text_delta":
      if (block.type === "text") block.text += delta.text;
      return "";
    case "citations_delta":
      if (block.type === "text") (block.citations ??= []).push(delta.citation);
      return "";
    case "thinking_delta":
      if (block.type === "thinking") block.thinking += delta.thinking;
      return "";
    case "signature_delta":
      if (block.type === "thinking") block.signature = delta.signature;
      return "";
    case "input_json_delta":
      return delta.partial_json;
    default:
      return delta satisfies never;
  }
}

function notACompletion(what: string): ApiError {
  return new ApiError("api_error", `OpenRouter sent ${what}`, { status: 502 });
}
