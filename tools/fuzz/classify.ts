/**
 * Classifies the proxy's responses. For any request and any upstream response, each must be a valid stream, a message,
 * or an Anthropic error, and never an internal error.
 * @module
 */

import { assert, assertEquals, AssertionError } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { checkGrammar } from "../../tests/helpers/grammar.ts";
import { parseSse } from "../../tests/helpers/sse.ts";
import type { Result } from "./proxy.ts";

const ERROR_TYPES = [
  "invalid_request_error",
  "authentication_error",
  "billing_error",
  "permission_error",
  "not_found_error",
  "request_too_large",
  "rate_limit_error",
  "api_error",
  "timeout_error",
  "overloaded_error",
];
const STOP_REASONS = [
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "refusal",
  "model_context_window_exceeded",
];
const INTERNAL_ERROR = "Internal error of the proxy";

/** The kind of a response. `events` is empty except for streams. */
export interface Classified {
  kind: "message" | "stream" | "broken stream" | "error" | "count";
  events: StreamEvent[];
}

/** Classifies a response. @throws {AssertionError} if Anthropic could not have sent it */
export function classify({ status, contentType, text }: Result): Classified {
  if (text.includes(INTERNAL_ERROR)) throw new AssertionError(`${status} ${text}`);
  if (contentType.startsWith("text/event-stream")) {
    assertEquals(status, 200);
    const sent = parseSse(text);
    assert(sent.every(({ isWhole }) => isWhole), "An event is incomplete");
    const events: StreamEvent[] = sent.map(({ name, data }) => {
      const event = JSON.parse(data);
      assertEquals(name, event.type);
      return event;
    });
    checkGrammar(events);
    return { kind: events.at(-1)?.type === "error" ? "broken stream" : "stream", events };
  }
  const body = JSON.parse(text);
  if (status !== 200) {
    assert(status >= 400 && status <= 599, `Status ${status}`);
    assertEquals(Object.keys(body), ["type", "error", "request_id"]);
    assertEquals(body.type, "error");
    assert(ERROR_TYPES.includes(body.error.type), `Error type ${body.error.type}`);
    assert(
      typeof body.error.message === "string" && body.error.message !== "",
      "An error has a message",
    );
    return { kind: "error", events: [] };
  }
  if ("input_tokens" in body) {
    assertCount(body.input_tokens);
    return { kind: "count", events: [] };
  }
  checkMessage(body);
  return { kind: "message", events: [] };
}

/** Checks the actual values, which may not match their declared types. */
function checkMessage(message: Message): void {
  assertEquals([message.type, message.role], ["message", "assistant"]);
  assert(typeof message.id === "string" && typeof message.model === "string");
  assert(STOP_REASONS.includes(String(message.stop_reason)), `Stop reason ${message.stop_reason}`);
  assertCount(message.usage.input_tokens);
  assertCount(message.usage.output_tokens);
  const ids = new Set<string>();
  for (const block of message.content) {
    switch (block.type) {
      case "text":
        assert(typeof block.text === "string" && block.text !== "", "A text block has text");
        break;
      case "thinking":
        assert(typeof block.thinking === "string" && typeof block.signature === "string");
        break;
      case "redacted_thinking":
        assert(typeof block.data === "string" && block.data !== "");
        break;
      case "tool_use":
        assert(/^[\w-]+$/.test(block.id) && !ids.has(block.id), `Call id ${block.id}`);
        ids.add(block.id);
        assert(typeof block.name === "string" && block.name !== "", "A call has a name");
        assert(
          typeof block.input === "object" && block.input !== null && !Array.isArray(block.input),
        );
        break;
      case "server_tool_use":
        assert(/^[\w-]+$/.test(block.id) && !ids.has(block.id), `Search id ${block.id}`);
        break;
      case "web_search_tool_result":
        assert(Array.isArray(block.content), "A search has results");
        break;
      default:
        block satisfies never;
        throw new AssertionError(`Unknown block type: ${JSON.stringify(block)}`);
    }
  }
  if (message.stop_reason === "tool_use") assert(ids.size > 0, "tool_use needs a call");
}

function assertCount(value: unknown): void {
  assert(Number.isInteger(value) && Number(value) >= 0, `${value} is not a count`);
}
