// Streams of upstream: usage, errors, finish reasons and function names.
// Cases from the test suites of vLLM and open-claude-router.

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import {
  deltaChunk,
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { send, sendForEvents, WEATHER } from "../helpers/message_requests.ts";
import { requestBody } from "../helpers/proxy.ts";
import { eventStream, type Reply } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const stream = (...chunks: (Json | string)[]): Reply => () => eventStream(sse(...chunks));

Deno.test("the last text is returned if no usage follows", async () => {
  const events = await sendForEvents(
    requestBody(),
    stream(textChunk("Hi"), finishChunk(), "[DONE]"),
  );
  assertStringIncludes(JSON.stringify(events), '"text":"Hi"');
  const ending = events.find((event) => event.type === "message_delta");
  assertGreater(ending?.usage.output_tokens ?? 0, 0);
});

// vLLM: test_cache_accounting.py
Deno.test("cached tokens are reported in message_delta and not in message_start", async () => {
  const counts = (await sendForEvents(requestBody())).flatMap((event) => {
    if (event.type === "message_start") return [event.message.usage.cache_read_input_tokens];
    return event.type === "message_delta" ? [event.usage.cache_read_input_tokens] : [];
  });
  assertEquals(counts, [0, 100]);
});

// vLLM: test_stream_error.py
Deno.test("repeated errors in a stream become one error event with the upstream message", async () => {
  const error = errorChunk({ code: 429, message: "Slow down, tokens per minute" });
  const events = await sendForEvents(
    requestBody(),
    stream(textChunk("Half"), error, error, "[DONE]"),
  );
  assertEquals(events.filter(({ type }) => type === "error"), [{
    type: "error",
    error: { type: "rate_limit_error", message: "Slow down, tokens per minute" },
  }]);
});

Deno.test("invalid JSON in a stream is an error before the finish reason and ignored afterwards", async () => {
  const late = await sendForEvents(
    requestBody(),
    stream(textChunk("Hi"), finishChunk(), "{oops", "[DONE]"),
  );
  assertEquals(late.at(-1)?.type, "message_stop");
  const early = await sendForEvents(
    requestBody(),
    stream(textChunk("Hi"), "{oops", finishChunk(), "[DONE]"),
  );
  assertEquals(early.at(-1)?.type, "error");
});

Deno.test("a stream of a role, usage and [DONE] becomes a retryable 502", async () => {
  const script = stream(roleChunk(), usageChunk(), "[DONE]");
  const { response, text } = await send(requestBody({ stream: true }), script);
  assertEquals([response.status, response.headers.get("x-should-retry")], [502, null]);
  assertEquals(JSON.parse(text).error.type, "api_error");
});

Deno.test('finish_reason "" does not end the stream', async () => {
  const empty = { ...deltaChunk({ content: "Half" }) };
  empty["choices"] = [{ index: 0, delta: { content: "Half" }, finish_reason: "" }];
  const cut = await sendForEvents(requestBody(), stream(empty));
  assertEquals(cut.at(-1)?.type, "error");
  const more = await sendForEvents(
    requestBody(),
    stream(empty, textChunk(" more"), finishChunk(), "[DONE]"),
  );
  assertStringIncludes(JSON.stringify(more), '"text":" more"');
});

Deno.test("a function name in several deltas is joined", async () => {
  const fragment = (called: Json, more: Json = {}) =>
    deltaChunk({ tool_calls: [{ index: 0, ...more, function: called }] });
  const events = await sendForEvents(
    requestBody({ tools: [WEATHER] }),
    stream(
      fragment({ name: "get_", arguments: "" }, { id: "call_1", type: "function" }),
      fragment({ name: "weather", arguments: "" }),
      fragment({ arguments: '{"city":"Rome"}' }),
      finishChunk("tool_calls"),
      "[DONE]",
    ),
  );
  const start = events.find((event) => event.type === "content_block_start");
  assertEquals(start?.content_block, {
    type: "tool_use",
    id: "call_1",
    name: "get_weather",
    input: {},
  });
});
