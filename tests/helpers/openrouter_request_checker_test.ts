// The checker itself: what it must refuse, one defect a row. A checker that passes everything tests nothing.

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

function talk(...messages: unknown[]): Record<string, unknown> {
  return { ...base, messages };
}

function say(...content: unknown[]): Record<string, unknown> {
  return talk({ role: "user", content });
}

const image = (url: string) => ({ type: "image_url", image_url: { url } });

const GOOD: [string, unknown][] = [
  ["a plain question", base],
  [
    "parallel calls answered in another order",
    talk(calls(call("a"), call("b")), result("b"), result("a"), hello),
  ],
  [
    "parts with a breakpoint and an image",
    say(
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
    "reasoning alone in an assistant message",
    talk({ role: "assistant", content: null, reasoning_details: [{ type: "reasoning.text" }] }),
  ],
  ["plain reasoning", talk({ role: "assistant", content: null, reasoning_content: "Hm" })],
  ["no details at all", talk({ role: "assistant", content: "x", reasoning_details: [] })],
];

const BAD: [string, unknown, string][] = [
  ["no object", null, "body: no object"],
  [
    "empty plain reasoning",
    talk({ role: "assistant", content: "x", reasoning: "" }),
    "messages.0.reasoning: empty string",
  ],
  ["a field of Anthropic's at the top", { ...base, system: "x" }, "body: unknown keys system"],
  ["no messages", talk(), "messages: empty list"],
  [
    "an unknown role",
    talk({ role: "function", content: "x" }),
    "messages.0.role: unknown role function",
  ],
  ["an empty string", talk({ role: "user", content: "" }), "messages.0.content: empty string"],
  ["an empty list of parts", say(), "messages.0.content: empty list"],
  ["null content", talk({ role: "user", content: null }), "messages.0.content: no list"],
  [
    "an empty assistant message",
    talk({ role: "assistant", content: null }),
    "messages.0.content: null in an assistant",
  ],
  [
    "a thinking block",
    say({ type: "thinking", thinking: "x" }),
    "messages.0.content.0: thinking part",
  ],
  ["a tool_use block", say({ type: "tool_use", id: "a" }), "messages.0.content.0: tool_use part"],
  [
    "an empty text part",
    say({ type: "text", text: "" }),
    "messages.0.content.0.text: empty string",
  ],
  [
    "a foreign key in a part",
    say({ type: "text", text: "x", citations: [] }),
    "messages.0.content.0: unknown keys citations",
  ],
  [
    "a foreign key in a message",
    talk({ ...hello, is_error: true }),
    "messages.0: unknown keys is_error",
  ],
  [
    "a doubled data prefix",
    say(image("data:image/png;base64,data:image/png;base64,iVBO")),
    "messages.0.content.0.image_url.url: no URL",
  ],
  [
    "an undefined media type",
    say(image("data:undefined;base64,undefined")),
    "messages.0.content.0.image_url.url: no URL",
  ],
  [
    "an image in a tool message",
    talk(calls(call("a")), result("a", [image("https://x.y/z")])),
    "messages.1.content.0: image_url part",
  ],
  [
    "a bogus breakpoint",
    say({ type: "text", text: "x", cache_control: { type: "x" } }),
    "messages.0.content.0.cache_control.type: is not",
  ],
  [
    "a call without result",
    talk(calls(call("a")), hello),
    "messages.1: user message before the results of a",
  ],
  [
    "a call without result at the end",
    talk(calls(call("a"), call("b")), result("a")),
    "messages: end before the results of b",
  ],
  [
    "a system message before the result",
    talk(calls(call("a")), { role: "system", content: "x" }, result("a")),
    "messages.1: system message",
  ],
  ["an orphan tool message", talk(hello, result("a")), "messages.1: tool message for a"],
  [
    "two results for one call",
    talk(calls(call("a")), result("a"), result("a")),
    "messages.2: tool message for a",
  ],
  [
    "one id in two turns",
    talk(calls(call("a")), result("a"), calls(call("a")), result("a")),
    "messages.2.tool_calls.0.id: a is taken",
  ],
  [
    "an empty list of calls",
    talk({ ...calls(), content: "x" }),
    "messages.0.tool_calls: empty list",
  ],
  [
    "an object for arguments",
    talk(calls(call("a", { arguments: {} })), result("a")),
    "messages.0.tool_calls.0.function.arguments: no string",
  ],
  [
    "a list in the arguments",
    talk(calls(call("a", { arguments: "[]" })), result("a")),
    "messages.0.tool_calls.0.function.arguments: no JSON object",
  ],
  [
    "a long name in a call",
    talk(calls(call("a", { name: "n".repeat(65) })), result("a")),
    "messages.0.tool_calls.0.function.name: n",
  ],
  ["an empty list of tools", { ...base, tools: [] }, "tools: empty list"],
  [
    "a tool in Anthropic's form",
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
  ["two tools of one name", { ...base, tools: [tool, tool] }, "tools: two tools of one name"],
  ["a choice without tools", { ...base, tool_choice: "auto" }, "tool_choice: without tools"],
  ["Anthropic's any", { ...base, tools: [tool], tool_choice: "any" }, "tool_choice: no object"],
  ["a choice that is no tool", {
    ...base,
    tools: [tool],
    tool_choice: { type: "function", function: { name: "B" } },
  }, "tool_choice.function.name: no tool B"],
  ["five stops", { ...base, stop: ["1", "2", "3", "4", "5"] }, "stop: more than four"],
  [
    "a budget that leaves nothing",
    { ...base, reasoning: { max_tokens: 4096 } },
    "reasoning.max_tokens: 4096 of 4096",
  ],
  [
    "effort and budget",
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
  Deno.test(`checkChatRequest passes ${name}`, () => checkChatRequest(body));
}

for (const [name, body, problem] of BAD) {
  Deno.test(`checkChatRequest refuses ${name}`, () => {
    assertThrows(() => checkChatRequest(body), AssertionError, problem);
  });
}
