/** The order and form of chat messages: lib/translate/request/messages.ts. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import { translateMessages } from "../../../lib/translate/request/messages.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";

type Turn = anthropic.MessageParam;

function translate(turns: Turn[], model = "a/b") {
  const dropped = new Set<string>();
  const context = { model, dropped, names: new ToolNames(["a.b"]) };
  const messages: unknown = JSON.parse(JSON.stringify(translateMessages(turns, context)));
  return { messages, dropped: [...dropped] };
}

const EPHEMERAL = { type: "ephemeral" as const };
const text = (words: string, more: { cache_control?: anthropic.CacheControl } = {}) => ({
  type: "text" as const,
  text: words,
  ...more,
});
const call = (id: string, name = "Read"): anthropic.ToolUseBlock => ({
  type: "tool_use",
  id,
  name,
  input: { x: 1 },
});
const result = (id: string, content: anthropic.ToolResultBlock["content"] = id) => ({
  type: "tool_result" as const,
  tool_use_id: id,
  content,
});
const user = (...content: anthropic.UserContent[]): Turn => ({ role: "user", content });
const assistant = (...content: anthropic.AssistantContent[]): Turn => ({
  role: "assistant",
  content,
});
const system = (...content: anthropic.SystemContent[]): Turn => ({ role: "system", content });
const image: anthropic.ImageBlock = { type: "image", source: { type: "url", url: "https://a/b" } };
const IMAGE = { type: "image_url", image_url: { url: "https://a/b" } };
const MISSING = "(no result: the tool was not run)";
const sentCalls = (...ids: string[]) => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({
    id,
    type: "function",
    function: { name: "Read", arguments: '{"x":1}' },
  })),
});
const tool = (tool_call_id: string, content = tool_call_id) => ({
  role: "tool",
  tool_call_id,
  content,
});
const intro = (id: string) => text(`Images from the result of tool call ${id}:`);

/** Turns → messages. */
const CONVERSATIONS: [about: string, turns: Turn[], messages: unknown[]][] = [
  ["no turns", [], []],
  ["empty turns", [user(), assistant(), system()], []],
  ["a turn of one text", [user(text("a"))], [{ role: "user", content: "a" }]],
  ["a turn of two texts", [user(text("a"), text("b"))], [
    { role: "user", content: [text("a"), text("b")] },
  ]],
  ["a turn of one cached text", [user(text("a", { cache_control: EPHEMERAL }))], [
    { role: "user", content: [text("a", { cache_control: EPHEMERAL })] },
  ]],
  ["a turn of one image", [user(image)], [{ role: "user", content: [IMAGE] }]],
  ["several turns of a user", [user(text("a")), system(text("s")), user(text("b"))], [
    { role: "user", content: "a" },
    { role: "system", content: "s" },
    { role: "user", content: "b" },
  ]],
  ["texts of an assistant", [assistant(text("a"), text("\n"), text("b"))], [
    { role: "assistant", content: "a\nb" },
  ]],
  ["white space of an assistant", [assistant(text(" \n")), user(text("a"))], [
    { role: "user", content: "a" },
  ]],
  ["white space beside a call", [assistant(text("\n\n"), call("c"))], [
    sentCalls("c"),
    tool("c", MISSING),
  ]],
  ["cached texts of an assistant, without the empty ones", [
    assistant(text("a"), text(" "), text("b", { cache_control: EPHEMERAL })),
  ], [{ role: "assistant", content: [text("a"), text("b", { cache_control: EPHEMERAL })] }]],
  ["a web search between texts", [
    assistant(text("a"), { type: "web_search", query: "q" }, text("b")),
  ], [{ role: "assistant", content: "a\nWeb search: q\nb" }]],
  ["results in another order than their calls", [
    assistant(call("c"), call("d"), call("e")),
    user(result("e"), text("a"), result("c")),
    user(text("b"), result("d")),
    user(text("z")),
  ], [
    sentCalls("c", "d", "e"),
    tool("c"),
    tool("d"),
    tool("e"),
    { role: "user", content: "a" },
    { role: "user", content: "b" },
    { role: "user", content: "z" },
  ]],
  ["the images of two results", [
    assistant(call("c"), call("d")),
    user(result("d", [image]), result("c", [text("x"), image])),
  ], [
    sentCalls("c", "d"),
    tool("c", "x"),
    tool("d", "(image in the next message)"),
    { role: "user", content: [intro("c"), IMAGE, intro("d"), IMAGE] },
  ]],
  ["two calls of one id in a turn, whose results come in order", [
    assistant(call("c"), call("c")),
    user(result("c", "first"), result("c", "second")),
  ], [sentCalls("c", "c_r2"), tool("c", "first"), tool("c_r2", "second")]],
  ["a second result of a call", [
    assistant(call("c")),
    user(result("c", "first"), result("c", "second")),
  ], [
    sentCalls("c"),
    tool("c", "first"),
    { role: "user", content: "Result of an earlier tool call (c):\nsecond" },
  ]],
  ["a result that comes a turn too late", [
    assistant(call("c")),
    assistant(text("a")),
    user(result("c", "late")),
  ], [
    sentCalls("c"),
    tool("c", MISSING),
    { role: "assistant", content: "a" },
    { role: "user", content: "Result of an earlier tool call (c):\nlate" },
  ]],
  ["turns of an assistant that follow each other", [assistant(text("a")), assistant(text("b"))], [
    { role: "assistant", content: "a" },
    { role: "assistant", content: "b" },
  ]],
];

for (const [about, turns, messages] of CONVERSATIONS) {
  Deno.test(`translateMessages translates ${about}`, () => {
    assertEquals(translate(turns), { messages, dropped: [] });
  });
}

Deno.test("translateMessages reports what it cannot send", () => {
  const cached = { ...call("c"), cache_control: EPHEMERAL };
  const { dropped } = translate([
    user({ type: "unsupported", blockType: "u" }),
    system({ type: "unsupported", blockType: "s" }),
    assistant({ type: "unsupported", blockType: "a" }, cached, call("d")),
    user(result("c", [{ type: "unsupported", blockType: "r" }])),
  ]);
  assertEquals(dropped.toSorted(), ["a", "r", "s", "tool_use.cache_control", "u"]);
});

Deno.test("translateMessages sends the upstream name of a tool", () => {
  const { messages } = translate([assistant(call("c", "a.b"))]);
  const name = new ToolNames(["a.b"]).toUpstream("a.b");
  const sent = { id: "c", type: "function", function: { name, arguments: '{"x":1}' } };
  assertEquals(messages, [
    { role: "assistant", content: null, tool_calls: [sent] },
    tool("c", MISSING),
  ]);
});

Deno.test("translateMessages sends Claude only ids that it accepts, to call and result", () => {
  const { messages } = translate([assistant(call("or-c-3a1")), user(result("or-c-3a1", "x"))]);
  assertEquals(messages, [sentCalls("c:1"), tool("c:1", "x")]);
  const claude = translate(
    [assistant(call("or-c-3a1")), user(result("or-c-3a1", "x"))],
    "anthropic/c",
  );
  assertEquals(claude.messages, [sentCalls("or-c-3a1"), tool("or-c-3a1", "x")]);
});

Deno.test("translateMessages sends reasoning without text, with the ids of its first calls", () => {
  const detail = { type: "reasoning.encrypted", data: "x", id: "c" };
  const data = `claudeproxy-reasoning-v1:${JSON.stringify({ family: "a", detail })}`;
  const thought: anthropic.AssistantContent = { type: "redacted_thinking", data };
  assertEquals(translate([assistant(thought)]).messages, [
    { role: "assistant", content: null, reasoning_details: [detail] },
  ]);
  const turns = [assistant(call("c")), assistant(thought, call("c"), call("c"))];
  assertEquals(translate(turns).messages, [
    sentCalls("c"),
    tool("c", MISSING),
    { ...sentCalls("c_r2", "c_r3"), reasoning_details: [{ ...detail, id: "c_r2" }] },
    tool("c_r2", MISSING),
    tool("c_r3", MISSING),
  ]);
});
