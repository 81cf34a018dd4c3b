/** Tests which fields are reported as dropped: lib/anthropic/dropped_fields.ts. @module */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import { assistant, PIXEL, text, user } from "../helpers/messages.ts";
import { testGrowths } from "../helpers/scaling.ts";

type Json = Record<string, unknown>;

function listDropped(request: Json): string[] {
  const messages = [user(text("Hello"))];
  return parseMessagesRequest({ model: "m", max_tokens: 10, messages, ...request }).droppedFields;
}

const call = { type: "tool_use", id: "call_1", name: "Read", input: {} };
const result = { type: "tool_result", tool_use_id: "call_1", content: "ok" };
const source = { type: "base64", media_type: "image/png", data: PIXEL };
const image = { type: "image", source };
const tool = { name: "Read", input_schema: { type: "object" } };
const search = { type: "web_search_20250305", name: "web_search" };
const hits = { type: "web_search_tool_result", tool_use_id: "s", content: [] };

const inUser = (...content: unknown[]): Json => ({ messages: [user(...content)] });
const inAssistant = (...content: unknown[]): Json => ({
  messages: [user(text("Go")), assistant(...content)],
});

/** Requests with a value in one field, by the name that the field has in the report. */
const PLACES: Record<string, (value: unknown) => Json> = {
  "tool_use.caller": (caller) => inAssistant({ ...call, caller }),
  "tool_use.toolset_name": (toolset_name) => inAssistant({ ...call, toolset_name }),
  "tool_result.toolset_name": (toolset_name) => inUser({ ...result, toolset_name }),
  "image.transformations": (transformations) => inUser({ ...image, transformations }),
  "messages.clear_at": (clear_at) => ({ messages: [{ ...user(text("Go")), clear_at }] }),
  "messages.output_config": (output_config) => ({
    messages: [{ ...user(text("Go")), output_config }],
  }),
  "tools.allowed_callers": (allowed_callers) => ({ tools: [{ ...tool, allowed_callers }] }),
  "tools.input_examples": (input_examples) => ({ tools: [{ ...tool, input_examples }] }),
  "tools.use_cache": (use_cache) => ({ tools: [{ ...tool, use_cache }] }),
  "tools.response_inclusion": (response_inclusion) => ({
    tools: [{ ...tool, response_inclusion }],
  }),
  "text.citations": (citations) => inUser(text("Hello", { citations })),
  "output_config.task_budget": (task_budget) => ({ output_config: { task_budget } }),
};

/** The same for fields that the API does not have, at every level of a request. */
const UNKNOWN: Record<string, (value: unknown) => Json> = {
  "later": (later) => ({ later }),
  "__proto__": (value) => JSON.parse(`{"__proto__":${JSON.stringify(value) ?? null}}`),
  "messages.later": (later) => ({ messages: [{ ...user(text("Go")), later }] }),
  "text.later": (later) => inUser(text("Hello", { later })),
  "text.cache_control.later": (later) => ({
    system: [text("Be brief.", { cache_control: { type: "ephemeral", later } })],
  }),
  "image.source.later": (later) => inUser({ ...image, source: { ...source, later } }),
  "document.source.later": (later) =>
    inUser({ type: "document", source: { type: "url", url: "https://a.example", later } }),
  "search_result.later": (later) =>
    inUser({ type: "search_result", source: "s", title: "t", content: [text("x")], later }),
  "thinking.later": (later) => inAssistant({ type: "thinking", thinking: "", later }),
  "server_tool_use.later": (later) =>
    inAssistant({ type: "server_tool_use", id: "s", name: "web_search", input: {}, later }),
  "web_search_tool_result.later": (later) => inAssistant({ ...hits, later }),
  "web_search_result.later": (later) =>
    inAssistant({
      ...hits,
      content: [{ type: "web_search_result", title: "t", url: "https://a.example", later }],
    }),
  // Claude Code sends it when it adds a tool that upstream runs.
  "tool_addition.cache_control": (cache_control) => ({
    messages: [user(text("Go")), {
      role: "system",
      content: [{
        type: "tool_addition",
        tool: { type: "tool_reference", name: "advisor" },
        cache_control,
      }],
    }],
  }),
  "tool_reference.later": (later) =>
    inUser({ ...result, content: [{ type: "tool_reference", tool_name: "Read", later }] }),
  "tools.later": (later) => ({ tools: [{ ...tool, later }] }),
  "tools.cache_control": (later) => ({ tools: [{ ...search, cache_control: later }] }),
  "tools.user_location.later": (later) => ({
    tools: [{ ...search, user_location: { type: "approximate", later } }],
  }),
  "tool_choice.later": (later) => ({ tools: [tool], tool_choice: { type: "any", later } }),
  "metadata.later": (later) => ({ metadata: { user_id: "u", later } }),
  "output_config.later": (later) => ({ output_config: { effort: "low", later } }),
  "output_config.format.later": (later) => ({
    output_config: { format: { type: "json_schema", schema: {}, later } },
  }),
  "thinking.block_binding": (later) => ({ thinking: { type: "adaptive", block_binding: later } }),
  "fallbacks.later": (later) => ({ fallbacks: [{ model: "m", later }] }),
  "context_management.later": (later) => ({ context_management: { later } }),
  "context_management.clear_thinking_20251015.later": (later) => ({
    context_management: { edits: [{ type: "clear_thinking_20251015", later }] },
  }),
};

/** Default values, which have no effect. */
const DEFAULTS: readonly (readonly [string, unknown])[] = [
  ["tool_use.caller", { type: "direct" }],
  ["image.transformations", { oversized_image: "downsize" }],
  ["messages.clear_at", "never"],
  ["tools.allowed_callers", ["direct"]],
  ["tools.use_cache", true],
  ["tools.response_inclusion", "full"],
  ["text.citations", { enabled: false }],
  ["text.citations", []],
  ["text.citations", null],
];

for (const [name, place] of Object.entries({ ...PLACES, ...UNKNOWN })) {
  Deno.test(`parseMessagesRequest reports ${name} if it is given`, () => {
    assertEquals(listDropped(place([{ some: "thing" }])), [name]);
    assertEquals(listDropped(place(undefined)), []);
    assertEquals(listDropped(place(null)), []);
  });
}

for (const [name, value] of DEFAULTS) {
  Deno.test(`parseMessagesRequest does not report ${name} with its default ${JSON.stringify(value)}`, () => {
    assertEquals(listDropped(PLACES[name]?.(value) ?? {}), []);
  });
}

Deno.test("parseMessagesRequest reports every value that has an effect", () => {
  const values = [{ enabled: true }, { enabled: "false" }, {}, [null], "", "x", 0, false, true];
  for (const value of values) {
    assertEquals(listDropped(inUser(text("Hello", { citations: value }))), ["text.citations"]);
  }
  for (const [name, value] of DEFAULTS.slice(0, 6)) {
    assertEquals(listDropped(PLACES[name]?.([value]) ?? {}), [name]);
  }
});

Deno.test("parseMessagesRequest reports the default of one field in another", () => {
  assertEquals(listDropped(inUser({ ...image, transformations: "never" })), [
    "image.transformations",
  ]);
});

/** Values that are forwarded or dropped whole, with the name that is reported. */
const WHOLE: Record<string, [request: Json, dropped: string[]]> = {
  "the schema of a tool": [
    { tools: [{ ...tool, input_schema: { type: "object", later: { later: 1 } } }] },
    [],
  ],
  "the schema of a response": [
    { output_config: { format: { type: "json_schema", schema: { type: "object", later: 1 } } } },
    [],
  ],
  "the input of a tool call": [inAssistant({ ...call, input: { type: "later", later: 1 } }), []],
  "the state of a browser": [
    inUser({ ...result, content: [{ type: "browser_state", later: { later: 1 } }] }),
    [],
  ],
  "entries of safeguards": [
    { safeguards: [{ type: "dangerous_tool_use", later: 1 }, { type: "later", later: 1 }] },
    ["safeguards.later"],
  ],
  "a tool without a counterpart": [
    { tools: [{ type: "computer_20250124", name: "computer", display_width_px: 1 }] },
    ["tools.computer_20250124"],
  ],
  "a context edit": [
    { context_management: { edits: [{ type: "compact_20260112", trigger: { value: 1 } }] } },
    ["context_management.compact_20260112"],
  ],
  "a turn's output_config": [
    {
      messages: [user(text("Go")), { role: "system", output_config: { effort: "low", later: 1 } }],
    },
    ["messages.output_config"],
  ],
  // The translation reports these by their type.
  "a block of an unknown type": [inUser(text("Hi"), { type: "later", later: { later: 1 } }), []],
  "another server tool": [
    inAssistant({ type: "server_tool_use", id: "s", name: "code_execution", input: { code: "1" } }),
    [],
  ],
  "another addition of a tool": [{
    messages: [user(text("Go")), {
      role: "system",
      content: [{ type: "tool_addition", tool: { type: "tool_definition", name: "a" } }],
    }],
  }, []],
};

for (const [about, [request, dropped]] of Object.entries(WHOLE)) {
  Deno.test(`parseMessagesRequest does not report what is inside ${about}`, () => {
    assertEquals(listDropped(request), dropped);
  });
}

Deno.test("parseMessagesRequest does not report fields that need no translation", () => {
  const messages = [
    user(text("Go")),
    assistant(
      { type: "server_tool_use", id: "s", name: "web_search", input: { query: "q" } },
      {
        ...hits,
        content: [{
          type: "web_search_result",
          title: "t",
          url: "https://a.example",
          encrypted_content: "e",
          page_age: "1 day",
        }],
      },
    ),
  ];
  const tools = [
    { ...tool, type: "custom", eager_input_streaming: true },
    { type: "bash_20250124", name: "bash" },
    { ...search, defer_loading: true },
  ];
  const tool_choice = { type: "none", disable_parallel_tool_use: true };
  assertEquals(listDropped({ messages, tools, tool_choice }), []);
});

Deno.test("parseMessagesRequest reports at most 100 unread fields, and each name once", () => {
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`later_${n}`, 1]));
  assertEquals(listDropped(fields).length, 100);
  // Known to be dropped, so not among the 100.
  assertEquals(listDropped({ ...fields, fallbacks: "default" }).length, 101);
  const blocks = Array.from({ length: 1000 }, () => text("a", { later: 1 }));
  assertEquals(listDropped(inUser(...blocks)), ["text.later"]);
});

Deno.test("parseMessagesRequest does not repeat a long name of an unread field", () => {
  const name = "n".repeat(1_000_000);
  assertEquals(listDropped({ [name]: 1 }), ["(long name)"]);
  assertEquals(listDropped(inUser(text("a", { [name]: 1 }))), ["text.(long name)"]);
  assertEquals(listDropped({ ["n".repeat(64)]: 1 }), ["n".repeat(64)]);
  assertEquals(listDropped({ ["n".repeat(65)]: 1 }), ["(long name)"]);
});

function grow(about: string, most: number, build: (size: number) => Json) {
  const body = { model: "m", max_tokens: 10, messages: [user(text("Hello"))] };
  return {
    about,
    most,
    prepare(size: number) {
      const request: unknown = JSON.parse(JSON.stringify({ ...body, ...build(size) }));
      return () => parseMessagesRequest(request);
    },
  };
}

const list = <T>(size: number, item: (n: number) => T) =>
  Array.from({ length: size }, (_, n) => item(n));
const keys = (size: number, value: unknown) =>
  Object.fromEntries(list(size + 3000, (n) => [`later_${n}`, value]));

testGrowths("reporting unread fields", [
  grow("fields of the request", 300_000, (size) => keys(size, 1)),
  // None of them ends the search, because none is reported.
  grow("fields that are null", 300_000, (size) => keys(size, null)),
  grow("fields of a block", 300_000, (size) => inUser(text("a", keys(size, null)))),
  grow(
    "blocks with a field",
    99_000,
    (size) => inUser(...list(size, () => text("a", { later: 1 }))),
  ),
]);
