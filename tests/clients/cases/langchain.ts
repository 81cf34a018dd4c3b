/**
 * LangChain's `ChatAnthropic`: text, streams, tools with thinking, and errors. Here and not in `deno task test`,
 * because the library takes seconds to load.
 * @module
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SIGNATURE, sseTwoCalls } from "../../helpers/chunks.ts";
import { ChatAnthropic } from "../../helpers/langchain.ts";
import { checkChatRequest } from "../../helpers/openrouter_request_checker.ts";
import { startProxy } from "../../helpers/proxy.ts";
import { errorBody, eventStream, type Reply, startUpstream } from "../../helpers/upstream.ts";
import { textReply, WEATHER } from "../sdk_harness.ts";

function test(name: string, body: () => Promise<void>): void {
  Deno.test(`LangChain 1.5.11 ${name}`, body);
}

/** Upstream, proxy and model. Every upstream request must be valid. */
function start(...replies: Reply[]) {
  const upstream = startUpstream(replies);
  const proxy = startProxy({ upstream });
  const model = new ChatAnthropic({
    model: "claude-sonnet-5",
    maxTokens: 2048,
    anthropicApiUrl: proxy.url,
    apiKey: "sk-ant-from-the-client",
    maxRetries: 0,
  });
  return {
    upstream,
    model,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
      for (const { body } of upstream.requests) checkChatRequest(body);
    },
  };
}

const HELLO = [{ role: "user", content: "Hello" }];

test("reads a response with its usage", async () => {
  await using harness = start(textReply("Hi there."));
  const message = await harness.model.invoke(HELLO);
  assertEquals([message.text, message.response_metadata["stop_reason"]], ["Hi there.", "end_turn"]);
  // Its type says `never`.
  const usage: unknown = message.usage_metadata;
  assertEquals((usage as { output_tokens: number }).output_tokens, 7);
});

test("reads a stream", async () => {
  await using harness = start(textReply("Hi there."));
  let text = "";
  for await (const chunk of await harness.model.stream(HELLO)) text += chunk.text;
  assertEquals(text, "Hi there.");
});

test("reads thinking and two interleaved calls of a stream, and sends them back with their results", async () => {
  const calls: Reply = ({ body }) =>
    body["stream"] ? eventStream(sseTwoCalls(WEATHER.name)) : new Response(null);
  await using harness = start(calls, textReply("30 °C in both."));
  const model = harness.model.bindTools([WEATHER]);
  let message: Awaited<ReturnType<typeof model.invoke>> | undefined;
  for await (const chunk of await model.stream(HELLO)) {
    message = message === undefined ? chunk : message.concat(chunk);
  }
  if (message === undefined) throw new Error("no message");
  assertEquals(message.tool_calls?.map(({ id, args }) => [id, args]), [
    ["call_rome", { city: "Rome" }],
    ["call_oslo", { city: "Oslo" }],
  ]);
  const results = (message.tool_calls ?? []).map(({ id = "" }) => ({
    role: "tool",
    tool_call_id: id,
    content: `30 °C for ${id}`,
  }));
  const last = await harness.model.bindTools([WEATHER]).invoke([...HELLO, message, ...results]);
  assertEquals(last.text, "30 °C in both.");
  const sent = JSON.stringify(harness.upstream.requests[1]?.body);
  for (const part of [SIGNATURE, "30 °C for call_rome", "30 °C for call_oslo"]) {
    assertEquals(sent.includes(part), true, part);
  }
});

test("throws an error of upstream with its status", async () => {
  await using harness = start(() => errorBody(402, "No credits left"));
  const error = await assertRejects(() => harness.model.invoke(HELLO), Error);
  assertMatch(error.message, /No credits left/);
  assertEquals("status" in error && error.status, 402);
});
