/**
 * Vercel's AI SDK with streams: parts, tools, errors and aborts.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import {
  APICallError,
  generateText,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "../helpers/ai_sdk.ts";
import {
  callChunk,
  callHead,
  callTail,
  errorChunk,
  finishChunk,
  SIGNATURE,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { DELTA, END, START } from "../helpers/anthropic_dialect.ts";
import { createOpenStream, errorBody, eventStream } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";
import {
  catchCallError,
  citySchema,
  QUIET,
  startHarness,
  streamReply,
  TWO_CALLS,
  weather,
} from "./ai_sdk_harness.ts";

Deno.test("streamText returns text, reasoning, tool input deltas, usage and finish in order", async () => {
  await using harness = startHarness(() => eventStream(TWO_CALLS));
  const { execute: _, ...definition } = weather;
  const stream = streamText({
    ...QUIET,
    model: harness.model,
    prompt: "Rome or Oslo?",
    tools: { weather: definition },
  });
  const parts: string[] = [];
  for await (const part of stream.fullStream) {
    const isText = part.type === "text-delta" || part.type === "reasoning-delta";
    if (isText) parts.push(`${part.type} ${part.text}`.trimEnd());
    else if (part.type === "tool-input-delta") parts.push(`${part.type} ${part.delta}`.trimEnd());
    else if (part.type === "tool-call") parts.push(`call ${JSON.stringify(part.input)}`);
    else if (/^(text|reasoning|tool-input|error)/.test(part.type)) parts.push(part.type);
  }
  assertEquals(parts, [
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
  const [reasoning] = await stream.reasoning;
  assertEquals(reasoning?.providerMetadata?.["anthropic"]?.["signature"], SIGNATURE);
});

Deno.test("streamText runs tools between two streams", async () => {
  await using harness = startHarness([
    () => eventStream(TWO_CALLS),
    streamReply(textChunk("Both "), textChunk("30."), finishChunk(), usageChunk(), "[DONE]"),
  ]);
  const stopWhen = stepCountIs(3);
  const base = { ...QUIET, model: harness.model, tools: { weather }, stopWhen };
  const stream = streamText({ ...base, prompt: "Rome or Oslo?" });
  assertEquals(await Array.fromAsync(stream.textStream), ["Let me ", "look.", "Both ", "30."]);
  const { messages } = JSON.parse(harness.upstream.requests[1]?.text ?? "");
  assertEquals(messages.map(({ role }: { role: string }) => role), [
    "user",
    "assistant",
    "tool",
    "tool",
  ]);
});

Deno.test("streamText returns a partial object that grows", async () => {
  await using harness = startHarness(
    streamReply(textChunk('{"city":"Ro'), textChunk('me"}'), finishChunk(), "[DONE]"),
  );
  const stream = streamText({
    ...QUIET,
    model: harness.model,
    prompt: "Where?",
    output: Output.object({ schema: citySchema }),
  });
  assertEquals((await Array.fromAsync(stream.partialOutputStream)).at(-1), { city: "Rome" });
  assertEquals(await stream.output, { city: "Rome" });
});

const ERRORS: [status: number, type: string, isRetryable: boolean][] = [
  [400, "invalid_request_error", false],
  [401, "authentication_error", false],
  [429, "rate_limit_error", true],
  [500, "api_error", true],
];

for (const [status, type, isRetryable] of ERRORS) {
  Deno.test(`upstream's ${status} becomes an APICallError with the upstream message, as JSON and streamed`, async () => {
    await using harness = startHarness(() => errorBody(status, "Not like this"));
    const options = { model: harness.model, prompt: "Hello" };
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
    assertEquals(harness.upstream.requests.length, 2);
  });
}

/** Incomplete streams, which end normally or with a reset connection. */
const INCOMPLETE: [about: string, start: string, end: "closed" | "reset", message: string][] = [
  [
    "reports an error",
    sse(textChunk("Half"), errorChunk({ code: 503, message: "Overloaded" })),
    "closed",
    "overloaded_error: Overloaded",
  ],
  ["ends without a finish reason", sse(textChunk("Half")), "closed", "api_error: Upstream ended"],
  ["is reset", sse(textChunk("Half")), "reset", "api_error: "],
  [
    "ends inside the arguments of a call",
    sse(
      textChunk("Half"),
      callChunk(callHead(0, "call_rome", "weather", "")),
      callChunk(callTail(0, '{"city":"Ro')),
    ),
    "closed",
    "api_error: Upstream ended",
  ],
];

for (const [about, start, end, message] of INCOMPLETE) {
  Deno.test(`a stream that ${about} becomes an error and runs no tool`, async () => {
    const openStream = createOpenStream(start);
    await using harness = startHarness(() => openStream.response);
    const runs: unknown[] = [];
    const recordingTool = tool({ ...weather, execute: (input) => `${runs.push(input)}` });
    const base = { ...QUIET, model: harness.model, tools: { weather: recordingTool } };
    const stream = streamText({ ...base, prompt: "Hello", stopWhen: stepCountIs(2) });
    const errors: unknown[] = [];
    let text = "";
    if (end === "closed") openStream.close();
    for await (const part of stream.fullStream) {
      // The text before the reset has been received.
      if (part.type === "text-delta" && end === "reset") openStream.cut();
      if (part.type === "text-delta") text += part.text;
      if (part.type === "error") errors.push(part.error);
    }
    assertEquals([text, errors.length, runs.length], ["Half", 1, 0]);
    const [error] = errors;
    assertInstanceOf(error, Error);
    assertStringIncludes(`${"type" in error && error.type}: ${error.message}`, message);
    assertEquals([await stream.finishReason, harness.upstream.requests.length], ["error", 1]);
  });
}

Deno.test("a stream that fails before its first chunk is an APICallError", async () => {
  await using harness = startHarness(streamReply(errorChunk({ code: 429, message: "Slow down" })));
  const stream = streamText({ ...QUIET, model: harness.model, prompt: "Hello" });
  const [error] = (await Array.fromAsync(stream.fullStream)).filter(({ type }) => type === "error");
  assert(error?.type === "error" && APICallError.isInstance(error.error));
  assertEquals([error.error.statusCode, error.error.message], [429, "Slow down"]);
});

Deno.test("aborting a stream aborts the upstream request", async () => {
  const openStream = createOpenStream(sse(textChunk("Half")));
  await using harness = startHarness(() => openStream.response);
  const controller = new AbortController();
  const stream = streamText({
    ...QUIET,
    model: harness.model,
    prompt: "Hello",
    abortSignal: controller.signal,
  });
  for await (const part of stream.fullStream) {
    if (part.type === "text-delta") controller.abort();
  }
  await withTimeout(openStream.cancelled, "the upstream body to be cancelled");
});

Deno.test("pings before the first event of a forwarded stream do not disturb streamText", async () => {
  const openStream = createOpenStream();
  const env = { UPSTREAM_DIALECT: "auto", PING_S: "0.03" };
  await using harness = startHarness(() => openStream.response, env);
  const stream = streamText({ ...QUIET, model: harness.model, prompt: "Hello" });
  setTimeout(() => {
    openStream.send(START + DELTA + END);
    openStream.close();
  }, 100);
  assertEquals(await stream.text, "Grüße");
});
