/**
 * What the test suites of other servers with this API assert, said again for this one through the whole handler.
 * Left out is what tests with other names say already: the SDK's round trips (sdk_test.ts), routes, limits,
 * timeouts and leavings (server_test.ts), and the defects by number (defects_*_test.ts).
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { ask, call, createProxy, ORIGIN, post } from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import {
  completion,
  deltaChunk,
  errorChunk,
  finishChunk,
  messageCompletion,
  roleChunk,
  SIGNATURE,
  sse,
  sseAnswer,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import {
  errorBody,
  eventStream,
  holdStream,
  type Reply,
  startUpstream,
} from "../helpers/upstream.ts";
import { assistant, text, user } from "../helpers/messages.ts";

type Json = Record<string, unknown>;

/** A response, and the upstream bodies. */
interface Outcome {
  response: Response;
  text: string;
  /** The upstream bodies, all checked. */
  seen: Json[];
}

const FORMAT = "anthropic-claude-v1";
const PIXEL = { type: "base64", media_type: "image/png", data: "iVBOR" };
const DOT = { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } };
const WEATHER = {
  name: "get_weather",
  description: "Returns the weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const use = (id: string) => ({ type: "tool_use", id, name: "get_weather", input: {} });
const result = (id: string, content?: unknown) => ({
  type: "tool_result",
  tool_use_id: id,
  content,
});
const replyHi: Reply = ({ body }) =>
  body["stream"] ? eventStream(sseAnswer("Hi there.")) : Response.json(completion("Hi there."));

/** Sends one request through the handler. */
async function send(body: unknown, script: Reply = replyHi): Promise<Outcome> {
  await using upstream = startUpstream(script);
  const { handler } = createProxy({ upstream });
  const response = await call(handler, body instanceof Request ? body : post(body));
  const text = await response.text();
  const seen = upstream.requests.map(({ body }) => body);
  seen.forEach(checkChatRequest);
  return { response, text, seen };
}

/** The message that a request must return. */
async function sendForMessage(body: Json, script?: Reply): Promise<Message> {
  const { response, text } = await send(body, script);
  assertEquals(response.status, 200, text);
  return JSON.parse(text);
}

/** The events of a streamed response, checked. */
async function sendForEvents(body: Json, script?: Reply): Promise<StreamEvent[]> {
  const { response, text } = await send({ ...body, stream: true }, script);
  assertEquals(response.status, 200, text);
  const events = parseSse(text).map(({ data }) => JSON.parse(data));
  checkGrammar(events);
  return events;
}

/** The upstream messages for these messages. */
async function sendForUpstreamMessages(messages: unknown[], more: Json = {}): Promise<unknown> {
  const { response, text, seen: [seen] } = await send(ask({ messages, ...more }));
  assertEquals(response.status, 200, text);
  return seen?.["messages"];
}

const stream = (...chunks: (Json | string)[]): Reply => () => eventStream(sse(...chunks));

// ── llama.cpp: tools/server/tests/unit/test_compat_anthropic.py ─────────────────────────────────────────────

Deno.test("a message has Anthropic's fields and no upstream fields", async () => {
  const message = await sendForMessage(ask());
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
  const events = await sendForEvents(ask());
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
  const message = await sendForMessage(ask({ tools: [WEATHER] }), script);
  assertEquals([message.content, message.stop_reason], [
    [{ type: "tool_use", id: "call_1", name: "get_weather", input: { city: "Rome" } }],
    "tool_use",
  ]);
});

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
    const message = await sendForMessage(ask(body));
    assertEquals(message.content, [{ type: "text", text: "Hi there." }]);
    await sendForEvents(ask(body));
  });
}

Deno.test("a tool result with is_error starts with Error:", async () => {
  const failed = { ...result("call_1", "no such city"), is_error: true };
  const seen = await sendForUpstreamMessages([
    user(text("One")),
    assistant(use("call_1")),
    user(failed),
  ]);
  assertStringIncludes(JSON.stringify(seen), "Error: no such city");
});

Deno.test("thinking is the first block and signed, in a message and in a stream", async () => {
  const detail = { type: "reasoning.text", text: "Hm", signature: SIGNATURE, format: FORMAT };
  const delta = { content: "Hi", reasoning: "Hm", reasoning_details: [detail] };
  const message = await sendForMessage(ask(), () => Response.json(messageCompletion(delta)));
  assertEquals(message.content, [
    { type: "thinking", thinking: "Hm", signature: SIGNATURE },
    { type: "text", text: "Hi" },
  ]);
  const events = await sendForEvents(ask(), stream(deltaChunk(delta), finishChunk(), "[DONE]"));
  const steps = events.flatMap((event) => {
    if (event.type === "content_block_start") return [`${event.index} ${event.content_block.type}`];
    return event.type === "content_block_delta" ? [`${event.index} ${event.delta.type}`] : [];
  });
  assertEquals(steps, [
    "0 thinking",
    "0 thinking_delta",
    "0 signature_delta",
    "1 text",
    "1 text_delta",
  ]);
});

Deno.test("count_tokens counts system, tools and tool results", async () => {
  const count = async (more: Json) => {
    const { max_tokens: _, ...body } = ask(more);
    const { headers } = post(body);
    const url = `${ORIGIN}/v1/messages/count_tokens`;
    const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
    const { text, seen } = await send(request);
    const answer = JSON.parse(text);
    assertEquals([Object.keys(answer), seen], [["input_tokens"], []]);
    return answer.input_tokens;
  };
  const few = await count({});
  const words = "Hello ".repeat(100);
  assertGreater(await count({ system: words }), few + 100);
  assertGreater(await count({ tools: [{ ...WEATHER, description: words }] }), few + 100);
  const turns = [user(text("One")), assistant(use("call_1")), user(result("call_1", words))];
  assertGreater(await count({ messages: turns }), few + 100);
});

// ── vLLM: tests/entrypoints/anthropic/test_anthropic_messages_conversion.py ─────────────────────────────────

const INVALID: [about: string, block: Json, words: string][] = [
  [
    "an image source without a type",
    { type: "image", source: { ...PIXEL, type: undefined } },
    "type",
  ],
  [
    "an image source without a media type",
    { type: "image", source: { ...PIXEL, media_type: undefined } },
    "media_type",
  ],
  ["a block in the wrong place", { type: "thinking" }, "'thinking'"],
  ["a block without a type", { text: "One" }, "type"],
];
for (const [about, block, words] of INVALID) {
  Deno.test(`${about} is a 400 that names its path, without an upstream request`, async () => {
    const { response, text: answer, seen } = await send(
      ask({ messages: [user(text("One"), block)] }),
    );
    assertEquals([response.status, seen], [400, []]);
    const { message } = JSON.parse(answer).error;
    assertMatch(message, /^messages\.0\.content\.1/);
    assertStringIncludes(message, words);
  });
}

const image = { type: "image", source: PIXEL };
const RESULTS: [about: string, contents: unknown[], tools: string[], follow: unknown[]][] = [
  ["text", ["30 °C"], ["30 °C"], []],
  ["several texts", [[text("30 °C"), text("dry")]], ["30 °C\ndry"], []],
  ["one image", [[image]], ["(image in the next message)"], [
    [text("Images from the result of tool call call_0:"), DOT],
  ]],
  ["two images and text", [[image, text("two"), image]], ["two"], [
    [text("Images from the result of tool call call_0:"), DOT, DOT],
  ]],
  ["an image in each of two results", [[text("a"), image], [image]], [
    "a",
    "(image in the next message)",
  ], [
    [
      text("Images from the result of tool call call_0:"),
      DOT,
      text("Images from the result of tool call call_1:"),
      DOT,
    ],
  ]],
  ["no content", [undefined], ["(no output)"], []],
];
for (const [about, contents, tools, follow] of RESULTS) {
  Deno.test(`a tool result of ${about} becomes tool messages, followed by a user message with the images`, async () => {
    const ids = contents.map((_, index) => `call_${index}`);
    const seen = await sendForUpstreamMessages([
      user(text("One")),
      assistant(...ids.map(use)),
      user(...contents.map((content, index) => result(`call_${index}`, content))),
    ]);
    assert(Array.isArray(seen));
    assertEquals(seen.slice(2), [
      ...tools.map((content, index) => ({ role: "tool", tool_call_id: `call_${index}`, content })),
      ...follow.map((content) => ({ role: "user", content })),
    ]);
  });
}

Deno.test("thinking and redacted thinking in the history become reasoning_details in order", async () => {
  const seen = await sendForUpstreamMessages([
    user(text("One")),
    assistant(
      { type: "thinking", thinking: "Hm", signature: SIGNATURE },
      { type: "redacted_thinking", data: "b3BhcXVl" },
      text("Two"),
    ),
    user(text("Three")),
  ]);
  assert(Array.isArray(seen));
  assertEquals(seen[1], {
    role: "assistant",
    content: "Two",
    reasoning_details: [
      { type: "reasoning.text", text: "Hm", signature: SIGNATURE, format: FORMAT, index: 0 },
      { type: "reasoning.encrypted", data: "b3BhcXVl", format: FORMAT, index: 1 },
    ],
  });
});

Deno.test("several system messages keep their places after the system text", async () => {
  const system = (content: unknown) => ({ role: "system", content });
  const turns = [
    user(text("One")),
    system("A"),
    assistant(text("Two")),
    user(text("Three")),
    system([text("B"), text("C")]),
  ];
  assertEquals(await sendForUpstreamMessages(turns, { system: "Be brief." }), [
    { role: "system", content: "Be brief." },
    { role: "user", content: "One" },
    { role: "system", content: "A" },
    { role: "assistant", content: "Two" },
    { role: "user", content: "Three" },
    { role: "system", content: "B\n\nC" },
  ]);
});

Deno.test("the last text is returned if no usage follows", async () => {
  const events = await sendForEvents(ask(), stream(textChunk("Hi"), finishChunk(), "[DONE]"));
  assertStringIncludes(JSON.stringify(events), '"text":"Hi"');
  const ending = events.find((event) => event.type === "message_delta");
  assertGreater(ending?.usage.output_tokens ?? 0, 0);
});

// vLLM: test_cache_accounting.py
Deno.test("cached tokens are reported in message_delta and not in message_start", async () => {
  const counts = (await sendForEvents(ask())).flatMap((event) => {
    if (event.type === "message_start") return [event.message.usage.cache_read_input_tokens];
    return event.type === "message_delta" ? [event.usage.cache_read_input_tokens] : [];
  });
  assertEquals(counts, [0, 100]);
});

// vLLM: test_stream_error.py
Deno.test("repeated errors in a stream become one error event with the upstream message", async () => {
  const error = errorChunk({ code: 429, message: "Slow down, tokens per minute" });
  const events = await sendForEvents(ask(), stream(textChunk("Half"), error, error, "[DONE]"));
  assertEquals(events.filter(({ type }) => type === "error"), [{
    type: "error",
    error: { type: "rate_limit_error", message: "Slow down, tokens per minute" },
  }]);
});

Deno.test("invalid JSON in a stream is an error before the finish reason and ignored afterwards", async () => {
  const late = await sendForEvents(
    ask(),
    stream(textChunk("Hi"), finishChunk(), "{oops", "[DONE]"),
  );
  assertEquals(late.at(-1)?.type, "message_stop");
  const early = await sendForEvents(
    ask(),
    stream(textChunk("Hi"), "{oops", finishChunk(), "[DONE]"),
  );
  assertEquals(early.at(-1)?.type, "error");
});

// ── open-claude-router: rust/tests/router_contract.rs ───────────────────────────────────────────────────────

Deno.test("a stream of a role, usage and [DONE] becomes a retryable 502", async () => {
  const script = stream(roleChunk(), usageChunk(), "[DONE]");
  const { response, text } = await send(ask({ stream: true }), script);
  assertEquals([response.status, response.headers.get("x-should-retry")], [502, null]);
  assertEquals(JSON.parse(text).error.type, "api_error");
});

Deno.test('finish_reason "" does not end the stream', async () => {
  const empty = { ...deltaChunk({ content: "Half" }) };
  empty["choices"] = [{ index: 0, delta: { content: "Half" }, finish_reason: "" }];
  const cut = await sendForEvents(ask(), stream(empty));
  assertEquals(cut.at(-1)?.type, "error");
  const more = await sendForEvents(
    ask(),
    stream(empty, textChunk(" more"), finishChunk(), "[DONE]"),
  );
  assertStringIncludes(JSON.stringify(more), '"text":" more"');
});

Deno.test("a function name in several deltas is joined", async () => {
  const fragment = (called: Json, more: Json = {}) =>
    deltaChunk({ tool_calls: [{ index: 0, ...more, function: called }] });
  const events = await sendForEvents(
    ask({ tools: [WEATHER] }),
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

for (const status of [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529]) {
  Deno.test(`a request is sent once if upstream returns ${status}`, async () => {
    for (const body of [ask(), ask({ stream: true })]) {
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
  const { response } = await send(ask(), script);
  assertEquals([...response.headers.keys()].sort(), allowed);
  const good: Reply = () => Response.json(completion("Hi"), { headers });
  const { response: answered } = await send(ask(), good);
  assertEquals([...answered.headers.keys()].sort(), [
    "content-type",
    "request-id",
    "x-proxy-model",
  ]);
});

Deno.test("error: null in a completion or a choice is ignored", async () => {
  const said = { role: "assistant", content: "Hi" };
  const choices = [{ index: 0, message: said, finish_reason: "stop", error: null }];
  const answer = { ...completion(""), error: null, choices };
  const message = await sendForMessage(ask(), () => Response.json(answer));
  assertEquals(message.content, [{ type: "text", text: "Hi" }]);
});

Deno.test("each chunk reaches the client before upstream sends the next one", async () => {
  const held = holdStream();
  await using upstream = startUpstream(() => held.response);
  const { handler } = createProxy({ upstream });
  held.send(sse(textChunk("word 0")));
  const response = await call(handler, post(ask({ stream: true })));
  assert(response.body !== null);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (const number of [0, 1, 2]) {
    if (number > 0) held.send(sse(textChunk(`word ${number}`)));
    let read = "";
    while (!read.includes(`word ${number}`)) read += (await reader.read()).value ?? "";
  }
  held.send(sse(finishChunk(), "[DONE]"));
  held.close();
  let rest = "";
  for await (const text of readAll(reader)) rest += text;
  assertStringIncludes(rest, "message_stop");
});

/** The rest of a stream. */
async function* readAll(reader: ReadableStreamDefaultReader<string>): AsyncGenerator<string> {
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}
