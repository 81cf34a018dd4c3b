/**
 * The official SDK's messages API: accumulated messages and streams, content sent upstream, keys and API versions.
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { SERVER_KEY } from "../helpers/proxy.ts";
import { Anthropic, jsonSchemaOutputFormat } from "../helpers/sdk.ts";
import { PIXEL } from "../helpers/messages.ts";
import {
  catchError,
  HELLO,
  MODEL,
  startHarness,
  TARGET,
  textReply,
  TWO_CALLS_CONTENT,
  twoCallsReply,
  WEATHER,
} from "./sdk_harness.ts";

Deno.test("messages.create returns a message", async () => {
  await using harness = startHarness(textReply("Hi there."));
  const message = await harness.client.messages.create(HELLO);
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
  const [received] = harness.upstream.requests;
  assertEquals(received?.body["model"], TARGET);
  assertEquals(received?.headers.get("authorization"), `Bearer ${SERVER_KEY}`);
});

Deno.test("messages.create with stream: true returns the events in order", async () => {
  await using harness = startHarness(textReply("Hi there."));
  const stream = await harness.client.messages.create({ ...HELLO, stream: true });
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
  await using harness = startHarness(twoCallsReply);
  const stream = harness.client.messages.stream({ ...HELLO, tools: [WEATHER] });
  const finished: unknown[] = [];
  let text = "";
  stream.on("contentBlock", (block) => finished.push(block));
  stream.on("text", (delta) => text += delta);
  const message = await stream.finalMessage();
  assertEquals<unknown>(message.content, TWO_CALLS_CONTENT);
  assertEquals(finished, TWO_CALLS_CONTENT);
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
  await using harness = startHarness([textReply("Beta."), twoCallsReply]);
  const { messages } = harness.client.beta;
  const message = await messages.create({ ...HELLO, betas: ["context-1m-2025-08-07"] });
  assertEquals<unknown>(message.content, [{ type: "text", text: "Beta." }]);
  const streamed = await messages.stream({ ...HELLO, tools: [WEATHER] }).finalMessage();
  assertEquals<unknown>(streamed.content, TWO_CALLS_CONTENT);
  assertEquals(streamed.stop_reason, "tool_use");
});

Deno.test("parse() sends the schema upstream and returns a typed object", async () => {
  await using harness = startHarness(textReply('{"city":"Wien","degrees":21}'));
  const schema = {
    type: "object" as const,
    properties: { city: { type: "string" as const }, degrees: { type: "number" as const } },
    required: ["city", "degrees"],
    additionalProperties: false as const,
  };
  const message = await harness.client.messages.parse({
    ...HELLO,
    output_config: { format: jsonSchemaOutputFormat(schema) },
  });
  assertEquals(message.parsed_output, { city: "Wien", degrees: 21 });
  assertEquals(harness.upstream.requests[0]?.body["response_format"], {
    type: "json_schema",
    json_schema: { name: "response", strict: true, schema },
  });
});

Deno.test("max_tokens 0 returns an empty message with the upstream usage", async () => {
  await using harness = startHarness(textReply("H"));
  const message = await harness.client.messages.create({ ...HELLO, max_tokens: 0 });
  assertEquals([message.content, message.stop_reason], [[], "max_tokens"]);
  assertEquals(harness.upstream.requests[0]?.body["max_tokens"], 1);
});

Deno.test("system, base64 images and image URLs are sent upstream", async () => {
  await using harness = startHarness(textReply("A dot."));
  await harness.client.messages.create({
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
  assertEquals(harness.upstream.requests[0]?.body["messages"], [
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

Deno.test("PROXY_API_KEYS are accepted from the SDK's apiKey and x-api-key, and required", async () => {
  const env = { PROXY_API_KEYS: "first-proxy-key,second-proxy-key" };
  await using harness = startHarness(textReply("In."), { env });
  const create = (options: ConstructorParameters<typeof Anthropic>[0]) =>
    harness.client.withOptions({ ...options }).messages.create(HELLO);
  const byBearer = await create({ apiKey: "second-proxy-key" });
  const defaultHeaders = { "x-api-key": "first-proxy-key" };
  const byHeader = await create({ apiKey: "something-else", defaultHeaders });
  for (const message of [byBearer, byHeader]) {
    assertEquals<unknown>(message.content, [{ type: "text", text: "In." }]);
  }
  const error = await catchError(create({ apiKey: "first-proxy-ke" }));
  assertInstanceOf(error, Anthropic.AuthenticationError);
  assertEquals(error.type, "authentication_error");
  // The proxy does not forward the keys of its clients.
  const keys = harness.upstream.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(keys, [`Bearer ${SERVER_KEY}`, `Bearer ${SERVER_KEY}`]);
  assert(harness.upstream.requests.every(({ headers }) => headers.get("x-api-key") === null));
});

Deno.test("the proxy sends the client's key if it has none", async () => {
  const env = { OPENROUTER_API_KEY: undefined };
  await using harness = startHarness(textReply("Paid."), {
    env,
    client: { apiKey: "sk-or-v1-from-the-client" },
  });
  await harness.client.messages.create(HELLO);
  const [received] = harness.upstream.requests;
  assertEquals(received?.headers.get("authorization"), "Bearer sk-or-v1-from-the-client");
});

Deno.test("both API versions are accepted", async () => {
  for (const version of ["2023-06-01", "2026-10-21"]) {
    await using harness = startHarness(textReply("Alike."));
    const message = await harness.client.messages.create(HELLO, {
      headers: { "anthropic-version": version },
    });
    assertEquals<unknown>(message.content, [{ type: "text", text: "Alike." }]);
  }
});
