/** Behaviours that only mutants of lib/ showed to be untested: one test for each that had survived. */

import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import type { Message } from "../../lib/anthropic/types.ts";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { ApiError, toErrorBody } from "../../lib/errors.ts";
import { type ChatOptions, createClient } from "../../lib/openrouter/client.ts";
import type { Chunk, ToolCallDelta } from "../../lib/openrouter/types.ts";
import { createRedactor } from "../../lib/redact.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { readUpstreamText } from "../../lib/stream/read_text.ts";
import { translateRequest } from "../../lib/translate/request/request.ts";
import { collectMessage, translateCompletion } from "../../lib/translate/response/message.ts";
import { estimateInputTokens } from "../../lib/translate/tokens.ts";
import { createTranslator } from "../helpers/translator.ts";
import { ask, call, createProxy, HELD_KEY, post } from "../helpers/proxy.ts";
import { errorBody, holdBody, startUpstream } from "../helpers/upstream.ts";

/** The message that a stream of these chunks is translated to. */
function stream(...chunks: Chunk[]): Message {
  const translator = createTranslator({ stopSequences: ["END"] });
  const events = chunks.flatMap((chunk) => translator.push(chunk));
  return collectMessage([...events, ...translator.finish()]);
}

/** Tool calls translated from deltas, one delta per chunk, as `id name input`. */
function route(...fragments: ToolCallDelta[]): string[] {
  const chunks = fragments.map((fragment) => ({
    choices: [{ delta: { tool_calls: [fragment] } }],
  }));
  const { content } = stream(...chunks, { choices: [{ delta: {}, finish_reason: "tool_calls" }] });
  return content.map((block) =>
    block.type === "tool_use"
      ? `${block.id} ${block.name} ${JSON.stringify(block.input)}`
      : block.type
  );
}

Deno.test("StreamTranslator keeps both finish reasons if a later chunk has none", () => {
  const { stop_reason, stop_sequence } = stream(
    { choices: [{ delta: { content: "Hi" } }] },
    { choices: [{ delta: {}, finish_reason: "stop", native_finish_reason: "stop_sequence" }] },
    { choices: [{ delta: {}, finish_reason: null, native_finish_reason: null }] },
  );
  assertEquals([stop_reason, stop_sequence], ["stop_sequence", "END"]);
});

Deno.test("StreamTranslator reports the last usage if there is more than one", () => {
  const { usage } = stream(
    { choices: [{ delta: { content: "Hi" } }], usage: { prompt_tokens: 5, completion_tokens: 1 } },
    { choices: [{ delta: {}, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } },
  );
  assertEquals(usage.output_tokens, 9);
});

Deno.test("StreamTranslator reads content that is a list of text parts", () => {
  const content = [{ type: "text", text: "one, " }, { type: "text", text: "two" }];
  const message = stream({ choices: [{ delta: { content }, finish_reason: "stop" }] });
  assertEquals(message.content, [{ type: "text", text: "one, two" }]);
});

Deno.test("StreamTranslator separates tool calls with the same id while the first is incomplete", () => {
  const calls = route(
    { index: 0, id: "x", function: { name: "Read", arguments: '{"a":' } },
    { index: 1, id: "x", function: { name: "Write", arguments: '{"b":2}' } },
    { index: 0, function: { arguments: "1}" } },
  );
  assertEquals(calls, ['x Read {"a":1}', 'or-x Write {"b":2}']);
});

Deno.test("StreamTranslator continues a tool call whose deltas repeat the name without id and index", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":' } },
    { function: { name: "Read", arguments: "1}" } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}']);
});

Deno.test("StreamTranslator starts a second tool call for an equal delta without id and index", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":1}' } },
    { function: { name: "Read", arguments: '{"a":1}' } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}', 'toolu_made_2 Read {"a":1}']);
});

Deno.test("StreamTranslator assigns a late id without an index to the tool call that has no id", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":' } },
    { id: "late", function: { arguments: "1}" } },
  );
  assertEquals(calls, ['late Read {"a":1}']);
});

Deno.test("StreamTranslator does not end a string in arguments at an escaped quote", () => {
  const json = '{"a":"\\"{","b":"}\\\\"}';
  const pieces = [...json].map((text) => ({ index: 0, function: { arguments: text } }));
  const calls = route({ index: 0, id: "x", function: { name: "Read" } }, ...pieces);
  assertEquals(calls, [`x Read ${json}`]);
});

Deno.test("translateCompletion rejects a completion without choices", () => {
  for (const completion of [{}, { choices: [] }, { choices: null }]) {
    const error = assertThrows(() => translateCompletion(completion, createTranslator()), ApiError);
    assertEquals(
      [error.status, error.message],
      [502, "OpenRouter sent an answer without choices"],
    );
  }
});

function translate(messages: unknown[]) {
  const request = parseMessagesRequest({ model: "claude-x", max_tokens: 10, messages });
  return translateRequest(request, { models: ["anthropic/claude-sonnet-4"] });
}

Deno.test("translateRequest rejects messages without any supported content", () => {
  const content = [{ type: "web_search_tool_result" }];
  const error = assertThrows(() => translate([{ role: "user", content }]), ApiError);
  assertEquals(error.message, "messages: at least one message must have content");
});

Deno.test("translateRequest reports an unsupported block in a tool result as dropped", () => {
  const { dropped } = translate([
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Read", input: {} }] },
    {
      role: "user",
      content: [{
        type: "tool_result",
        tool_use_id: "t",
        content: [{ type: "web_search_tool_result" }],
      }],
    },
  ]);
  assertEquals(dropped, ["web_search_tool_result"]);
});

Deno.test("estimateInputTokens returns at least 1", () => {
  const request = parseMessagesRequest(ask());
  assertEquals(estimateInputTokens({ ...request, messages: [], system: [], tools: [] }), 1);
});

const real = { setTimeout, clearTimeout };

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  // Deno 2.5 rejects setTimeout as a method of another object.
  const { setTimeout } = real;
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Replaces the global timers with ones that run when the test advances them. */
function fakeTimers(): Disposable & { advance(ms: number): Promise<void> } {
  const timers = new Map<number, { at: number; run: () => void }>();
  let now = 0;
  let lastId = 0;
  Object.assign(globalThis, {
    setTimeout(run: () => void, ms: number) {
      timers.set(++lastId, { at: now + ms, run });
      return lastId;
    },
    clearTimeout: (id: number) => timers.delete(id),
  });
  return {
    async advance(ms) {
      now += ms;
      for (const [id, { at, run }] of timers) {
        if (at <= now && timers.delete(id)) run();
      }
      await nextTurn();
    },
    [Symbol.dispose]() {
      Object.assign(globalThis, real);
    },
  };
}

const READERS: [name: string, read: (body: ReturnType<typeof holdBody>["body"]) => unknown][] = [
  [
    "readUpstreamText",
    async (body) => JSON.parse(await readUpstreamText(body, { timeoutMs: 1000 })),
  ],
  ["readJson", (body) => {
    const request = new Request("http://localhost/", { method: "POST", body });
    return readJson(request, { maxBytes: 1000, idleMs: 1000 });
  }],
];

for (const [name, read] of READERS) {
  Deno.test(`${name} applies the idle timeout to each read, not to the whole body`, async () => {
    using timers = fakeTimers();
    const held = holdBody("[1,");
    const reading = Promise.allSettled([read(held.body)]);
    await nextTurn();
    for (const piece of ["2", ",3", "]"]) {
      await timers.advance(999);
      held.send(piece);
      await nextTurn();
    }
    held.close();
    assertEquals(await reading, [{ status: "fulfilled", value: [1, 2, 3] }]);
  });
}

Deno.test("readUpstreamText rejects invalid UTF-8", async () => {
  const held = holdBody();
  held.send(new Uint8Array([0x22, 0xff, 0x22]));
  held.close();
  const error = await assertRejects(
    () => readUpstreamText(held.body, { timeoutMs: 60_000 }),
    ApiError,
  );
  assertEquals(error.status, 502);
});

Deno.test("readJson ends a string at a quote after an escaped backslash", async () => {
  const value = { a: "\\", b: "[".repeat(600) };
  const request = new Request("http://localhost/", { method: "POST", body: JSON.stringify(value) });
  assertEquals(await readJson(request, { maxBytes: 10_000 }), value);
});

/** Calls sendChat of a client that uses the test's fetch. */
function sendChat(fetcher: typeof fetch, signal = new AbortController().signal) {
  const config = {
    baseUrl: "http://upstream",
    appUrl: null,
    appTitle: null,
    timeoutMs: 60_000,
    dialect: "openrouter" as const,
  };
  const body: ChatOptions["body"] = { model: "a/b", messages: [], max_tokens: 1 };
  const chat: ChatOptions = { body, key: HELD_KEY, signal, timeoutMs: 60_000 };
  return createClient(config, fetcher).sendChat(chat);
}

Deno.test("sendChat fails with 499 if the client has already disconnected", async () => {
  const fetcher: typeof fetch = (_url, init) =>
    init?.signal?.aborted ? Promise.reject(init.signal.reason) : Promise.resolve(new Response("x"));
  const error = await assertRejects(() => sendChat(fetcher, AbortSignal.abort()), ApiError);
  assertEquals(error.status, 499);
});

Deno.test("sendChat reads at most 1 MiB of an error body and cancels it", async () => {
  let sent = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      sent += 64 * 1024;
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x78));
      if (sent >= 4 * 1024 * 1024) controller.close();
    },
    cancel: () => void (isCancelled = true),
  });
  const fetcher = () => Promise.resolve(new Response(body, { status: 500 }));
  await assertRejects(() => sendChat(fetcher), ApiError);
  assertLess(sent, 1024 * 1024);
  assertEquals(isCancelled, true);
});

Deno.test("sendChat returns the content type without its parameters", async () => {
  const headers = { "content-type": "Application/JSON ; charset=utf-8" };
  const answer = await sendChat(() => Promise.resolve(new Response("{}", { headers })));
  assertEquals(answer.contentType, "application/json");
  await answer.body.cancel();
});

Deno.test("POST /v1/messages makes ids of new tool calls unique and restores their names", async () => {
  const tool = { name: "files.read", input_schema: { type: "object" } };
  await using upstream = startUpstream(({ body }) => {
    const [sent] = Array.isArray(body["tools"]) ? body["tools"] : [];
    const calls = [{ id: "t", type: "function", function: { ...sent.function, arguments: "{}" } }];
    const message = { role: "assistant", content: null, tool_calls: calls };
    return Response.json({ choices: [{ message, finish_reason: "tool_calls" }] });
  });
  const messages = [
    { role: "user", content: "Read" },
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "files.read", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "ok" }] },
  ];
  const { handler } = createProxy({ upstream });
  const { content } = await (await call(handler, post(ask({ messages, tools: [tool] })))).json();
  assertEquals(content, [{ type: "tool_use", id: "or-t", name: "files.read", input: {} }]);
});

Deno.test("POST /v1/messages reports the only stop sequence of the request as the one that matched", async () => {
  const end = { finish_reason: "stop", native_finish_reason: "stop_sequence" };
  const ended = { choices: [{ message: { content: "Hi" }, ...end }] };
  await using upstream = startUpstream(() => Response.json(ended));
  const { handler } = createProxy({ upstream });
  const message = await (await call(handler, post(ask({ stop_sequences: ["END"] })))).json();
  assertEquals([message.stop_reason, message.stop_sequence], ["stop_sequence", "END"]);
});

Deno.test("proxy keys in upstream errors are redacted", async () => {
  await using upstream = startUpstream(() => errorBody(400, "No user proxy-key-2 here"));
  const { handler } = createProxy({ upstream, env: { PROXY_API_KEYS: "proxy-key-1,proxy-key-2" } });
  const response = await call(handler, post(ask(), { "x-api-key": "proxy-key-1" }));
  assertEquals((await response.json()).error.message, "No user [redacted] here");
});

Deno.test("toErrorBody truncates long messages and keeps details", () => {
  const details = { error_code: "thread_unsupported_request" };
  const error = new ApiError("invalid_request_error", "x".repeat(10_000), { details });
  const body = toErrorBody(error, (text) => text);
  assertEquals([body.message.length, body.details], [2000, details]);
});

Deno.test("createRedactor redacts a secret that is escaped in a JSON string", () => {
  const secret = 'secret"\\1';
  assertEquals(createRedactor([secret])(JSON.stringify({ key: secret })), '{"key":"[redacted]"}');
});
