/**
 * Vercel's AI SDK with JSON responses: text, objects, tools, images, and finish reasons compared with a stream's.
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import {
  generateText,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "../helpers/ai_sdk.ts";
import { SERVER_KEY } from "../helpers/proxy.ts";
import {
  completion,
  finishChunk,
  messageCompletion,
  SIGNATURE,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { errorBody } from "../helpers/upstream.ts";
import { PIXEL } from "../helpers/messages.ts";
import {
  callCompletion,
  catchCallError,
  CITY,
  citySchema,
  jsonReply,
  MODEL,
  QUIET,
  startHarness,
  streamReply,
  weather,
} from "./ai_sdk_harness.ts";

Deno.test("generateText reads text, usage and finish reason", async () => {
  await using harness = startHarness(jsonReply(completion("Hi there.")));
  const result = await generateText({ model: harness.model, prompt: "Hello", maxRetries: 0 });
  assertEquals([result.text, result.finishReason, result.rawFinishReason], [
    "Hi there.",
    "stop",
    "end_turn",
  ]);
  assertEquals(result.warnings, []);
  const { usage, response } = result;
  assertEquals([usage.inputTokens, usage.outputTokens, usage.inputTokenDetails.cacheReadTokens], [
    120,
    7,
    100,
  ]);
  assertEquals(response.modelId, MODEL);
  assertMatch(response.id, /^msg_/);
  const [received] = harness.upstream.requests;
  assertEquals(received?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
});

Deno.test("generateText runs tools and sends thinking, tool calls and results back", async () => {
  await using harness = startHarness([
    jsonReply(callCompletion(["Rome", "Oslo"])),
    jsonReply(completion("Rome is as warm.")),
  ]);
  const result = await generateText({
    model: harness.model,
    prompt: "Rome or Oslo?",
    tools: { weather },
    stopWhen: stepCountIs(3),
    maxRetries: 0,
  });
  assertEquals(result.text, "Rome is as warm.");
  const [first] = result.steps;
  assertEquals([first?.reasoningText, first?.finishReason], ["Look.", "tool-calls"]);
  assertEquals(first?.toolCalls.map(({ toolCallId, input }) => [toolCallId, input]), [
    ["call_rome", { city: "Rome" }],
    ["call_oslo", { city: "Oslo" }],
  ]);
  const calls = ["Rome", "Oslo"].map((city) => ({
    id: `call_${city.toLowerCase()}`,
    type: "function",
    function: { name: "weather", arguments: JSON.stringify({ city }) },
  }));
  const format = "anthropic-claude-v1";
  assertEquals(harness.upstream.requests[1]?.body["messages"], [
    { role: "user", content: "Rome or Oslo?" },
    {
      role: "assistant",
      content: null,
      tool_calls: calls,
      reasoning_details: [
        { type: "reasoning.text", text: "Look.", signature: SIGNATURE, format, index: 0 },
      ],
    },
    { role: "tool", tool_call_id: "call_rome", content: "30 °C in Rome" },
    { role: "tool", tool_call_id: "call_oslo", content: "30 °C in Oslo" },
  ]);
});

Deno.test("generateText reads encrypted thinking and sends it back unchanged", async () => {
  const format = "anthropic-claude-v1";
  const encrypted = { type: "reasoning.encrypted", data: "b3BhcXVl", format };
  const reasoningReply = jsonReply(
    messageCompletion({ content: "Hm.", reasoning_details: [encrypted] }),
  );
  await using harness = startHarness([reasoningReply, jsonReply(completion("Yes."))]);
  const question: ModelMessage = { role: "user", content: "Well?" };
  const first = await generateText({ model: harness.model, messages: [question], maxRetries: 0 });
  assertEquals([first.text, first.warnings], ["Hm.", []]);
  const messages = [question, ...first.response.messages, question];
  await generateText({ model: harness.model, messages, maxRetries: 0 });
  assertEquals(harness.upstream.requests[1]?.body["messages"], [
    { role: "user", content: "Well?" },
    { role: "assistant", content: "Hm.", reasoning_details: [{ ...encrypted, index: 0 }] },
    { role: "user", content: "Well?" },
  ]);
});

Deno.test("generateText returns an object for a JSON schema", async () => {
  await using harness = startHarness(jsonReply(completion('{"city":"Rome"}')));
  const result = await generateText({
    model: harness.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
    maxRetries: 0,
  });
  assertEquals([result.output, result.warnings], [{ city: "Rome" }, []]);
  assertEquals(harness.upstream.requests[0]?.body["response_format"], {
    type: "json_schema",
    json_schema: { name: "response", strict: true, schema: CITY },
  });
});

Deno.test("generateText returns an object from a tool call", async () => {
  const call = { id: "call_1", type: "function", function: { name: "json", arguments: "" } };
  call.function.arguments = '{"city":"Rome"}';
  const message = { content: null, tool_calls: [call] };
  await using harness = startHarness(jsonReply(messageCompletion(message, "tool_calls")));
  const result = await generateText({
    model: harness.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
    providerOptions: { anthropic: { structuredOutputMode: "jsonTool" } },
    maxRetries: 0,
  });
  assertEquals([result.output, result.finishReason], [{ city: "Rome" }, "stop"]);
  const body = harness.upstream.requests[0]?.body;
  assertEquals([body?.["tool_choice"], body?.["parallel_tool_calls"]], ["required", false]);
});

Deno.test("images in a user message and in a tool result are sent upstream", async () => {
  await using harness = startHarness([
    jsonReply(callCompletion(["Rome"])),
    jsonReply(completion("A dot.")),
  ]);
  const { execute: _, ...definition } = weather;
  const data = { type: "data", data: PIXEL } as const;
  const camera = tool({
    ...definition,
    execute: () => "taken",
    toModelOutput: () => ({
      type: "content" as const,
      value: [{ type: "text", text: "Taken:" }, { type: "file", mediaType: "image/png", data }],
    }),
  });
  const question = [
    { type: "text" as const, text: "What is this?" },
    { type: "file" as const, mediaType: "image/png", data: PIXEL },
    { type: "file" as const, mediaType: "image", data: new URL("https://example.com/dot.png") },
  ];
  const result = await generateText({
    model: harness.model,
    messages: [{ role: "user", content: question }],
    tools: { weather: camera },
    stopWhen: stepCountIs(2),
    maxRetries: 0,
  });
  assertEquals(result.warnings, []);
  const dot = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
  const { messages } = JSON.parse(harness.upstream.requests[1]?.text ?? "");
  assertEquals(messages[0]?.content, [
    { type: "text", text: "What is this?" },
    dot,
    { type: "image_url", image_url: { url: "https://example.com/dot.png" } },
  ]);
  assertEquals(messages[2]?.content, "Taken:");
  assertEquals(messages[3]?.content, [
    { type: "text", text: "Images from the result of tool call call_rome:" },
    dot,
  ]);
});

const FINISH_REASONS: [upstream: string, finishReason: string, raw: string][] = [
  ["stop", "stop", "end_turn"],
  ["length", "length", "max_tokens"],
  ["content_filter", "content-filter", "refusal"],
];

for (const [reason, finishReason, raw] of FINISH_REASONS) {
  Deno.test(`upstream's ${reason} becomes the finish reason ${finishReason}, as JSON and streamed`, async () => {
    await using harness = startHarness([
      jsonReply(messageCompletion({ content: "Well" }, reason)),
      streamReply(textChunk("Well"), finishChunk(reason), usageChunk(), "[DONE]"),
    ]);
    const result = await generateText({ model: harness.model, prompt: "Hello", maxRetries: 0 });
    assertEquals([result.text, result.finishReason, result.rawFinishReason], [
      "Well",
      finishReason,
      raw,
    ]);
    const stream = streamText({ ...QUIET, model: harness.model, prompt: "Hello" });
    assertEquals([await stream.text, await stream.finishReason], ["Well", finishReason]);
  });
}

Deno.test("reasoning tokens are reported apart from text tokens", async () => {
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 9,
    completion_tokens_details: { reasoning_tokens: 6 },
  };
  await using harness = startHarness([
    jsonReply({ ...completion("Hi"), usage }),
    streamReply(textChunk("Hi"), finishChunk(), { ...usageChunk(), usage }, "[DONE]"),
  ]);
  const result = await generateText({ model: harness.model, prompt: "Hello", maxRetries: 0 });
  const stream = streamText({ ...QUIET, model: harness.model, prompt: "Hello" });
  for (const { outputTokenDetails } of [result.usage, await stream.totalUsage]) {
    assertEquals([outputTokenDetails.textTokens, outputTokenDetails.reasoningTokens], [3, 6]);
  }
});

Deno.test("a 429 keeps retry-after for the SDK's retry", async () => {
  const response = errorBody(429, "Slow down");
  response.headers.set("retry-after", "7");
  await using harness = startHarness(() => response);
  const error = await catchCallError(
    generateText({ model: harness.model, prompt: "Hello", maxRetries: 0 }),
  );
  assertEquals(error.responseHeaders?.["retry-after"], "7");
});

Deno.test("a PDF is sent upstream as a file with its name", async () => {
  await using harness = startHarness(jsonReply(completion("Read.")));
  const file = {
    type: "file" as const,
    mediaType: "application/pdf",
    data: "JVBERi0=",
    filename: "plan",
  };
  const messages = [{ role: "user" as const, content: [file] }];
  const { text } = await generateText({ model: harness.model, messages, maxRetries: 0 });
  assertEquals(text, "Read.");
  const { body } = harness.upstream.requests[0] ?? {};
  assertEquals(body?.["plugins"], [{ id: "file-parser", pdf: { engine: "cloudflare-ai" } }]);
  const expected = { filename: "plan.pdf", file_data: "data:application/pdf;base64,JVBERi0=" };
  assertEquals(body?.["messages"], [{
    role: "user",
    content: [{ type: "text", text: "Document: plan" }, { type: "file", file: expected }],
  }]);
});
