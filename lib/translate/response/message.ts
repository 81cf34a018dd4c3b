/**
 * Translates a chat completion to a Message. Pure.
 * The completion goes through the stream translator as one chunk and its events are collected again, so that streamed
 * and non-streamed responses cannot differ.
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
 * @throws {ApiError} for an `error`, for no choices, and for an incomplete response
 */
export function translateResponse(
  completion: unknown,
  translator: StreamTranslator,
): anthropic.Message {
  return collectMessage(translateCompletion(completion, translator));
}

/** The message for a request with `max_tokens: 0`: upstream generates at least one token, which is discarded. */
export function toPrefillOnlyMessage(message: anthropic.Message): anthropic.Message {
  return { ...message, content: [], stop_reason: "max_tokens", stop_sequence: null };
}

/** The events of a completion, as a stream would send them. @throws {ApiError} like `translateResponse` */
export function translateCompletion(
  completion: unknown,
  translator: StreamTranslator,
): anthropic.StreamEvent[] {
  if (!isJsonObject(completion)) throw invalidCompletion("is not a JSON object");
  const chunk: openrouter.Chunk = completion;
  const events = translator.pushWhole(chunk);
  if (!Array.isArray(chunk.choices) || chunk.choices.length === 0) {
    throw invalidCompletion("has no choices");
  }
  return [...events, ...translator.finish({ isDone: true })];
}

/** Collects the events of a complete stream into a message. */
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
      const { usage, context_management } = event;
      Object.assign(message, event.delta, { usage, context_management });
    }
  }
  if (message === undefined) throw invalidCompletion("is empty");
  return message;
}

/** Adds a delta to its block; returns tool arguments, which can only be parsed at the end of the block. */
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

function invalidCompletion(problem: string): ApiError {
  return new ApiError("api_error", `The upstream response ${problem}`, { status: 502 });
}
