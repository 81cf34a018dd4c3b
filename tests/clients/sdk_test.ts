/**
 * The official SDK against the running proxy with a fake upstream: its accumulators, error classes, retries and
 * runners, which most clients use.
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
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { type RunningProxy, SERVER_KEY, startProxy } from "../helpers/proxy.ts";
import { Anthropic, jsonSchemaOutputFormat } from "../helpers/sdk.ts";
import { reportsDisconnect } from "../helpers/raw_client.ts";
import {
  callChunk,
  callHead,
  completion,
  errorChunk,
  finishChunk,
  messageCompletion,
  SIGNATURE,
  sse,
  sseAnswer,
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
  type UpstreamOptions,
} from "../helpers/upstream.ts";
import { PIXEL } from "../helpers/messages.ts";
import { withTimeout } from "../helpers/timeout.ts";

type ErrorClass = new (...args: never[]) => InstanceType<typeof Anthropic.APIError>;

interface Stage extends AsyncDisposable {
  client: Anthropic;
  upstream: Upstream;
  proxy: RunningProxy;
}

interface StageOptions extends UpstreamOptions {
  env?: Record<string, string | undefined>;
  client?: ConstructorParameters<typeof Anthropic>[0];
}

/** A name of today: the SDK prints a warning for each request with a deprecated one. */
const MODEL = "claude-sonnet-5";
const TARGET = "anthropic/claude-sonnet-4-20250514";
const HELLO = {
  model: MODEL,
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Hello" }],
};
const WEATHER = {
  name: "get_weather",
  description: "Tells the weather",
  input_schema: {
    type: "object" as const,
    properties: { city: { type: "string" } },
    required: ["city"],
  },
};

/** Upstream, proxy and client, wired. Every request that reached upstream must be one that it takes. */
function startStage(script: Reply | Reply[], options: StageOptions = {}): Stage {
  const { env = {}, client = {}, ...upstreamOptions } = options;
  const upstream = startUpstream(script, upstreamOptions);
  const proxy = startProxy({ upstream, env });
  return {
    upstream,
    proxy,
    client: new Anthropic({
      baseURL: proxy.url,
      apiKey: "sk-ant-of-the-client",
      maxRetries: 0,
      ...client,
    }),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
      for (const { body } of upstream.requests) checkChatRequest(body);
    },
  };
}

/** A whole completion that calls a tool. */
function callCompletion(id: string, city: string): Record<string, unknown> {
  const call = {
    id,
    type: "function",
    function: { name: "get_weather", arguments: JSON.stringify({ city }) },
  };
  return messageCompletion({ content: null, tool_calls: [call] }, "tool_calls");
}

const RICH = sseTwoCalls("get_weather");
const RICH_CONTENT = [
  { type: "thinking", thinking: "Two cities, two calls.", signature: SIGNATURE },
  { type: "text", text: "Let me look." },
  { type: "tool_use", id: "call_rome", name: "get_weather", input: { city: "Rome" } },
  { type: "tool_use", id: "call_oslo", name: "get_weather", input: { city: "Oslo" } },
];

const answerText = (text: string): Reply => ({ body }) =>
  body["stream"] ? eventStream(sseAnswer(text)) : Response.json(completion(text));
const answerRich: Reply = () => eventStream(RICH);

/** The error a call of the SDK ends in. */
async function catchError(
  promise: Promise<unknown>,
): Promise<InstanceType<typeof Anthropic.APIError>> {
  return await assertRejects(() => promise, Anthropic.APIError);
}

Deno.test("messages.create returns a message", async () => {
  await using stage = startStage(answerText("Hi there."));
  const message = await stage.client.messages.create(HELLO);
  assertEquals<unknown>(message.content, [{ type: "text", text: "Hi there." }]);
  assertEquals([message.type, message.role, message.model], ["message", "assistant", MODEL]);
  assertEquals([message.stop_reason, message.stop_sequence], ["end_turn", null]);
  assertEquals(
    [
      message.usage.input_tokens,
      message.usage.cache_read_input_tokens,
      message.usage.output_tokens,
    ],
    [20, 100, 7],
  );
  assertMatch(message.id, /^msg_/);
  assertMatch(message._request_id ?? "", /^req_/);
  const [seen] = stage.upstream.requests;
  assertEquals(seen?.body["model"], TARGET);
  assertEquals(seen?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
});

Deno.test("messages.create with stream: true returns the events in order", async () => {
  await using stage = startStage(answerText("Hi there."));
  const stream = await stage.client.messages.create({ ...HELLO, stream: true });
  const types: string[] = [];
  let text = "";
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") {
      text += event.delta.text;
    }
  }
  assertEquals(types, [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  assertEquals(text, "Hi there.");
});

Deno.test("messages.stream accumulates thinking, text, interleaved tool calls and usage", async () => {
  await using stage = startStage(answerRich);
  const stream = stage.client.messages.stream({ ...HELLO, tools: [WEATHER] });
  const finished: unknown[] = [];
  let text = "";
  stream.on("contentBlock", (block) => finished.push(block));
  stream.on("text", (delta) => text += delta);
  const message = await stream.finalMessage();
  assertEquals<unknown>(message.content, RICH_CONTENT);
  assertEquals(finished, RICH_CONTENT);
  assertEquals(text, "Let me look.");
  assertEquals(message.stop_reason, "tool_use");
  assertEquals(
    [
      message.usage.input_tokens,
      message.usage.cache_read_input_tokens,
      message.usage.output_tokens,
    ],
    [20, 100, 7],
  );
  assertMatch(stream.request_id ?? "", /^req_/);
});

Deno.test("beta.messages returns the same message and stream", async () => {
  await using stage = startStage([answerText("Beta."), answerRich]);
  const { messages } = stage.client.beta;
  const whole = await messages.create({ ...HELLO, betas: ["context-1m-2025-08-07"] });
  assertEquals<unknown>(whole.content, [{ type: "text", text: "Beta." }]);
  const streamed = await messages.stream({ ...HELLO, tools: [WEATHER] }).finalMessage();
  assertEquals<unknown>(streamed.content, RICH_CONTENT);
  assertEquals(streamed.stop_reason, "tool_use");
});

Deno.test("a tool round trip sends thinking, tool calls and results upstream", async () => {
  await using stage = startStage([answerRich, answerText("Rome is warmer.")]);
  const base = { model: MODEL, max_tokens: 100, tools: [WEATHER] };
  const question = { role: "user" as const, content: "Rome or Oslo?" };
  const asked = await stage.client.messages.stream({ ...base, messages: [question] })
    .finalMessage();
  const results = asked.content.filter((block) => block.type === "tool_use").map((block) => ({
    type: "tool_result" as const,
    tool_use_id: block.id,
    content: block.id === "call_rome" ? "30 °C" : [{ type: "text" as const, text: "3 °C" }],
  }));
  const answer = await stage.client.messages.create({
    ...base,
    messages: [
      question,
      { role: "assistant", content: asked.content },
      { role: "user", content: results },
    ],
  });
  assertEquals<unknown>(answer.content, [{ type: "text", text: "Rome is warmer." }]);
  const body = stage.upstream.requests[1]?.body;
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
      description: "Tells the weather",
      parameters: WEATHER.input_schema,
    },
  }]);
});

Deno.test("parse() sends the schema upstream and returns a typed object", async () => {
  await using stage = startStage(answerText('{"city":"Wien","degrees":21}'));
  const schema = {
    type: "object" as const,
    properties: { city: { type: "string" as const }, degrees: { type: "number" as const } },
    required: ["city", "degrees"],
    additionalProperties: false as const,
  };
  const message = await stage.client.messages.parse({
    ...HELLO,
    output_config: { format: jsonSchemaOutputFormat(schema) },
  });
  assertEquals(message.parsed_output, { city: "Wien", degrees: 21 });
  assertEquals(stage.upstream.requests[0]?.body["response_format"], {
    type: "json_schema",
    json_schema: { name: "response", strict: true, schema },
  });
});

Deno.test("strict tools are sent to Claude with their beta header", async () => {
  await using stage = startStage(answerText("Hi"));
  await stage.client.messages.create({ ...HELLO, tools: [{ ...WEATHER, strict: true }] });
  const [seen] = stage.upstream.requests;
  assertEquals(seen?.headers.get("x-anthropic-beta"), "structured-outputs-2025-11-13");
  await stage.client.messages.create({ ...HELLO, tools: [WEATHER] });
  assertEquals(stage.upstream.requests[1]?.headers.get("x-anthropic-beta"), null);
});

Deno.test("max_tokens 0 returns an empty message with the upstream usage", async () => {
  await using stage = startStage(answerText("H"));
  const message = await stage.client.messages.create({ ...HELLO, max_tokens: 0 });
  assertEquals([message.content, message.stop_reason], [[], "max_tokens"]);
  assertEquals(stage.upstream.requests[0]?.body["max_tokens"], 1);
});

Deno.test("system, base64 images and image URLs are sent upstream", async () => {
  await using stage = startStage(answerText("A dot."));
  await stage.client.messages.create({
    ...HELLO,
    system: "Be brief.",
    messages: [{
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
        { type: "image", source: { type: "url", url: "https://example.com/dot.png" } },
      ],
    }],
  });
  assertEquals(stage.upstream.requests[0]?.body["messages"], [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } },
        { type: "image_url", image_url: { url: "https://example.com/dot.png" } },
      ],
    },
  ]);
});

for (const stream of [false, true]) {
  const how = stream ? "streamed" : "whole";
  Deno.test(`the tool runner sends all messages after an error that threads are unsupported (${how})`, async () => {
    const calls: Reply = ({ body }) =>
      body["stream"]
        ? eventStream(sse(
          callChunk(callHead(0, "call_rome", "get_weather", '{"city":"Rome"}')),
          finishChunk("tool_calls"),
          usageChunk(),
          "[DONE]",
        ))
        : Response.json(callCompletion("call_rome", "Rome"));
    await using stage = startStage([calls, answerText("It is warm.")]);
    const cities: unknown[] = [];
    const tool = {
      ...WEATHER,
      parse: (input: unknown) => input,
      run: (input: unknown) => {
        cities.push(input);
        return "30 °C";
      },
    };
    const runner = stage.client.beta.messages.toolRunner({ ...HELLO, tools: [tool], stream });
    const message = await runner.runUntilDone();
    assertEquals<unknown>(message.content, [{ type: "text", text: "It is warm." }]);
    assertEquals(cities, [{ city: "Rome" }]);
    // The middle one is the continuation, which this proxy cannot answer.
    assertEquals(stage.proxy.services.records.map(({ status }) => status), [200, 400, 200]);
    const turns = stage.upstream.requests.map(({ body }) => body["messages"]);
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
  await using stage = startStage(answerText("never"));
  const body = { ...HELLO, thread: { type: "continue", previous_message_id: "msg_1" } };
  const error = await catchError(stage.client.post("/v1/messages", { body }));
  assertInstanceOf(error, Anthropic.BadRequestError);
  assertEquals([error.type, error.errorCode], [
    "invalid_request_error",
    "thread_unsupported_request",
  ]);
  assertEquals(stage.upstream.requests.length, 0);
});

Deno.test("messages.countTokens returns a number that grows with the text", async () => {
  await using stage = startStage(answerText("never"));
  const count = async (content: string) => {
    const messages = [{ role: "user" as const, content }];
    return (await stage.client.messages.countTokens({ model: MODEL, messages })).input_tokens;
  };
  const few = await count("Hello");
  const many = await count("Hello ".repeat(1000));
  assert(few > 0 && many > few + 1000, `${few} and ${many}`);
  assertEquals(stage.upstream.requests.length, 0);
});

Deno.test("models.list pages through all models and models.retrieve finds one with a slash", async () => {
  const models = Array.from({ length: 45 }, (_, i) => ({
    id: `vendor-${i % 3}/model-${i}`,
    name: `Model ${i}`,
    created: 1_700_000_000 - i,
    context_length: 200_000,
  }));
  await using stage = startStage(answerText("never"), { models });
  const ids: string[] = [];
  for await (const model of stage.client.models.list()) ids.push(model.id);
  const mapped = ["claude-opus", "claude-sonnet", "claude-haiku", "claude-fable"];
  assertEquals(ids, [...mapped, ...models.map(({ id }) => id)]);
  const few: string[] = [];
  for await (const model of stage.client.models.list({ limit: 7 })) few.push(model.id);
  assertEquals(few, ids);
  const model = await stage.client.models.retrieve("vendor-1/model-4");
  assertEquals([model.type, model.id, model.display_name, model.created_at], [
    "model",
    "vendor-1/model-4",
    "Model 4 · 200k",
    new Date(1_699_999_996_000).toISOString(),
  ]);
  const error = await catchError(stage.client.models.retrieve("vendor-1/model-400"));
  assertInstanceOf(error, Anthropic.NotFoundError);
  assertStringIncludes(error.message, "vendor-1/model-4");
  assertEquals(stage.upstream.modelListRequests, 1);
});

for (
  const [upstreamStatus, status, type, errorClass] of [
    [400, 400, "invalid_request_error", Anthropic.BadRequestError],
    [401, 401, "authentication_error", Anthropic.AuthenticationError],
    [402, 402, "billing_error", Anthropic.PaymentRequiredError],
    [403, 403, "permission_error", Anthropic.PermissionDeniedError],
    [404, 404, "not_found_error", Anthropic.NotFoundError],
    [408, 504, "timeout_error", Anthropic.GatewayTimeoutError],
    [429, 429, "rate_limit_error", Anthropic.RateLimitError],
    [500, 500, "api_error", Anthropic.InternalServerError],
    [502, 502, "api_error", Anthropic.InternalServerError],
    [503, 529, "overloaded_error", Anthropic.OverloadedError],
    [504, 504, "timeout_error", Anthropic.GatewayTimeoutError],
    [529, 529, "overloaded_error", Anthropic.OverloadedError],
  ] satisfies [number, number, string, ErrorClass][]
) {
  Deno.test(`upstream's ${upstreamStatus} becomes a ${errorClass.name}`, async () => {
    const refuse: Reply = () => {
      const response = errorBody(upstreamStatus, "Words of upstream");
      response.headers.set("retry-after", "7");
      return response;
    };
    await using stage = startStage(refuse);
    const ways = [
      stage.client.messages.create(HELLO),
      stage.client.messages.create({ ...HELLO, stream: true }),
      stage.client.messages.stream(HELLO).finalMessage(),
      stage.client.beta.messages.create(HELLO),
    ];
    for (const error of await Promise.all(ways.map(catchError))) {
      assertInstanceOf(error, errorClass);
      assertEquals([error.status, error.type], [status, type]);
      assertStringIncludes(error.message, "Words of upstream");
      assertMatch(error.requestID ?? "", /^req_/);
      assertEquals(error.headers?.get("retry-after"), "7");
    }
  });
}

Deno.test("an invalid request becomes a BadRequestError that names the field", async () => {
  await using stage = startStage(answerText("never"));
  const error = await catchError(stage.client.messages.create({ ...HELLO, max_tokens: -1 }));
  assertInstanceOf(error, Anthropic.BadRequestError);
  assertMatch(error.apiMessage ?? "", /^max_tokens: /);
  assertEquals(stage.upstream.requests.length, 0);
});

for (
  const [status, attempts] of [[500, 3], [529, 3], [400, 1], [401, 1], [402, 1], [404, 1]] as const
) {
  Deno.test(`the SDK makes ${attempts} attempts for a ${status}`, async () => {
    // The wait between attempts goes through as upstream names it; here, ten milliseconds.
    const refuse: Reply = () => {
      const response = errorBody(status, "No");
      response.headers.set("retry-after", "0.01");
      return response;
    };
    await using stage = startStage(refuse, { client: { maxRetries: 2 } });
    const error = await catchError(stage.client.messages.create(HELLO));
    assertEquals([error.status, stage.upstream.requests.length], [status, attempts]);
  });
}

Deno.test("a stream succeeds after the SDK's retry of an error", async () => {
  const refuse: Reply = () => {
    const response = errorBody(429, "Slow down");
    response.headers.set("retry-after", "0.01");
    return response;
  };
  await using stage = startStage([refuse, answerRich], { client: { maxRetries: 2 } });
  const message = await stage.client.messages.stream({ ...HELLO, tools: [WEATHER] }).finalMessage();
  assertEquals<unknown>(message.content, RICH_CONTENT);
  assertEquals(stage.upstream.requests.length, 2);
});

Deno.test("an error event in a stream is thrown with its type and not retried", async () => {
  const text = sse(textChunk("Half"), errorChunk({ code: 529, message: "Too many people" }));
  await using stage = startStage(() => eventStream(text), { client: { maxRetries: 2 } });
  const { messages, beta } = stage.client;
  for (const open of [() => messages.stream(HELLO), () => beta.messages.stream(HELLO)]) {
    const stream = open();
    const error = await catchError(stream.finalMessage());
    assertEquals([error.status, error.type], [undefined, "overloaded_error"]);
    assertStringIncludes(error.message, "Too many people");
    assertEquals<unknown>(stream.currentMessage?.content, [{ type: "text", text: "Half" }]);
  }
  assertEquals(stage.upstream.requests.length, 2);
});

for (
  const [about, text] of [
    ["between two chunks", sse(textChunk("Half"))],
    ["inside a chunk", sse(textChunk("Half")) + 'data: {"choices":[{"index":0,"del'],
    ["inside a call", sse(callChunk(callHead(0, "call_1", "get_weather", '{"city": "Ro')))],
  ] as const
) {
  Deno.test(`a stream that ends ${about} makes finalMessage reject`, async () => {
    await using stage = startStage(() => eventStream(text));
    const stream = stage.client.messages.stream({ ...HELLO, tools: [WEATHER] });
    const blocks: unknown[] = [];
    stream.on("contentBlock", (block) => blocks.push(block));
    const error = await catchError(stream.finalMessage());
    assertEquals(error.type, "api_error");
    // A finished call would be run by the client.
    assertEquals(blocks.filter((block) => JSON.stringify(block).includes("tool_use")), []);
  });
}

Deno.test("a lost connection makes finalMessage reject", async () => {
  const held = createOpenStream(sse(textChunk("Half")));
  await using stage = startStage(() => held.response);
  const stream = stage.client.messages.stream(HELLO);
  stream.once("text", () => held.cut());
  const error = await catchError(stream.finalMessage());
  assertEquals(error.type, "api_error");
});

Deno.test("aborting a stream aborts the upstream request", async () => {
  const held = createOpenStream(sse(textChunk("Half")));
  await using stage = startStage(() => held.response);
  const messages = [{ role: "user" as const, content: "Long. ".repeat(20_000) }];
  const stream = stage.client.messages.stream({ ...HELLO, messages });
  stream.once("text", () => stream.abort());
  await assertRejects(() => stream.finalMessage(), Anthropic.APIUserAbortError);
  await withTimeout(held.cancelled, "upstream's body to be cancelled");
  const record = await withTimeout(stage.proxy.services.recorded(), "the record");
  assertEquals(record.outcome, "client_gone");
});

Deno.test("leaving the loop over a stream aborts the upstream request", async () => {
  const held = createOpenStream(sse(textChunk("Half")));
  await using stage = startStage(() => held.response);
  const stream = await stage.client.messages.create({ ...HELLO, stream: true });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  await withTimeout(held.cancelled, "upstream's body to be cancelled");
});

const TELLS_OF_LEAVING = await reportsDisconnect();

Deno.test({
  name: `an abort before upstream has answered reaches upstream${
    TELLS_OF_LEAVING ? "" : " (not run: this Deno does not tell of it)"
  }`,
  ignore: !TELLS_OF_LEAVING,
  fn: async () => {
    const never = Promise.withResolvers<Response>();
    await using stage = startStage(() => never.promise);
    const controller = new AbortController();
    const { signal } = controller;
    const call = assertRejects(
      () => stage.client.messages.create(HELLO, { signal }),
      Anthropic.APIUserAbortError,
    );
    try {
      const seen = await withTimeout(stage.upstream.arrival(0), "the request");
      controller.abort();
      await call;
      await withTimeout(seen.disconnected, "the upstream request to be aborted");
    } finally {
      // Its server cannot stop while this is owed.
      never.resolve(new Response());
    }
  },
});

Deno.test("PROXY_API_KEYS are accepted from the SDK's apiKey and x-api-key, and required", async () => {
  const env = { PROXY_API_KEYS: "first-proxy-key,second-proxy-key" };
  await using stage = startStage(answerText("In."), { env });
  const create = (options: ConstructorParameters<typeof Anthropic>[0]) =>
    stage.client.withOptions({ ...options }).messages.create(HELLO);
  const byBearer = await create({ apiKey: "second-proxy-key" });
  const defaultHeaders = { "x-api-key": "first-proxy-key" };
  const byHeader = await create({ apiKey: "something-else", defaultHeaders });
  for (const message of [byBearer, byHeader]) {
    assertEquals<unknown>(message.content, [{ type: "text", text: "In." }]);
  }
  const error = await catchError(create({ apiKey: "first-proxy-ke" }));
  assertInstanceOf(error, Anthropic.AuthenticationError);
  assertEquals(error.type, "authentication_error");
  // Whatever clients present stays here.
  const keys = stage.upstream.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(keys, [`Bearer ${SERVER_KEY}`, `Bearer ${SERVER_KEY}`]);
  assert(stage.upstream.requests.every(({ headers }) => headers.get("x-api-key") === null));
});

Deno.test("the proxy sends the client's key if it has none", async () => {
  const env = { OPENROUTER_API_KEY: undefined };
  await using stage = startStage(answerText("Paid."), {
    env,
    client: { apiKey: "sk-or-v1-of-the-client" },
  });
  await stage.client.messages.create(HELLO);
  const [seen] = stage.upstream.requests;
  assertEquals(seen?.headers.get("authorization"), "Bearer sk-or-v1-of-the-client");
});

Deno.test("both API versions are accepted", async () => {
  for (const version of ["2023-06-01", "2026-10-21"]) {
    await using stage = startStage(answerText("Alike."));
    const message = await stage.client.messages.create(HELLO, {
      headers: { "anthropic-version": version },
    });
    assertEquals<unknown>(message.content, [{ type: "text", text: "Alike." }]);
  }
});

Deno.test("fifty concurrent streams do not mix", async () => {
  const words = Array.from({ length: 50 }, (_, i) => `question-${i}`);
  const all = Promise.withResolvers<void>();
  let waiting = 0;
  // Every answer waits in its middle until all have begun, and each goes on in pieces of its own.
  const echo: Reply = ({ body }) => {
    const word = /question-\d+/.exec(JSON.stringify(body))?.[0] ?? "";
    const held = createOpenStream(sse(textChunk(`<${word}`)));
    if (++waiting === words.length) all.resolve();
    all.promise.then(async () => {
      for (const letter of `${word}>`) {
        held.send(sse(textChunk(letter)));
        await Promise.resolve();
      }
      held.send(sse(finishChunk(), usageChunk(), "[DONE]"));
      held.close();
    });
    return held.response;
  };
  await using stage = startStage(echo);
  const answers = words.map(async (content) => {
    const messages = [{ role: "user" as const, content }];
    const message = await stage.client.messages.stream({ ...HELLO, messages }).finalMessage();
    return message.content;
  });
  const contents = await withTimeout(Promise.all(answers), "all answers");
  assertEquals<unknown>(
    contents,
    words.map((word) => [{ type: "text", text: `<${word}${word}>` }]),
  );
});
