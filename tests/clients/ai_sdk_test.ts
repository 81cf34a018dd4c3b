/**
 * Vercel's AI SDK against the running proxy with a fake upstream. The SDK checks every field of a response against
 * a schema, like other clients with strict types.
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  APICallError,
  createAnthropic,
  generateText,
  jsonSchema,
  type ModelMessage,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "../helpers/ai_sdk.ts";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { SERVER_KEY, startProxy } from "../helpers/proxy.ts";
import {
  callChunk,
  callHead,
  callTail,
  completion,
  errorChunk,
  finishChunk,
  messageCompletion,
  SIGNATURE,
  sse,
  sseTwoCalls,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  type Reply,
  startUpstream,
  type Upstream,
} from "../helpers/upstream.ts";
import { PIXEL } from "../helpers/messages.ts";

type Model = ReturnType<ReturnType<typeof createAnthropic>>;

interface Stage extends AsyncDisposable {
  model: Model;
  upstream: Upstream;
}

const MODEL = "claude-sonnet-5";
const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
} as const;
const citySchema = jsonSchema<{ city: string }>({ ...CITY, required: ["city"] });
const weather = tool({
  description: "Tells the weather",
  inputSchema: citySchema,
  execute: ({ city }) => `30 °C in ${city}`,
});

/** Upstream, proxy and model, wired. Every request that reached upstream must be one that it takes. */
function startStage(script: Reply | Reply[]): Stage {
  const upstream = startUpstream(script);
  const proxy = startProxy({ upstream });
  return {
    upstream,
    model: createAnthropic({ baseURL: `${proxy.url}/v1`, apiKey: "sk-ant-of-the-client" })(MODEL),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
      for (const { body } of upstream.requests) checkChatRequest(body);
    },
  };
}

/** A completion that thinks and calls. */
function callCompletion(cities: string[]): Record<string, unknown> {
  return messageCompletion({
    content: null,
    reasoning_details: [
      {
        type: "reasoning.text",
        text: "Look.",
        signature: SIGNATURE,
        format: "anthropic-claude-v1",
      },
    ],
    tool_calls: cities.map((city) => ({
      id: `call_${city.toLowerCase()}`,
      type: "function",
      function: { name: "weather", arguments: JSON.stringify({ city }) },
    })),
  }, "tool_calls");
}

const RICH = sseTwoCalls("weather");

const answer = (body: Record<string, unknown>): Reply => () => Response.json(body);
const answerStream = (...chunks: Parameters<typeof sse>): Reply => () =>
  eventStream(sse(...chunks));

/** Failures come as parts of a stream, so nothing is thrown or printed. */
const QUIET = { maxRetries: 0, onError: () => {} };

/** The error of a call that upstream's refusal ends. */
async function catchCallError(promise: PromiseLike<unknown>): Promise<APICallError> {
  const error = await assertRejects(async () => await promise);
  assert(APICallError.isInstance(error), String(error));
  return error;
}

Deno.test("generateText reads text, usage and finish reason", async () => {
  await using stage = startStage(answer(completion("Hi there.")));
  const result = await generateText({ model: stage.model, prompt: "Hello", maxRetries: 0 });
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
  const [seen] = stage.upstream.requests;
  assertEquals(seen?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
});

Deno.test("generateText runs tools and sends thinking, tool calls and results back", async () => {
  await using stage = startStage([
    answer(callCompletion(["Rome", "Oslo"])),
    answer(completion("Rome is as warm.")),
  ]);
  const result = await generateText({
    model: stage.model,
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
  assertEquals(stage.upstream.requests[1]?.body["messages"], [
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
  const hidden = { type: "reasoning.encrypted", data: "b3BhcXVl", format };
  const thinking = answer(messageCompletion({ content: "Hm.", reasoning_details: [hidden] }));
  await using stage = startStage([thinking, answer(completion("Yes."))]);
  const question: ModelMessage = { role: "user", content: "Well?" };
  const first = await generateText({ model: stage.model, messages: [question], maxRetries: 0 });
  assertEquals([first.text, first.warnings], ["Hm.", []]);
  const messages = [question, ...first.response.messages, question];
  await generateText({ model: stage.model, messages, maxRetries: 0 });
  assertEquals(stage.upstream.requests[1]?.body["messages"], [
    { role: "user", content: "Well?" },
    { role: "assistant", content: "Hm.", reasoning_details: [{ ...hidden, index: 0 }] },
    { role: "user", content: "Well?" },
  ]);
});

Deno.test("generateText returns an object for a JSON schema", async () => {
  await using stage = startStage(answer(completion('{"city":"Rome"}')));
  const result = await generateText({
    model: stage.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
    maxRetries: 0,
  });
  assertEquals([result.output, result.warnings], [{ city: "Rome" }, []]);
  assertEquals(stage.upstream.requests[0]?.body["response_format"], {
    type: "json_schema",
    json_schema: { name: "response", strict: true, schema: CITY },
  });
});

Deno.test("generateText returns an object from a tool call", async () => {
  const call = { id: "call_1", type: "function", function: { name: "json", arguments: "" } };
  call.function.arguments = '{"city":"Rome"}';
  const message = { content: null, tool_calls: [call] };
  await using stage = startStage(answer(messageCompletion(message, "tool_calls")));
  const result = await generateText({
    model: stage.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
    providerOptions: { anthropic: { structuredOutputMode: "jsonTool" } },
    maxRetries: 0,
  });
  assertEquals([result.output, result.finishReason], [{ city: "Rome" }, "stop"]);
  const body = stage.upstream.requests[0]?.body;
  assertEquals([body?.["tool_choice"], body?.["parallel_tool_calls"]], ["required", false]);
});

Deno.test("streamText returns text, reasoning, tool input deltas, usage and finish in order", async () => {
  await using stage = startStage(() => eventStream(RICH));
  const { execute: _, ...unrun } = weather;
  const stream = streamText({
    ...QUIET,
    model: stage.model,
    prompt: "Rome or Oslo?",
    tools: { weather: unrun },
  });
  const told: string[] = [];
  for await (const part of stream.fullStream) {
    const isText = part.type === "text-delta" || part.type === "reasoning-delta";
    if (isText) told.push(`${part.type} ${part.text}`.trimEnd());
    else if (part.type === "tool-input-delta") told.push(`${part.type} ${part.delta}`.trimEnd());
    else if (part.type === "tool-call") told.push(`call ${JSON.stringify(part.input)}`);
    else if (/^(text|reasoning|tool-input|error)/.test(part.type)) told.push(part.type);
  }
  assertEquals(told, [
    "reasoning-start",
    "reasoning-delta Two cities,",
    "reasoning-delta two calls.",
    "reasoning-delta",
    "reasoning-end",
    "text-start",
    "text-delta Let me",
    "text-delta look.",
    "text-end",
    "tool-input-start",
    'tool-input-delta {"city":',
    'tool-input-delta "Rome"}',
    "tool-input-end",
    'call {"city":"Rome"}',
    "tool-input-start",
    'tool-input-delta {"city": "Os',
    'tool-input-delta lo"}',
    "tool-input-end",
    'call {"city":"Oslo"}',
  ]);
  const usage = await stream.totalUsage;
  assertEquals([usage.inputTokens, usage.outputTokens, usage.inputTokenDetails.cacheReadTokens], [
    120,
    7,
    100,
  ]);
  assertEquals([await stream.finishReason, await stream.rawFinishReason], [
    "tool-calls",
    "tool_use",
  ]);
  const [thought] = await stream.reasoning;
  assertEquals(thought?.providerMetadata?.["anthropic"]?.["signature"], SIGNATURE);
});

Deno.test("streamText runs tools between two streams", async () => {
  await using stage = startStage([
    () => eventStream(RICH),
    answerStream(textChunk("Both "), textChunk("30."), finishChunk(), usageChunk(), "[DONE]"),
  ]);
  const stopWhen = stepCountIs(3);
  const base = { ...QUIET, model: stage.model, tools: { weather }, stopWhen };
  const stream = streamText({ ...base, prompt: "Rome or Oslo?" });
  assertEquals(await Array.fromAsync(stream.textStream), ["Let me ", "look.", "Both ", "30."]);
  const { messages } = JSON.parse(stage.upstream.requests[1]?.text ?? "");
  assertEquals(messages.map(({ role }: { role: string }) => role), [
    "user",
    "assistant",
    "tool",
    "tool",
  ]);
});

Deno.test("streamText returns a partial object that grows", async () => {
  await using stage = startStage(
    answerStream(textChunk('{"city":"Ro'), textChunk('me"}'), finishChunk(), "[DONE]"),
  );
  const stream = streamText({
    ...QUIET,
    model: stage.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
  });
  assertEquals((await Array.fromAsync(stream.partialOutputStream)).at(-1), { city: "Rome" });
  assertEquals(await stream.output, { city: "Rome" });
});

Deno.test("images in a user message and in a tool result are sent upstream", async () => {
  await using stage = startStage([answer(callCompletion(["Rome"])), answer(completion("A dot."))]);
  const { execute: _, ...unrun } = weather;
  const data = { type: "data", data: PIXEL } as const;
  const camera = tool({
    ...unrun,
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
    model: stage.model,
    messages: [{ role: "user", content: question }],
    tools: { weather: camera },
    stopWhen: stepCountIs(2),
    maxRetries: 0,
  });
  assertEquals(result.warnings, []);
  const dot = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
  const { messages } = JSON.parse(stage.upstream.requests[1]?.text ?? "");
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

const ENDS: [upstream: string, finishReason: string, raw: string][] = [
  ["stop", "stop", "end_turn"],
  ["length", "length", "max_tokens"],
  ["content_filter", "content-filter", "refusal"],
];

for (const [reason, finishReason, raw] of ENDS) {
  Deno.test(`upstream's ${reason} becomes the finish reason ${finishReason}, as JSON and streamed`, async () => {
    await using stage = startStage([
      answer(messageCompletion({ content: "Well" }, reason)),
      answerStream(textChunk("Well"), finishChunk(reason), usageChunk(), "[DONE]"),
    ]);
    const whole = await generateText({ model: stage.model, prompt: "Hello", maxRetries: 0 });
    assertEquals([whole.text, whole.finishReason, whole.rawFinishReason], [
      "Well",
      finishReason,
      raw,
    ]);
    const stream = streamText({ ...QUIET, model: stage.model, prompt: "Hello" });
    assertEquals([await stream.text, await stream.finishReason], ["Well", finishReason]);
  });
}

Deno.test("reasoning tokens are reported apart from text tokens", async () => {
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 9,
    completion_tokens_details: { reasoning_tokens: 6 },
  };
  await using stage = startStage([
    answer({ ...completion("Hi"), usage }),
    answerStream(textChunk("Hi"), finishChunk(), { ...usageChunk(), usage }, "[DONE]"),
  ]);
  const whole = await generateText({ model: stage.model, prompt: "Hello", maxRetries: 0 });
  const stream = streamText({ ...QUIET, model: stage.model, prompt: "Hello" });
  for (const { outputTokenDetails } of [whole.usage, await stream.totalUsage]) {
    assertEquals([outputTokenDetails.textTokens, outputTokenDetails.reasoningTokens], [3, 6]);
  }
});

const REFUSALS: [status: number, type: string, isRetryable: boolean][] = [
  [400, "invalid_request_error", false],
  [401, "authentication_error", false],
  [429, "rate_limit_error", true],
  [500, "api_error", true],
];

for (const [status, type, isRetryable] of REFUSALS) {
  Deno.test(`upstream's ${status} becomes an APICallError with the upstream message, as JSON and streamed`, async () => {
    await using stage = startStage(() => errorBody(status, "Not like this"));
    const options = { model: stage.model, prompt: "Hello" };
    const stream = streamText({ ...QUIET, ...options });
    const streamed = (await Array.fromAsync(stream.fullStream)).find(({ type }) =>
      type === "error"
    );
    const errors = [
      await catchCallError(generateText({ ...options, maxRetries: 0 })),
      streamed?.type === "error" ? streamed.error : undefined,
    ];
    for (const error of errors) {
      assert(APICallError.isInstance(error), String(error));
      assertEquals([error.statusCode, error.message, error.isRetryable], [
        status,
        "Not like this",
        isRetryable,
      ]);
      assertEquals(JSON.parse(error.responseBody ?? "").error.type, type);
    }
    assertEquals(stage.upstream.requests.length, 2);
  });
}

Deno.test("a 429 keeps retry-after for the SDK's retry", async () => {
  const refusal = errorBody(429, "Slow down");
  refusal.headers.set("retry-after", "7");
  await using stage = startStage(() => refusal);
  const error = await catchCallError(
    generateText({ model: stage.model, prompt: "Hello", maxRetries: 0 }),
  );
  assertEquals(error.responseHeaders?.["retry-after"], "7");
});

Deno.test("a PDF is sent upstream as a file with its name", async () => {
  await using stage = startStage(answer(completion("Read.")));
  const file = {
    type: "file" as const,
    mediaType: "application/pdf",
    data: "JVBERi0=",
    filename: "plan",
  };
  const messages = [{ role: "user" as const, content: [file] }];
  const { text } = await generateText({ model: stage.model, messages, maxRetries: 0 });
  assertEquals(text, "Read.");
  const { body } = stage.upstream.requests[0] ?? {};
  assertEquals(body?.["plugins"], [{ id: "file-parser", pdf: { engine: "cloudflare-ai" } }]);
  const sent = { filename: "plan.pdf", file_data: "data:application/pdf;base64,JVBERi0=" };
  assertEquals(body?.["messages"], [{
    role: "user",
    content: [{ type: "text", text: "Document: plan" }, { type: "file", file: sent }],
  }]);
});

/** Streams that must not be told as a success: they end like any other, or the connection breaks. */
const BROKEN: [about: string, begin: string, how: "ends" | "breaks", says: string][] = [
  [
    "reports an error",
    sse(textChunk("Half"), errorChunk({ code: 503, message: "Overloaded" })),
    "ends",
    "overloaded_error: Overloaded",
  ],
  ["ends without a finish reason", sse(textChunk("Half")), "ends", "api_error: Upstream ended"],
  ["breaks off", sse(textChunk("Half")), "breaks", "api_error: "],
  [
    "ends inside the arguments of a call",
    sse(
      textChunk("Half"),
      callChunk(callHead(0, "call_rome", "weather", "")),
      callChunk(callTail(0, '{"city":"Ro')),
    ),
    "ends",
    "api_error: Upstream ended",
  ],
];

for (const [about, begin, how, says] of BROKEN) {
  Deno.test(`a stream that ${about} becomes an error and runs no tool`, async () => {
    const held = createOpenStream(begin);
    await using stage = startStage(() => held.response);
    const runs: unknown[] = [];
    const watched = tool({ ...weather, execute: (input) => `${runs.push(input)}` });
    const base = { ...QUIET, model: stage.model, tools: { weather: watched } };
    const stream = streamText({ ...base, prompt: "Hello", stopWhen: stepCountIs(2) });
    const errors: unknown[] = [];
    let text = "";
    if (how === "ends") held.close();
    for await (const part of stream.fullStream) {
      // What had come before the break is here already.
      if (part.type === "text-delta" && how === "breaks") held.cut();
      if (part.type === "text-delta") text += part.text;
      if (part.type === "error") errors.push(part.error);
    }
    assertEquals([text, errors.length, runs.length], ["Half", 1, 0]);
    const [error] = errors;
    assertInstanceOf(error, Error);
    assertStringIncludes(`${"type" in error && error.type}: ${error.message}`, says);
    assertEquals([await stream.finishReason, stage.upstream.requests.length], ["error", 1]);
  });
}

Deno.test("a stream that fails before its first chunk is an APICallError", async () => {
  await using stage = startStage(answerStream(errorChunk({ code: 429, message: "Slow down" })));
  const stream = streamText({ ...QUIET, model: stage.model, prompt: "Hello" });
  const [error] = (await Array.fromAsync(stream.fullStream)).filter(({ type }) => type === "error");
  assert(error?.type === "error" && APICallError.isInstance(error.error));
  assertEquals([error.error.statusCode, error.error.message], [429, "Slow down"]);
});

Deno.test("aborting a stream aborts the upstream request", async () => {
  const held = createOpenStream(sse(textChunk("Half")));
  await using stage = startStage(() => held.response);
  const controller = new AbortController();
  const stream = streamText({
    ...QUIET,
    model: stage.model,
    prompt: "Hello",
    abortSignal: controller.signal,
  });
  for await (const part of stream.fullStream) {
    if (part.type === "text-delta") controller.abort();
  }
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The upstream request was not aborted")), 3000);
  await Promise.race([held.cancelled, late]).finally(() => clearTimeout(timer));
});
