/**
 * Cache breakpoints: which travel, and how long what they mark is kept.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { findCacheTtl } from "../../../lib/translate/request/cache_control.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";
import { text, user } from "../../helpers/messages.ts";

type Mark = { type: "ephemeral"; ttl?: "5m" | "1h" };

const mark = (ttl?: "5m" | "1h") => ({
  cache_control: { type: "ephemeral", ...(ttl && { ttl }) } satisfies Mark,
});

function translate(request: Record<string, unknown>) {
  const parsed = parseMessagesRequest({ model: "m", max_tokens: 10, ...request });
  return translateRequest(parsed, { models: ["anthropic/claude-opus-5"] });
}

/** The texts, tool names and `*` for the top level, that carry a breakpoint upstream. */
function listMarked(request: Record<string, unknown>): string[] {
  const { body } = translate(request);
  const parts = body.messages.flatMap(({ content }) => Array.isArray(content) ? content : []);
  return [
    ...(body.tools ?? []).filter((tool) => tool.type === "function")
      .filter((tool) => tool.cache_control).map((tool) => tool.function.name),
    ...parts.filter((part) => part.cache_control).map((part) =>
      part.type === "text" ? part.text : "image"
    ),
    ...(body.cache_control ? ["*"] : []),
  ];
}

Deno.test("four breakpoints travel as they are", () => {
  const tools = [{ name: "Read", input_schema: { type: "object" }, ...mark() }];
  const system = [text("s1", mark("1h")), text("s2")];
  const messages = [user(text("u1", mark()), text("u2")), user(text("u3", mark()))];
  assertEquals(listMarked({ tools, system, messages }), ["Read", "s1", "u1", "u3"]);
  assertEquals(translate({ tools, system, messages }).dropped, []);
});

Deno.test("of more than four, the earliest of the conversation go, and are named", () => {
  const system = [text("s1", mark()), text("s2", mark())];
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, mark())));
  assertEquals(listMarked({ system, messages }), ["s1", "s2", "u3", "u4"]);
  assertEquals(translate({ system, messages }).dropped, ["cache_control"]);
});

Deno.test("the top-level breakpoint counts as one", () => {
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, mark())));
  assertEquals(listMarked({ messages, ...mark() }), ["u2", "u3", "u4", "*"]);
});

Deno.test("five breakpoints before the conversation leave it none", () => {
  const system = ["s1", "s2", "s3", "s4", "s5"].map((words) => text(words, mark()));
  assertEquals(listMarked({ system, messages: [user(text("u1", mark()))] }), [
    "s1",
    "s2",
    "s3",
    "s4",
  ]);
});

Deno.test("a breakpoint on a tool result travels on its text, with its ttl", () => {
  const call = { type: "tool_use", id: "a", name: "Read", input: {} };
  const result = { type: "tool_result", tool_use_id: "a", content: "x", ...mark("1h") };
  const messages = [user(text("u")), { role: "assistant", content: [call] }, user(result)];
  const { body } = translate({ messages });
  const [part] = body.messages.flatMap(({ role, content }) =>
    role === "tool" && Array.isArray(content) ? content : []
  );
  assertEquals(part, { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } });
});

const TTLS: [string, Record<string, unknown>, "5m" | "1h"][] = [
  ["none", { messages: [user(text("u"))] }, "5m"],
  ["five minutes", { messages: [user(text("u", mark("5m")))] }, "5m"],
  ["an hour", { messages: [user(text("u", mark("1h")))] }, "1h"],
  [
    "an hour, then five minutes",
    { system: [text("s", mark("1h"))], messages: [user(text("u", mark()))] },
    "5m",
  ],
  ["an hour at the top level", { messages: [user(text("u", mark()))], ...mark("1h") }, "1h"],
];

for (const [name, request, ttl] of TTLS) {
  Deno.test(`with breakpoints of ${name}, writes are kept for ${ttl}`, () => {
    assertEquals(findCacheTtl(translate(request).body), ttl);
  });
}

Deno.test("a single breakpoint too many is named as well", () => {
  const messages = ["u1", "u2", "u3", "u4", "u5"].map((words) => user(text(words, mark())));
  assertEquals(translate({ messages }).dropped, ["cache_control"]);
});

Deno.test("a breakpoint on a tool counts, and says how long it is kept", () => {
  const tools = [{ name: "Read", input_schema: { type: "object" }, ...mark("1h") }];
  const hour = translate({ tools, messages: [user(text("u1"))] });
  assertEquals(findCacheTtl(hour.body), "1h");
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, mark())));
  assertEquals(listMarked({ tools, messages }), ["Read", "u2", "u3", "u4"]);
});
