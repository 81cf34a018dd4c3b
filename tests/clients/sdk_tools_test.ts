/**
 * The official SDK's tool runner, and tools sent upstream.
 * @module
 */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { Anthropic } from "../helpers/sdk.ts";
import {
  callChunk,
  callHead,
  finishChunk,
  messageCompletion,
  SIGNATURE,
  sse,
  usageChunk,
} from "../helpers/chunks.ts";
import { eventStream, type Reply } from "../helpers/upstream.ts";
import {
  catchError,
  HELLO,
  MODEL,
  startHarness,
  textReply,
  twoCallsReply,
  WEATHER,
} from "./sdk_harness.ts";

/** A completion that calls a tool. */
function callCompletion(id: string, city: string): Record<string, unknown> {
  const call = {
    id,
    type: "function",
    function: { name: "get_weather", arguments: JSON.stringify({ city }) },
  };
  return messageCompletion({ content: null, tool_calls: [call] }, "tool_calls");
}

Deno.test("a tool round trip sends thinking, tool calls and results upstream", async () => {
  await using harness = startHarness([twoCallsReply, textReply("Rome is warmer.")]);
  const base = { model: MODEL, max_tokens: 100, tools: [WEATHER] };
  const question = { role: "user" as const, content: "Rome or Oslo?" };
  const first = await harness.client.messages.stream({ ...base, messages: [question] })
    .finalMessage();
  const results = first.content.filter((block) => block.type === "tool_use").map((block) => ({
    type: "tool_result" as const,
    tool_use_id: block.id,
    content: block.id === "call_rome" ? "30 °C" : [{ type: "text" as const, text: "3 °C" }],
  }));
  const second = await harness.client.messages.create({
    ...base,
    messages: [
      question,
      { role: "assistant", content: first.content },
      { role: "user", content: results },
    ],
  });
  assertEquals<unknown>(second.content, [{ type: "text", text: "Rome is warmer." }]);
  const body = harness.upstream.requests[1]?.body;
  const toCall = (id: string, city: string) => ({
    id,
    type: "function",
    function: { name: "get_weather", arguments: JSON.stringify({ city }) },
  });
  assertEquals(body?.["messages"], [
    { role: "user", content: "Rome or Oslo?" },
    {
      role: "assistant",
      content: "Let me look.",
      reasoning_details: [{
        type: "reasoning.text",
        text: "Two cities, two calls.",
        signature: SIGNATURE,
        format: "anthropic-claude-v1",
        index: 0,
      }],
      tool_calls: [toCall("call_rome", "Rome"), toCall("call_oslo", "Oslo")],
    },
    { role: "tool", tool_call_id: "call_rome", content: "30 °C" },
    { role: "tool", tool_call_id: "call_oslo", content: "3 °C" },
  ]);
  assertEquals(body?.["tools"], [{
    type: "function",
    function: {
      name: "get_weather",
      description: "Returns the weather",
      parameters: WEATHER.input_schema,
    },
  }]);
});

Deno.test("strict tools are sent to Claude with their beta header", async () => {
  await using harness = startHarness(textReply("Hi"));
  await harness.client.messages.create({ ...HELLO, tools: [{ ...WEATHER, strict: true }] });
  const [received] = harness.upstream.requests;
  assertEquals(received?.headers.get("x-anthropic-beta"), "structured-outputs-2025-11-13");
  await harness.client.messages.create({ ...HELLO, tools: [WEATHER] });
  assertEquals(harness.upstream.requests[1]?.headers.get("x-anthropic-beta"), null);
});

for (const stream of [false, true]) {
  const mode = stream ? "streamed" : "as JSON";
  Deno.test(`the tool runner sends all messages after an error that threads are unsupported (${mode})`, async () => {
    const callReply: Reply = ({ body }) =>
      body["stream"]
        ? eventStream(sse(
          callChunk(callHead(0, "call_rome", "get_weather", '{"city":"Rome"}')),
          finishChunk("tool_calls"),
          usageChunk(),
          "[DONE]",
        ))
        : Response.json(callCompletion("call_rome", "Rome"));
    await using harness = startHarness([callReply, textReply("It is warm.")]);
    const cities: unknown[] = [];
    const tool = {
      ...WEATHER,
      parse: (input: unknown) => input,
      run: (input: unknown) => {
        cities.push(input);
        return "30 °C";
      },
    };
    const runner = harness.client.beta.messages.toolRunner({ ...HELLO, tools: [tool], stream });
    const message = await runner.runUntilDone();
    assertEquals<unknown>(message.content, [{ type: "text", text: "It is warm." }]);
    assertEquals(cities, [{ city: "Rome" }]);
    // The second request continues a thread, which the proxy does not support.
    assertEquals(harness.proxy.services.records.map(({ status }) => status), [200, 400, 200]);
    const turns = harness.upstream.requests.map(({ body }) => body["messages"]);
    assertEquals(turns.length, 2);
    assertEquals(turns[1], [
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{
          id: "call_rome",
          type: "function",
          function: { name: "get_weather", arguments: '{"city":"Rome"}' },
        }],
      },
      { role: "tool", tool_call_id: "call_rome", content: "30 °C" },
    ]);
  });
}

Deno.test("a continued thread is rejected with the error code that the SDK handles", async () => {
  await using harness = startHarness(textReply("never"));
  const body = { ...HELLO, thread: { type: "continue", previous_message_id: "msg_1" } };
  const error = await catchError(harness.client.post("/v1/messages", { body }));
  assertInstanceOf(error, Anthropic.BadRequestError);
  assertEquals([error.type, error.errorCode], [
    "invalid_request_error",
    "thread_unsupported_request",
  ]);
  assertEquals(harness.upstream.requests.length, 0);
});
