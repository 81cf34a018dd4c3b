// The checker of upstream requests: what it accepts, and one error per row that it rejects.

import { AssertionError, assertThrows } from "@std/assert";
import { checkChatRequest } from "./openrouter_request_checker.ts";

const hello = { role: "user", content: "Hello" };
const base = { model: "m", max_tokens: 4096, messages: [hello] };
const tool = { type: "function", function: { name: "A", parameters: schema({ properties: {} }) } };

function schema(keys: Record<string, unknown>): Record<string, unknown> {
  return { type: "object", ...keys };
}

function call(id: string, keys: Record<string, unknown> = {}): Record<string, unknown> {
  return { id, type: "function", function: { name: "A", arguments: "{}", ...keys } };
}

function calls(...tool_calls: unknown[]): Record<string, unknown> {
  return { role: "assistant", content: null, tool_calls };
}

function result(tool_call_id: string, content: unknown = "ok"): Record<string, unknown> {
  return { role: "tool", tool_call_id, content };
}

function withFunction(keys: Record<string, unknown>): Record<string, unknown> {
  return { ...base, tools: [{ type: "function", function: { ...tool.function, ...keys } }] };
}

function withMessages(...messages: unknown[]): Record<string, unknown> {
  return { ...base, messages };
}

function withContent(...content: unknown[]): Record<string, unknown> {
  return withMessages({ role: "user", content });
}

const image = (url: string) => ({ type: "image_url", image_url: { url } });

const GOOD: [string, unknown][] = [
  ["a request of text", base],
  [
    "parallel calls with results in another order",
    withMessages(calls(call("a"), call("b")), result("b"), result("a"), hello),
  ],
  [
    "parts with cache_control and an image",
    withContent(
      { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } },
      image("data:image/png;base64,iVBO"),
    ),
  ],
  ["a tool and its choice", {
    ...base,
    tools: [tool],
    tool_choice: { type: "function", function: { name: "A" } },
  }],
  [
    "an assistant message of only reasoning",
    withMessages({
      role: "assistant",
      content: null,
      reasoning_details: [{ type: "reasoning.text" }],
    }),
  ],
  ["plain reasoning", withMessages({ role: "assistant", content: null, reasoning_content: "Hm" })],
  [
    "empty reasoning_details",
    withMessages({ role: "assistant", content: "x", reasoning_details: [] }),
  ],
];

const BAD: [string, unknown, string][] = [
  ["null", null, "body: no object"],
  [
    "empty plain reasoning",
    withMessages({ role: "assistant", content: "x", reasoning: "" }),
    "messages.0.reasoning: empty string",
  ],
  ["a top-level Anthropic field", { ...base, system: "x" }, "body: unknown keys system"],
  ["no messages", withMessages(), "messages: empty list"],
  [
    "an unknown role",
    withMessages({ role: "function", content: "x" }),
    "messages.0.role: unknown role function",
  ],
  [
    "an empty string",
    withMessages({ role: "user", content: "" }),
    "messages.0.content: empty string",
  ],
  ["an empty list of parts", withContent(), "messages.0.content: empty list"],
  ["null content", withMessages({ role: "user", content: null }), "messages.0.content: no list"],
  [
    "an empty assistant message",
    withMessages({ role: "assistant", content: null }),
    "messages.0.content: null in an assistant",
  ],
  [
    "a thinking block",
    withContent({ type: "thinking", thinking: "x" }),
    "messages.0.content.0: thinking part",
  ],
  [
    "a tool_use block",
    withContent({ type: "tool_use", id: "a" }),
    "messages.0.content.0: tool_use part",
  ],
  [
    "an empty text part",
    withContent({ type: "text", text: "" }),
    "messages.0.content.0.text: empty string",
  ],
  [
    "an unknown key in a part",
    withContent({ type: "text", text: "x", citations: [] }),
    "messages.0.content.0: unknown keys citations",
  ],
  [
    "an unknown key in a message",
    withMessages({ ...hello, is_error: true }),
    "messages.0: unknown keys is_error",
  ],
  [
    "a double data prefix",
    withContent(image("data:image/png;base64,data:image/png;base64,iVBO")),
    "messages.0.content.0.image_url.url: no URL",
  ],
  [
    "an undefined media type",
    withContent(image("data:undefined;base64,undefined")),
    "messages.0.content.0.image_url.url: no URL",
  ],
  [
    "an image in a tool message",
    withMessages(calls(call("a")), result("a", [image("https://x.y/z")])),
    "messages.1.content.0: image_url part",
  ],
  [
    "an unknown cache_control type",
    withContent({ type: "text", text: "x", cache_control: { type: "x" } }),
    "messages.0.content.0.cache_control.type: is not",
  ],
  [
    "a call without a result",
    withMessages(calls(call("a")), hello),
    "messages.1: user message before the results of a",
  ],
  [
    "a call without a result at the end",
    withMessages(calls(call("a"), call("b")), result("a")),
    "messages: end before the results of b",
  ],
  [
    "a system message before the result",
    withMessages(calls(call("a")), { role: "system", content: "x" }, result("a")),
    "messages.1: system message",
  ],
  ["an orphan tool message", withMessages(hello, result("a")), "messages.1: tool message for a"],
  [
    "two results for one call",
    withMessages(calls(call("a")), result("a"), result("a")),
    "messages.2: tool message for a",
  ],
  [
    "the same id in two messages",
    withMessages(calls(call("a")), result("a"), calls(call("a")), result("a")),
    "messages.2.tool_calls.0.id: a is taken",
  ],
  [
    "an empty list of calls",
    withMessages({ ...calls(), content: "x" }),
    "messages.0.tool_calls: empty list",
  ],
  [
    "an object for arguments",
    withMessages(calls(call("a", { arguments: {} })), result("a")),
    "messages.0.tool_calls.0.function.arguments: no string",
  ],
  [
    "a list in the arguments",
    withMessages(calls(call("a", { arguments: "[]" })), result("a")),
    "messages.0.tool_calls.0.function.arguments: no JSON object",
  ],
  [
    "a long name in a call",
    withMessages(calls(call("a", { name: "n".repeat(65) })), result("a")),
    "messages.0.tool_calls.0.function.name: n",
  ],
  ["an empty list of tools", { ...base, tools: [] }, "tools: empty list"],
  [
    "a tool in Anthropic's format",
    { ...base, tools: [{ type: "custom", name: "A", input_schema: {} }] },
    "tools.0: unknown keys name, input_schema",
  ],
  ["a tool name with a dot", withFunction({ name: "a.b" }), "tools.0.function.name: a.b is no"],
  [
    "an Anthropic key in a tool",
    withFunction({ defer_loading: true }),
    "tools.0.function: unknown keys defer_loading",
  ],
  [
    "a schema without properties",
    withFunction({ parameters: schema({}) }),
    "tools.0.function.parameters.properties: no object",
  ],
  [
    "a schema of another type",
    withFunction({ parameters: { type: "custom", properties: {} } }),
    "tools.0.function.parameters.type: is not",
  ],
  [
    "a null required",
    withFunction({ parameters: schema({ properties: {}, required: null }) }),
    "tools.0.function.parameters.required: no list",
  ],
  ["two tools with one name", { ...base, tools: [tool, tool] }, "tools: two tools of one name"],
  ["a tool_choice without tools", { ...base, tool_choice: "auto" }, "tool_choice: without tools"],
  [
    "Anthropic's tool_choice any",
    { ...base, tools: [tool], tool_choice: "any" },
    "tool_choice: no object",
  ],
  ["a tool_choice of an unknown tool", {
    ...base,
    tools: [tool],
    tool_choice: { type: "function", function: { name: "B" } },
  }, "tool_choice.function.name: no tool B"],
  ["five stop sequences", { ...base, stop: ["1", "2", "3", "4", "5"] }, "stop: more than four"],
  [
    "a reasoning budget of max_tokens",
    { ...base, reasoning: { max_tokens: 4096 } },
    "reasoning.max_tokens: 4096 of 4096",
  ],
  [
    "effort and a reasoning budget",
    { ...base, reasoning: { effort: "low", max_tokens: 2048 } },
    "reasoning: effort and max_tokens",
  ],
  [
    "a session id of 257 characters",
    { ...base, session_id: "s".repeat(257) },
    "session_id: over 256",
  ],
];

for (const [name, body] of GOOD) {
  Deno.test(`checkChatRequest accepts ${name}`, () => checkChatRequest(body));
}

for (const [name, body, problem] of BAD) {
  Deno.test(`checkChatRequest rejects ${name}`, () => {
    assertThrows(() => checkChatRequest(body), AssertionError, problem);
  });
}
