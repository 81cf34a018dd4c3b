/**
 * Cache breakpoints: which are sent, and the TTL of cache writes.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { findCacheTtl } from "../../../lib/translate/request/cache_control.ts";
import { translateRequest } from "../../../lib/translate/request/request.ts";
import { text, user } from "../../helpers/messages.ts";

type Breakpoint = { type: "ephemeral"; ttl?: "5m" | "1h" };

const breakpoint = (ttl?: "5m" | "1h") => ({
  cache_control: { type: "ephemeral", ...(ttl && { ttl }) } satisfies Breakpoint,
});

function translate(request: Record<string, unknown>) {
  const parsed = parseMessagesRequest({ model: "m", max_tokens: 10, ...request });
  return translateRequest(parsed, { models: ["anthropic/claude-opus-5"] });
}

/** The texts and tool names that are sent with a breakpoint; `*` for the top level. */
function listBreakpoints(request: Record<string, unknown>): string[] {
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

Deno.test("four breakpoints are sent unchanged", () => {
  const tools = [{ name: "Read", input_schema: { type: "object" }, ...breakpoint() }];
  const system = [text("s1", breakpoint("1h")), text("s2")];
  const messages = [user(text("u1", breakpoint()), text("u2")), user(text("u3", breakpoint()))];
  assertEquals(listBreakpoints({ tools, system, messages }), ["Read", "s1", "u1", "u3"]);
  assertEquals(translate({ tools, system, messages }).dropped, []);
});

Deno.test("of more than four breakpoints, the earliest in the conversation are dropped and reported", () => {
  const system = [text("s1", breakpoint()), text("s2", breakpoint())];
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, breakpoint())));
  assertEquals(listBreakpoints({ system, messages }), ["s1", "s2", "u3", "u4"]);
  assertEquals(translate({ system, messages }).dropped, ["cache_control"]);
});

Deno.test("the top-level breakpoint counts as one", () => {
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, breakpoint())));
  assertEquals(listBreakpoints({ messages, ...breakpoint() }), ["u2", "u3", "u4", "*"]);
});

Deno.test("five breakpoints in the system prompt leave none for the conversation", () => {
  const system = ["s1", "s2", "s3", "s4", "s5"].map((words) => text(words, breakpoint()));
  assertEquals(listBreakpoints({ system, messages: [user(text("u1", breakpoint()))] }), [
    "s1",
    "s2",
    "s3",
    "s4",
  ]);
});

Deno.test("a breakpoint on a tool result is sent on its text, with its ttl", () => {
  const call = { type: "tool_use", id: "a", name: "Read", input: {} };
  const result = { type: "tool_result", tool_use_id: "a", content: "x", ...breakpoint("1h") };
  const messages = [user(text("u")), { role: "assistant", content: [call] }, user(result)];
  const { body } = translate({ messages });
  const [part] = body.messages.flatMap(({ role, content }) =>
    role === "tool" && Array.isArray(content) ? content : []
  );
  assertEquals(part, { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } });
});

const TTLS: [string, Record<string, unknown>, "5m" | "1h"][] = [
  ["no breakpoints", { messages: [user(text("u"))] }, "5m"],
  ["a breakpoint of 5m", { messages: [user(text("u", breakpoint("5m")))] }, "5m"],
  ["a breakpoint of 1h", { messages: [user(text("u", breakpoint("1h")))] }, "1h"],
  [
    "a breakpoint of 1h, then the default",
    { system: [text("s", breakpoint("1h"))], messages: [user(text("u", breakpoint()))] },
    "5m",
  ],
  ["a top-level breakpoint of 1h", {
    messages: [user(text("u", breakpoint()))],
    ...breakpoint("1h"),
  }, "1h"],
];

for (const [name, request, ttl] of TTLS) {
  Deno.test(`findCacheTtl is ${ttl} for a request with ${name}`, () => {
    assertEquals(findCacheTtl(translate(request).body), ttl);
  });
}

Deno.test("one breakpoint too many is reported", () => {
  const messages = ["u1", "u2", "u3", "u4", "u5"].map((words) => user(text(words, breakpoint())));
  assertEquals(translate({ messages }).dropped, ["cache_control"]);
});

Deno.test("a breakpoint on a tool counts towards the limit and sets the TTL", () => {
  const tools = [{ name: "Read", input_schema: { type: "object" }, ...breakpoint("1h") }];
  const translated = translate({ tools, messages: [user(text("u1"))] });
  assertEquals(findCacheTtl(translated.body), "1h");
  const messages = ["u1", "u2", "u3", "u4"].map((words) => user(text(words, breakpoint())));
  assertEquals(listBreakpoints({ tools, messages }), ["Read", "u2", "u3", "u4"]);
});
