// POST /v1/messages: the requests that it accepts, and its messages, streams and headers.
// Cases from the test suites of llama.cpp and open-claude-router.

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { completion, finishChunk, messageCompletion, sse, textChunk } from "../helpers/chunks.ts";
import { send, sendForEvents, sendForMessage, WEATHER } from "../helpers/message_requests.ts";
import { assistant, text, toolResult, toolUse, user } from "../helpers/messages.ts";
import { call, createProxy, ORIGIN, post, requestBody } from "../helpers/proxy.ts";
import { createOpenStream, errorBody, type Reply, startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

Deno.test("a message has Anthropic's fields and no upstream fields", async () => {
  const message = await sendForMessage(requestBody());
  assertEquals(Object.keys(message).sort(), [
    "content",
    "id",
    "model",
    "role",
    "stop_details",
    "stop_reason",
    "stop_sequence",
    "type",
    "usage",
  ]);
  assertEquals(message.content, [{ type: "text", text: "Hi there." }]);
  for (const count of Object.values(message.usage)) assert(Number.isInteger(count));
  assertGreater(message.usage.output_tokens, 0);
});

Deno.test("a streamed message of text has six types of events and one block", async () => {
  const events = await sendForEvents(requestBody());
  assertEquals([...new Set(events.map(({ type }) => type))], [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  for (const event of events) {
    if ("index" in event) assertEquals(event.index, 0);
    if (event.type === "content_block_delta") assertEquals(event.delta.type, "text_delta");
    if (event.type === "message_delta") assertGreater(event.usage.output_tokens, 0);
  }
});

Deno.test("a tool call has id, name and input, and the stop reason tool_use", async () => {
  const called = { name: "get_weather", arguments: '{"city":"Rome"}' };
  const tool_calls = [{ id: "call_1", type: "function", function: called }];
  const script = () =>
    Response.json(messageCompletion({ content: null, tool_calls }, "tool_calls"));
  const message = await sendForMessage(requestBody({ tools: [WEATHER] }), script);
  assertEquals([message.content, message.stop_reason], [
    [{ type: "tool_use", id: "call_1", name: "get_weather", input: { city: "Rome" } }],
    "tool_use",
  ]);
});

const use = (id: string) => toolUse(id, "get_weather");
const result = (id: string, content?: unknown) => toolResult(id, { content });

const ACCEPTED: [about: string, body: Json][] = [
  ["system text", { system: "Be brief." }],
  ["several blocks in one message", { messages: [user(text("One"), text("Two"))] }],
  ["several messages", {
    messages: [user(text("One")), assistant(text("Two")), user(text("Three"))],
  }],
  ["tools", { tools: [WEATHER] }],
  ["only a tool result", {
    messages: [user(text("One")), assistant(use("call_1")), user(result("call_1", "30 °C"))],
  }],
  ["a tool result with text", {
    messages: [
      user(text("One")),
      assistant(use("call_1")),
      user(result("call_1", "30 °C"), text("And?")),
    ],
  }],
  ["a failed tool result", {
    messages: [
      user(text("One")),
      assistant(use("call_1")),
      user({ ...result("call_1", "No such city"), is_error: true }),
    ],
  }],
  ["stop sequences", { stop_sequences: ["END", "STOP"] }],
  ["temperature, top_p and top_k", { temperature: 0.5, top_p: 0.9, top_k: 40 }],
  ["metadata", { metadata: { user_id: "user-1" } }],
  ["thinking", { max_tokens: 2048, thinking: { type: "enabled", budget_tokens: 1024 } }],
];

for (const [about, body] of ACCEPTED) {
  Deno.test(`a request with ${about} gets a message and a stream`, async () => {
    const message = await sendForMessage(requestBody(body));
    assertEquals(message.content, [{ type: "text", text: "Hi there." }]);
    await sendForEvents(requestBody(body));
  });
}

Deno.test("count_tokens counts system, tools and tool results", async () => {
  const count = async (more: Json) => {
    const { max_tokens: _, ...body } = requestBody(more);
    const { headers } = post(body);
    const url = `${ORIGIN}/v1/messages/count_tokens`;
    const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
    const { text, seen } = await send(request);
    const counted = JSON.parse(text);
    assertEquals([Object.keys(counted), seen], [["input_tokens"], []]);
    return counted.input_tokens;
  };
  const few = await count({});
  const longText = "Hello ".repeat(100);
  assertGreater(await count({ system: longText }), few + 100);
  assertGreater(await count({ tools: [{ ...WEATHER, description: longText }] }), few + 100);
  const turns = [user(text("One")), assistant(use("call_1")), user(result("call_1", longText))];
  assertGreater(await count({ messages: turns }), few + 100);
});

for (const status of [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]) {
  Deno.test(`a request is sent once if upstream returns ${status}`, async () => {
    for (const body of [requestBody(), requestBody({ stream: true })]) {
      const { response, seen } = await send(body, () => errorBody(status, "Not now"));
      assertGreater(response.status, 399);
      assertEquals(seen.length, 1);
      const isFinal = [400, 401, 402, 403, 404].includes(response.status);
      assertEquals(response.headers.get("x-should-retry"), isFinal ? "false" : null);
    }
  });
}

Deno.test("only retry-after of the upstream headers is forwarded", async () => {
  const headers = { "retry-after": "7", "set-cookie": "a=b", "x-internal": "host-1", via: "edge" };
  const allowed = ["content-type", "request-id", "retry-after", "x-proxy-model"];
  const script: Reply = () =>
    Response.json({ error: { message: "Slow" } }, { status: 429, headers });
  const { response } = await send(requestBody(), script);
  assertEquals([...response.headers.keys()].sort(), allowed);
  const good: Reply = () => Response.json(completion("Hi"), { headers });
  const { response: successful } = await send(requestBody(), good);
  assertEquals([...successful.headers.keys()].sort(), [
    "content-type",
    "request-id",
    "x-proxy-model",
  ]);
});

Deno.test("error: null in a completion or a choice is ignored", async () => {
  const said = { role: "assistant", content: "Hi" };
  const choices = [{ index: 0, message: said, finish_reason: "stop", error: null }];
  const body = { ...completion(""), error: null, choices };
  const message = await sendForMessage(requestBody(), () => Response.json(body));
  assertEquals(message.content, [{ type: "text", text: "Hi" }]);
});

/** The rest of a stream. */
async function* readAll(reader: ReadableStreamDefaultReader<string>): AsyncGenerator<string> {
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

Deno.test("each chunk reaches the client before upstream sends the next one", async () => {
  const source = createOpenStream();
  await using upstream = startUpstream(() => source.response);
  const { handler } = createProxy({ upstream });
  source.send(sse(textChunk("word 0")));
  const response = await call(handler, post(requestBody({ stream: true })));
  assert(response.body !== null);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (const number of [0, 1, 2]) {
    if (number > 0) source.send(sse(textChunk(`word ${number}`)));
    let read = "";
    while (!read.includes(`word ${number}`)) read += (await reader.read()).value ?? "";
  }
  source.send(sse(finishChunk(), "[DONE]"));
  source.close();
  let rest = "";
  for await (const text of readAll(reader)) rest += text;
  assertStringIncludes(rest, "message_stop");
});
