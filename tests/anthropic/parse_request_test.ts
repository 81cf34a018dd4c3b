// Invalid requests, with the API's own wording and path in the error, and unusual requests that are valid. Blocks and
// tools are in parse_messages_test.ts.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { toInvalidInput } from "../../lib/anthropic/parse_messages.ts";
import { parseCountRequest, parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import type { MessagesRequest } from "../../lib/anthropic/types.ts";
import { ApiError } from "../../lib/errors.ts";
import {
  assistant,
  type Bad,
  BLOCK,
  body,
  BOOLEAN,
  call,
  good,
  hello,
  INTEGER,
  LIST,
  NO_CONTENT,
  NOT_EMPTY,
  OBJECT,
  refuse,
  REQUIRED,
  result,
  schema,
  source,
  STRING,
  tag,
  testRefusals,
  tool,
  turn,
  user,
  without,
} from "../helpers/invalid_requests.ts";

const BODIES: Bad[] = [
  ["null", null, OBJECT],
  ["a list", [good], OBJECT],
  ["a string", "Hello", OBJECT],
  ["a number", 1, OBJECT],
  ["an empty object, by its model", {}, `model: ${REQUIRED}`],
  ["a body with only a model, by its max_tokens", { model: "m" }, `max_tokens: ${REQUIRED}`],
  ["a body without messages", without(good, "messages"), `messages: ${REQUIRED}`],
  ["a body without model", without(good, "model"), `model: ${REQUIRED}`],
  ["a null model", body({ model: null }), `model: ${STRING}`],
  ["an empty model", body({ model: "" }), `model: ${NOT_EMPTY}`],
  ["a body without max_tokens", without(good, "max_tokens"), `max_tokens: ${REQUIRED}`],
  [
    "max_tokens -1",
    body({ max_tokens: -1 }),
    "max_tokens: Input should be greater than or equal to 0",
  ],
  [
    "max_tokens 0 with a stream",
    body({ max_tokens: 0, stream: true }),
    "max_tokens: 0 cannot be combined with stream",
  ],
  [
    "max_tokens 0 with thinking",
    body({ max_tokens: 0, thinking: { type: "enabled", budget_tokens: 1024 } }),
    "max_tokens: 0 cannot be combined with thinking",
  ],
  [
    "max_tokens 0 with a format",
    body({ max_tokens: 0, output_format: { type: "json_schema", schema: {} } }),
    "max_tokens: 0 cannot be combined with output_config.format",
  ],
  [
    "max_tokens 0 with a forced tool",
    body({
      max_tokens: 0,
      tools: [{ name: "Bash", input_schema: { type: "object" } }],
      tool_choice: { type: "any" },
    }),
    "max_tokens: 0 cannot be combined with tool_choice",
  ],
  ...["tool", "any"].map((type): Bad => [
    `max_tokens 0 with a tool_choice of ${type}`,
    { ...tool({}), max_tokens: 0, tool_choice: { type, name: "Bash" } },
    "max_tokens: 0 cannot be combined with tool_choice",
  ]),
  [
    "a format of another type",
    body({ output_config: { format: { type: "text" } } }),
    "output_config.format.type: Input should be 'json_schema'",
  ],
  ["a fallback that is not an object", body({ fallbacks: ["m"] }), `fallbacks.0: ${OBJECT}`],
  ["a fallback without a model", body({ fallbacks: [{}] }), `fallbacks.0.model: ${REQUIRED}`],
  ["fallbacks that are another word", body({ fallbacks: "none" }), `fallbacks: ${LIST}`],
  [
    "an unknown keep of a clear_thinking edit",
    body({
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: { type: "some" } }] },
    }),
    `context_management.edits.0.clear_thinking_20251015.keep: ${
      tag("some", "all", "thinking_turns")
    }`,
  ],
  [
    "context_management as a list",
    body({ context_management: [] }),
    `context_management: ${OBJECT}`,
  ],
  [
    "a context edit that is not an object",
    body({ context_management: { edits: ["x"] } }),
    `context_management.edits.0: ${OBJECT}`,
  ],
  [
    "a format that is not an object",
    body({ output_config: { format: "json" } }),
    `output_config.format: ${OBJECT}`,
  ],
  ["an unknown speed", body({ speed: "slow" }), "speed: Input should be 'standard' or 'fast'"],
  [
    "an unknown service tier",
    body({ service_tier: "gold" }),
    "service_tier: Input should be 'auto' or 'standard_only'",
  ],
  [
    "a context edit without a type",
    body({ context_management: { edits: [{}] } }),
    `context_management.edits.0.type: ${REQUIRED}`,
  ],
  [
    "a clear_thinking edit that keeps no turns",
    body({
      context_management: {
        edits: [{ type: "clear_thinking_20251015", keep: { type: "thinking_turns", value: 0 } }],
      },
    }),
    "context_management.edits.0.clear_thinking_20251015.keep.thinking_turns.value: " +
    "Input should be greater than or equal to 1",
  ],
  ["max_tokens as a string", body({ max_tokens: "1024" }), `max_tokens: ${INTEGER}`],
  ["max_tokens 1.5", body({ max_tokens: 1.5 }), `max_tokens: ${INTEGER}`],
  ["stream as a word", body({ stream: "yes" }), `stream: ${BOOLEAN}`],
  [
    "temperature 2",
    body({ temperature: 2 }),
    "temperature: Input should be less than or equal to 1",
  ],
  [
    "temperature -1",
    body({ temperature: -1 }),
    "temperature: Input should be greater than or equal to 0",
  ],
  [
    "temperature as a string",
    body({ temperature: "1" }),
    "temperature: Input should be a valid number",
  ],
  ["top_p 1.1", body({ top_p: 1.1 }), "top_p: Input should be less than or equal to 1"],
  ["top_p -2", body({ top_p: -2 }), "top_p: Input should be greater than or equal to 0"],
  ["top_k -2", body({ top_k: -2 }), "top_k: Input should be greater than or equal to 0"],
  ["top_k 1.5", body({ top_k: 1.5 }), `top_k: ${INTEGER}`],
  ["stop_sequences as a string", body({ stop_sequences: "END" }), `stop_sequences: ${LIST}`],
  [
    "a number among stop_sequences",
    body({ stop_sequences: ["END", 1] }),
    `stop_sequences.1: ${STRING}`,
  ],
  ["metadata as a string", body({ metadata: "user" }), `metadata: ${OBJECT}`],
  ["a number as user_id", body({ metadata: { user_id: 1 } }), `metadata.user_id: ${STRING}`],
  ["output_config as a list", body({ output_config: [] }), `output_config: ${OBJECT}`],
  [
    "effort ultra",
    body({ output_config: { effort: "ultra" } }),
    "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
  ],
  [
    "a format without schema",
    body({ output_config: { format: { type: "json_schema" } } }),
    `output_config.format.schema: ${REQUIRED}`,
  ],
  ["a boolean as thinking", body({ thinking: true }), `thinking: ${OBJECT}`],
  [
    "an unknown thinking type",
    body({ thinking: { type: "deep" } }),
    `thinking: ${tag("deep", "enabled", "adaptive", "disabled", "between_tools")}`,
  ],
  [
    "a thinking budget of 10",
    body({ thinking: { type: "enabled", budget_tokens: 10 } }),
    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
  ],
  [
    "thinking without budget",
    body({ thinking: { type: "enabled" } }),
    `thinking.enabled.budget_tokens: ${REQUIRED}`,
  ],
  ["system as a number", body({ system: 1 }), `system: ${LIST}`],
  [
    "an image block in system",
    body({ system: [{ type: "image", source }] }),
    `system.0: ${tag("image", "text")}`,
  ],
  ["a string among system blocks", body({ system: ["Be brief."] }), `system.0: ${OBJECT}`],
];

const MESSAGES: Bad[] = [
  ["no messages", body({ messages: [] }), "messages: at least one message is required"],
  ["messages as a string", body({ messages: "Hello" }), `messages: ${LIST}`],
  ["null messages", body({ messages: null }), `messages: ${LIST}`],
  ["a null message", body({ messages: [hello, null] }), `messages.1: ${OBJECT}`],
  ["a string among messages", turn("Hello"), `messages.0: ${OBJECT}`],
  ["a message without role", turn({ content: "Hello" }), `messages.0.role: ${REQUIRED}`],
  [
    "an unknown role",
    turn({ role: "tool", content: "x" }),
    "messages.0.role: Input should be 'user', 'assistant' or 'system'",
  ],
  ["a number as role", turn({ role: 1, content: "x" }), `messages.0.role: ${STRING}`],
  ["a message without content", turn({ role: "user" }), `messages.0.content: ${REQUIRED}`],
  ["a number as content", turn({ role: "assistant", content: 1 }), `messages.0.content: ${LIST}`],
  [
    "an object as content",
    turn({ role: "user", content: { type: "text", text: "x" } }),
    `messages.0.content: ${LIST}`,
  ],
  ["an empty user message", turn({ role: "user", content: "" }), NO_CONTENT],
  ["a user message without blocks", user(), NO_CONTENT],
  ["a user message of empty text", user({ type: "text", text: "" }), NO_CONTENT],
  [
    "an image in a system turn",
    turn({ role: "system", content: [{ type: "image", source }] }),
    `${BLOCK}: ${tag("image", "text", "tool_addition")}`,
  ],
];

testRefusals([...BODIES, ...MESSAGES]);

Deno.test("parseMessagesRequest refuses a continued thread in the words the SDK's tool runner acts on", () => {
  const error = refuse(body({ thread: { type: "continue", previous_message_id: "msg_1" } }));
  assertMatch(error.message, /^thread: /);
  assertEquals(error.details, {
    error_code: "thread_unsupported_request",
    unsupported: ["thread"],
  });
});

Deno.test("parseMessagesRequest refuses a compaction request", () => {
  assertMatch(refuse(body({ compaction: { type: "summarize" } })).message, /^compaction: /);
});

const VALID: [name: string, body: unknown][] = [
  ["unknown top-level fields", body({ foo: 1, user_profile_id: "u", "": null })],
  ["unknown betas", body({ betas: ["never-heard-of-2030-01-01"] })],
  ["unknown fields of blocks and tools", {
    ...user({ type: "text", text: "x", citations: null, foo: 1 }),
    ...tool({ foo: 1 }),
  }],
  ["a created thread", body({ thread: { type: "create" } })],
  ["thinking display", body({ thinking: { type: "adaptive", display: "omitted" } })],
  ["context_management without edits", body({ context_management: { edits: [] } })],
  ["a system turn at the start", turn({ role: "system", content: "Be brief." })],
  [
    "a system turn without content",
    body({ messages: [hello, { role: "system", output_config: { effort: "low" } }] }),
  ],
  ["an empty assistant turn", body({ messages: [hello, { role: "assistant", content: "" }] })],
  [
    "a conversation that starts with the assistant",
    body({ messages: [{ role: "assistant", content: "Hi" }] }),
  ],
  ["a tool name that upstream rejects", tool({ name: "github.issues/list" })],
  ["max_tokens 0 with a tool choice of none", {
    ...tool({}),
    ...body({ max_tokens: 0, tool_choice: { type: "none" } }),
  }],
  ["a tool of type custom", tool({ type: "custom" })],
  ["max_tokens 0 with adaptive thinking", body({ max_tokens: 0, thinking: { type: "adaptive" } })],
  ["max_tokens 0 with a tool choice of auto", {
    ...tool({}),
    ...body({ max_tokens: 0, tool_choice: { type: "auto" } }),
  }],
  ["max_tokens 1 with a stream", body({ max_tokens: 1, stream: true })],
  ["a user_id of no characters", body({ metadata: { user_id: "" } })],
  ["a tool without schema type", tool({ input_schema: {} })],
];

for (const [name, request] of VALID) {
  Deno.test(`parseMessagesRequest takes ${name}`, () => {
    parseMessagesRequest(request);
  });
}

Deno.test("parseMessagesRequest treats null as absent for every optional field", () => {
  const keys = [
    ...["system", "stream", "stop_sequences", "temperature", "top_p", "top_k", "thinking", "tools"],
    ...["tool_choice", "metadata", "service_tier", "inference_geo", "speed", "cache_control"],
    ...["container", "output_config", "diagnostics", "context_management", "mcp_servers", "thread"],
    ...[
      "output_format",
      "compaction",
      "fallbacks",
      "fallback_credit_token",
      "billing_policy",
      "betas",
    ],
  ];
  const nulls = Object.fromEntries(keys.map((key) => [key, null]));
  assertEquals(parseMessagesRequest(body(nulls)), parseMessagesRequest(good));
});

Deno.test("parseMessagesRequest treats null as absent for optional fields at every level", () => {
  const withNulls = parseMessagesRequest(body({
    metadata: { user_id: null },
    output_config: { effort: null, format: null, task_budget: null },
    tools: [{
      type: null,
      name: "Bash",
      description: null,
      input_schema: schema,
      cache_control: null,
      strict: null,
      defer_loading: null,
    }],
    tool_choice: { type: "auto", disable_parallel_tool_use: null },
    system: [{ type: "text", text: "Be brief.", cache_control: null, citations: null }],
    messages: [
      {
        role: "user",
        content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral", ttl: null } }],
      },
      { role: "assistant", content: [{ ...call, cache_control: null, caller: null }] },
      {
        role: "user",
        content: [{ ...result, content: null, is_error: null, cache_control: null }],
      },
    ],
  }));
  const plain = parseMessagesRequest(body({
    tools: [{ name: "Bash", input_schema: schema }],
    tool_choice: { type: "auto" },
    system: "Be brief.",
    messages: [
      {
        role: "user",
        content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral" } }],
      },
      { role: "assistant", content: [call] },
      { role: "user", content: [result] },
    ],
  }));
  // As JSON: an optional field that is undefined equals one that is absent.
  assertEquals(JSON.stringify(withNulls), JSON.stringify(plain));
});

Deno.test("parseMessagesRequest keeps an input that is not an object as text or JSON", () => {
  const parse = (input: unknown) => {
    const content = [{ type: "tool_use", id: "a", name: "b", input }];
    const messages = [hello, { role: "assistant", content }];
    const turn = parseMessagesRequest(body({ messages })).messages[1];
    const [block] = turn?.role === "assistant" ? turn.content : [];
    return block?.type === "tool_use" ? block.input : null;
  };
  assertEquals(parse("abc"), toInvalidInput("abc"));
  assertEquals(parse([1]), toInvalidInput("[1]"));
  assertEquals(parse({ a: 1 }), { a: 1 });
});

Deno.test("parseMessagesRequest takes thinking without signature", () => {
  const { messages } = parseMessagesRequest(assistant({ type: "thinking", thinking: "Hm." }));
  assertEquals(messages[0]?.content, [{ type: "thinking", thinking: "Hm.", signature: "" }]);
});

Deno.test("parseMessagesRequest takes blocks of server tools and of unknown types in the history", () => {
  const types = [
    ...["server_tool_use", "web_fetch_tool_result", "mcp_tool_use", "mcp_tool_result"],
    ...["code_execution_tool_result", "bash_code_execution_tool_result", "mcp_tool_listing"],
    ...["text_editor_code_execution_tool_result", "tool_search_tool_result"],
    ...["advisor_tool_result", "fallback", "never_heard_of"],
  ];
  const blocks = types.map((type) => ({ type, id: "s" }));
  const unsupported = types.map((type) => ({ type: "unsupported", blockType: type }));
  for (
    const request of [assistant(...blocks), user(...blocks), user({ ...result, content: blocks })]
  ) {
    const [block, ...rest] = parseMessagesRequest(request).messages[0]?.content ?? [];
    const content = block?.type === "tool_result" ? block.content : [block, ...rest];
    assertEquals<unknown>(content, unsupported);
  }
});

Deno.test("parseCountRequest needs no max_tokens", () => {
  assertEquals(parseCountRequest(without(good, "max_tokens")).messages.length, 1);
});

Deno.test("parseCountRequest takes the model and the prompt, and nothing that concerns the response", () => {
  const prompt = {
    system: "Be brief.",
    tools: [{ name: "Bash", input_schema: schema }],
    tool_choice: { type: "auto" },
    context_management: { edits: [{ type: "clear_thinking_20251015" }] },
  };
  const settings = {
    stream: true,
    stop_sequences: ["a"],
    fallbacks: [{ model: "m" }],
    safeguards: [{ type: "dangerous_tool_use" }],
    thinking: { type: "enabled", budget_tokens: 1024 },
    temperature: 1,
  };
  const { model, messages, system, tools, tool_choice, manages_context, thinking_turns } =
    parseMessagesRequest(body(prompt));
  assertEquals(parseCountRequest(body({ ...prompt, ...settings, later: 1 })), {
    model,
    messages,
    system,
    tools,
    tool_choice,
    manages_context,
    thinking_turns,
    max_tokens: 1,
    stream: false,
    stop_sequences: [],
    fallbacks: [],
    safeguards: false,
    droppedFields: [],
  });
  assertEquals([manages_context, thinking_turns], [true, 1]);
});

Deno.test("parseMessagesRequest has a default for every option", () => {
  assertEquals(JSON.parse(JSON.stringify(parseMessagesRequest(good))), {
    ...good,
    messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
    system: [],
    tools: [],
    manages_context: false,
    safeguards: false,
    stream: false,
    stop_sequences: [],
    fallbacks: [],
    droppedFields: [],
  });
});

Deno.test("parseMessagesRequest takes every value of every option, at its limits", () => {
  const enabled = (budget_tokens: number) => ({ type: "enabled", budget_tokens });
  const cases: [keys: Record<string, unknown>, field: keyof MessagesRequest, value: unknown][] = [
    [{ max_tokens: 0 }, "max_tokens", 0],
    [{ max_tokens: 1, stream: true }, "stream", true],
    ...[0, 0.5, 1].flatMap((value): typeof cases => [
      [{ temperature: value }, "temperature", value],
      [{ top_p: value }, "top_p", value],
    ]),
    [{ top_k: 0 }, "top_k", 0],
    [{ top_k: 40 }, "top_k", 40],
    // LangChain.js sends it for absent.
    [{ top_p: -1 }, "top_p", undefined],
    [{ top_k: -1 }, "top_k", undefined],
    [{ thinking: enabled(1024) }, "thinking", { ...enabled(1024), display: undefined }],
    ...["adaptive", "disabled", "between_tools"].map((type): typeof cases[0] => [
      { thinking: { type } },
      "thinking",
      { type, display: undefined },
    ]),
    [
      { thinking: { ...enabled(2000), display: "omitted" } },
      "thinking",
      { ...enabled(2000), display: "omitted" },
    ],
    [
      { thinking: { type: "adaptive", display: "summarized" } },
      "thinking",
      { type: "adaptive", display: undefined },
    ],
    ...["low", "medium", "high", "xhigh", "max"].map((effort): typeof cases[0] => [
      { output_config: { effort } },
      "effort",
      effort,
    ]),
    [{ speed: "fast", service_tier: "standard_only" }, "service_tier", "priority"],
    [{ speed: "standard", service_tier: "standard_only" }, "service_tier", "standard"],
    [{ service_tier: "standard_only" }, "service_tier", "standard"],
    [{ service_tier: "auto" }, "service_tier", undefined],
    [{ speed: "standard" }, "service_tier", undefined],
    [{ fallbacks: [{ model: "a" }, { model: "b" }] }, "fallbacks", ["a", "b"]],
    [{ fallbacks: "default" }, "fallbacks", []],
    [{ safeguards: { type: "dangerous_tool_use" } }, "safeguards", true],
    [{ safeguards: [{ type: "later" }, { type: "dangerous_tool_use" }] }, "safeguards", true],
    [{ safeguards: [{ type: "later" }] }, "safeguards", false],
    [{ metadata: { user_id: "u" } }, "user_id", "u"],
    [{ cache_control: { type: "ephemeral", ttl: "1h" } }, "cache_control", {
      type: "ephemeral",
      ttl: "1h",
    }],
    [
      { output_config: { format: { type: "json_schema", schema } }, output_format: 1 },
      "output_schema",
      schema,
    ],
    [{ output_format: { type: "json_schema", schema } }, "output_schema", schema],
    [{ context_management: { edits: [{ type: "later" }] } }, "thinking_turns", undefined],
    ...[
      [undefined, 1],
      ["all", undefined],
      [{ type: "all" }, undefined],
      [{ type: "thinking_turns", value: 1 }, 1],
      [{ type: "thinking_turns", value: 7 }, 7],
    ].map(([keep, turns]): typeof cases[0] => [
      { context_management: { edits: [{ type: "clear_thinking_20251015", keep }] } },
      "thinking_turns",
      turns,
    ]),
  ];
  for (const [keys, field, value] of cases) {
    assertEquals<unknown>(parseMessagesRequest(body(keys))[field], value, JSON.stringify(keys));
  }
});

Deno.test("parseMessagesRequest reports options that it drops", () => {
  const cases: [keys: Record<string, unknown>, dropped: string[]][] = [
    [{ fallbacks: "default" }, ["fallbacks"]],
    [{ thread: { type: "create" } }, ["thread"]],
    [{ mcp_servers: [{ name: "s" }] }, ["mcp_servers"]],
    [{ mcp_servers: [] }, []],
    [{ safeguards: [{ type: "dangerous_tool_use" }] }, []],
    [{ safeguards: [{ type: "" }] }, ["safeguards"]],
    [{ safeguards: [1] }, ["safeguards"]],
    [{ safeguards: "on" }, ["safeguards"]],
    [{ safeguards: { type: "later" } }, ["safeguards.later"]],
    [{ thinking: { type: "adaptive", budget_tokens: 1 } }, ["thinking.budget_tokens"]],
    [{ compaction: null }, []],
  ];
  for (const [keys, dropped] of cases) {
    assertEquals(parseMessagesRequest(body(keys)).droppedFields, dropped, JSON.stringify(keys));
  }
});

Deno.test("parseMessagesRequest reports the output_config of a turn that changes the effort", () => {
  const cases: [request: unknown, turn: unknown, dropped: string[]][] = [
    [{ effort: "low" }, { effort: "low" }, []],
    [{ effort: "low" }, { effort: null }, []],
    [{ effort: "low" }, {}, []],
    [{ effort: "low" }, { effort: "low", format: null }, []],
    [{ effort: "low" }, { effort: "high" }, ["messages.output_config"]],
    [undefined, { effort: "low" }, ["messages.output_config"]],
    [{ effort: "low" }, { effort: "low", format: "low" }, ["messages.output_config"]],
    [{ effort: "low" }, "low", ["messages.output_config"]],
  ];
  for (const [output_config, ofTurn, dropped] of cases) {
    const messages = [{ ...hello, output_config: ofTurn }];
    const request = parseMessagesRequest(body({ output_config, messages }));
    assertEquals(request.droppedFields, dropped, JSON.stringify([output_config, ofTurn]));
  }
});

Deno.test("parseMessagesRequest reads the effort of a system turn, and drops an unknown one", () => {
  const effortOf = (effort: unknown) => {
    const messages = [hello, { role: "system", content: "x", output_config: { effort } }];
    const turn = parseMessagesRequest(body({ messages })).messages[1];
    return turn?.role === "system" ? turn.effort : null;
  };
  const efforts = ["low", "medium", "high", "xhigh", "max", "ultra", 1];
  assertEquals<unknown>(efforts.map(effortOf), [...efforts.slice(0, 5), undefined, undefined]);
});

Deno.test("parseCountRequest refuses invalid requests", () => {
  const cases: Bad[] = [
    ["", null, OBJECT],
    ["", {}, `model: ${REQUIRED}`],
    ["", { model: "m" }, `messages: ${REQUIRED}`],
    ["", { model: "m", messages: [] }, "messages: at least one message is required"],
  ];
  for (const [, bad, message] of cases) {
    const error = assertThrows(() => parseCountRequest(bad), ApiError);
    assertEquals([error.type, error.status, error.message], [
      "invalid_request_error",
      400,
      message,
    ]);
  }
});
