// Translation of requests: the .request.json files in tests/fixtures, and tests that a fixture cannot express.

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { ApiError } from "../../../lib/errors.ts";
import type * as openrouter from "../../../lib/openrouter/types.ts";
import {
  listCallIds,
  type RequestOptions,
  type TranslatedRequest,
  translateRequest,
} from "../../../lib/translate/request/request.ts";
import { loadRequestCases } from "../../helpers/fixtures.ts";
import { checkChatRequest } from "../../helpers/openrouter_request_checker.ts";

const cases = loadRequestCases();

function translate(request: unknown, options: Partial<RequestOptions> = {}): TranslatedRequest {
  return translateRequest(parseMessagesRequest(request), {
    models: ["anthropic/claude-sonnet-4"],
    ...options,
  });
}

/** The body as upstream receives it. */
function toJson(body: openrouter.ChatRequest): openrouter.ChatRequest {
  return JSON.parse(JSON.stringify(body));
}

function toRequest(messages: unknown[], more: Record<string, unknown> = {}): unknown {
  return { model: "claude-sonnet-4-5", max_tokens: 4096, messages, ...more };
}

for (const { name, about, request, options, ...expected } of cases) {
  Deno.test(`translateRequest ${about} (${name})`, () => {
    const { body, dropped, response: { visibleTokens } } = translate(request, options);
    const sent = toJson(body);
    assertEquals<unknown>(sent, expected.body);
    assertEquals(dropped.toSorted(), expected.dropped.toSorted());
    assertEquals(visibleTokens, expected.visibleTokens);
    checkChatRequest(sent);
  });
}

Deno.test("every expected body of a request fixture is a valid chat request", () => {
  assert(cases.length >= 300);
  for (const { body } of cases) checkChatRequest(body);
});

Deno.test("translateRequest gives the same bytes for equal requests", () => {
  for (const { request, options } of cases) {
    const first = JSON.stringify(translate(request, options).body);
    const second = JSON.stringify(translate(structuredClone(request), options).body);
    assertEquals(first, second);
  }
});

Deno.test("translateRequest gives the same bytes for any order of the client's fields", () => {
  for (const { request, options } of cases) {
    const reversed = Object.fromEntries(Object.entries(request).reverse());
    assertEquals(
      JSON.stringify(translate(reversed, options).body),
      JSON.stringify(translate(request, options).body),
    );
  }
});

Deno.test("translateRequest gives the same bytes for string content and for one text block", () => {
  const [blocks, text] = ["text/one_block.request", "text/string.request"].map((name) =>
    cases.find((one) => one.name === name)?.request
  );
  assertNotEquals(blocks, text);
  assertEquals(JSON.stringify(translate(blocks).body), JSON.stringify(translate(text).body));
});

Deno.test("translateRequest does not change its argument", () => {
  for (const { request: json, options } of cases) {
    const request = parseMessagesRequest(json);
    const before = structuredClone(request);
    translateRequest(request, { models: ["anthropic/claude-sonnet-4"], ...options });
    assertEquals(request, before);
  }
});

const LONG_NAME = `mcp__${"long_".repeat(15)}name`;

/** A conversation with everything that might change earlier messages as it grows. */
const turns: unknown[] = [
  { role: "user", content: "Start" },
  { role: "system", content: "Note one." },
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "sig1" },
      { type: "text", text: "\n" },
      { type: "tool_use", id: "call_0", name: "Bash", input: { z: 1, a: 2 } },
      { type: "tool_use", id: "call_1", name: "tools.read", input: {} },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "call_1" },
      { type: "tool_result", tool_use_id: "call_gone", content: "old" },
      {
        type: "tool_result",
        tool_use_id: "call_0",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBO" } },
        ],
      },
      { type: "text", text: "Go on." },
    ],
  },
  { role: "system", content: "Note two." },
  {
    role: "assistant",
    content: [
      { type: "tool_use", id: "call_0", name: LONG_NAME, input: {} },
      { type: "tool_use", id: "functions.Bash:1", name: "Bash", input: {} },
    ],
  },
  { role: "user", content: [{ type: "tool_result", tool_use_id: "call_0", content: "x" }] },
  { role: "assistant", content: "Done." },
  { role: "user", content: [{ type: "text", text: "Thanks" }] },
  { role: "assistant", content: [{ type: "tool_use", id: "call_0", name: "Bash", input: {} }] },
  { role: "user", content: "Never mind." },
];

Deno.test("translateRequest starts each longer request of a conversation with the bytes of the previous one", () => {
  const tools = [{ name: LONG_NAME, input_schema: { type: "object" } }];
  let earlier: openrouter.ChatRequest | undefined;
  let compared = 0;
  for (let length = 1; length <= turns.length; length++) {
    // A client sends a request after its own turns, not after the model's.
    if (length < turns.length && isFromClient(turns[length])) continue;
    if (!isFromClient(turns[length - 1])) continue;
    const body = toJson(translate(toRequest(turns.slice(0, length), { tools })).body);
    checkChatRequest(body);
    if (earlier !== undefined) {
      const { model, messages } = earlier;
      const prefix = JSON.stringify({ model, messages }).slice(0, -"]}".length);
      assert(JSON.stringify(body).startsWith(`${prefix},`), `${length} turns`);
      compared++;
    }
    earlier = body;
  }
  assertEquals(compared, 4);
});

function isFromClient(turn: unknown): boolean {
  return typeof turn === "object" && turn !== null && "role" in turn && turn.role !== "assistant";
}

Deno.test("translateRequest returns names that restore every replaced tool name", () => {
  const { body, names } = translate(toRequest(turns));
  const calls = body.messages.flatMap((message) =>
    message.role === "assistant" ? message.tool_calls ?? [] : []
  );
  assertEquals(
    calls.map((call) => names.toClient(call.function.name)),
    ["Bash", "tools.read", LONG_NAME, "Bash", "Bash"],
  );
});

Deno.test("listCallIds returns the ids of all calls in the conversation", () => {
  const ids = listCallIds(parseMessagesRequest(toRequest(turns)));
  assertEquals(ids, ["call_0", "call_1", "call_0", "functions.Bash:1", "call_0"]);
});

Deno.test("translateRequest translates 5001 messages and 200 tools", () => {
  const messages = Array.from({ length: 5001 }, (_, n) => ({
    role: n % 2 === 0 ? "user" : "assistant",
    content: `Turn ${n}`,
  }));
  const tools = Array.from({ length: 200 }, (_, n) => ({
    name: `tool.${n}`,
    input_schema: { type: "object" },
  }));
  const body = toJson(translate(toRequest(messages, { tools })).body);
  checkChatRequest(body);
  assertEquals(body.messages.length, 5001);
  assertEquals(body.tools?.length, 200);
});

Deno.test("translateRequest treats __proto__ as a plain key and pollutes no prototype", () => {
  const request: unknown = JSON.parse(
    `{"model":"m","max_tokens":9,"__proto__":{"polluted":1},"messages":[{"role":"assistant","content":[
      {"type":"tool_use","id":"a","name":"__proto__","input":{"__proto__":{"polluted":1}}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"ok"}]}]}`,
  );
  const body = toJson(translate(request).body);
  checkChatRequest(body);
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
  const [first] = body.messages;
  assert(first?.role === "assistant");
  assertEquals(first.tool_calls?.[0]?.function.arguments, '{"__proto__":{"polluted":1}}');
});

Deno.test("translateRequest rejects a request in which no message has content (400)", () => {
  for (const content of ["", " \n", []]) {
    const request = toRequest([{ role: "assistant", content }]);
    const error = assertThrows(() => translate(request), ApiError);
    assertEquals([error.type, error.status], ["invalid_request_error", 400]);
    assertEquals(error.message, "messages: at least one message must have content");
  }
});

Deno.test("translateRequest sends a session id of 256 characters, but not a longer one", () => {
  const request = toRequest([{ role: "user", content: "Hi" }]);
  const send = (sessionId: string) => translate(request, { sessionId }).body.session_id;
  assertEquals(send("s".repeat(256)), "s".repeat(256));
  assertEquals(send("s".repeat(257)), undefined);
});
