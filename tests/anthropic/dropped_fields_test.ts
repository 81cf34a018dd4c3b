/** Fields that are read and not forwarded: lib/anthropic/dropped_fields.ts. @module */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { assistant, PIXEL, text, user } from "../helpers/messages.ts";

function listUnread(request: Record<string, unknown>): string[] {
  const messages = [user(text("Hello"))];
  return parseMessagesRequest({ model: "m", max_tokens: 10, messages, ...request }).droppedFields;
}

const call = { type: "tool_use", id: "call_1", name: "Read", input: {} };
const result = { type: "tool_result", tool_use_id: "call_1", content: "ok" };
const image = {
  type: "image",
  source: { type: "base64", media_type: "image/png", data: PIXEL },
};
const tool = { name: "Read", input_schema: { type: "object" } };

/** A request with a value in one place, and the name that the place has in the report. */
const PLACES: Record<string, (value: unknown) => Record<string, unknown>> = {
  "tool_use.caller": (caller) => ({
    messages: [user(text("Go")), assistant({ ...call, caller }), user(result)],
  }),
  "tool_use.toolset_name": (toolset_name) => ({
    messages: [user(text("Go")), assistant({ ...call, toolset_name }), user(result)],
  }),
  "tool_result.toolset_name": (toolset_name) => ({
    messages: [user(text("Go")), assistant(call), user({ ...result, toolset_name })],
  }),
  "image.transformations": (transformations) => ({
    messages: [user({ ...image, transformations })],
  }),
  "messages.clear_at": (clear_at) => ({ messages: [{ ...user(text("Go")), clear_at }] }),
  "messages.output_config": (output_config) => ({
    messages: [{ ...user(text("Go")), output_config }],
  }),
  "tools.allowed_callers": (allowed_callers) => ({ tools: [{ ...tool, allowed_callers }] }),
  "tools.input_examples": (input_examples) => ({ tools: [{ ...tool, input_examples }] }),
  "text.citations": (citations) => ({ messages: [user(text("Hello", { citations }))] }),
};

/** What the places mean anyway: saying it changes nothing. */
const DEFAULTS: readonly (readonly [string, unknown])[] = [
  ["tool_use.caller", { type: "direct" }],
  ["image.transformations", { oversized_image: "downsize" }],
  ["messages.clear_at", "never"],
  ["tools.allowed_callers", ["direct"]],
  ["text.citations", { enabled: false }],
  ["text.citations", []],
  ["text.citations", null],
];

for (const [name, place] of Object.entries(PLACES)) {
  Deno.test(`${name} is reported where it is given`, () => {
    assertEquals(listUnread(place([{ some: "thing" }])), [name]);
    assertEquals(listUnread(place(undefined)), []);
  });
}

for (const [name, value] of DEFAULTS) {
  Deno.test(`${name} is not reported for ${JSON.stringify(value)}, which it means anyway`, () => {
    assertEquals(listUnread(PLACES[name]?.(value) ?? {}), []);
  });
}

Deno.test("a default of one place is reported in another", () => {
  assertEquals(listUnread({ messages: [user({ ...image, transformations: "never" })] }), [
    "image.transformations",
  ]);
});
