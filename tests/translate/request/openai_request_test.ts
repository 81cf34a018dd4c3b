/**
 * toOpenAiRequest on its own: dropped fields and joined texts. Tests of the handler with UPSTREAM_DIALECT=openai
 * are in tests/http/openai_dialect_test.ts.
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
import { ApiError } from "../../../lib/errors.ts";
import type * as openrouter from "../../../lib/openrouter/types.ts";
import { toOpenAiRequest } from "../../../lib/translate/request/openai_request.ts";
import { type RequestOptions, translateRequest } from "../../../lib/translate/request/request.ts";
import { call, createProxy, post, requestBody } from "../../helpers/proxy.ts";
import { completion } from "../../helpers/chunks.ts";
import { startUpstream } from "../../helpers/upstream.ts";

function translateAsk(more: Record<string, unknown>, options: Partial<RequestOptions> = {}) {
  const translated = translateRequest(parseMessagesRequest(requestBody(more)), {
    models: ["openai/gpt-5.1"],
    ...options,
  });
  const dropped = new Set<string>();
  const body: openrouter.OpenAiRequest = JSON.parse(
    JSON.stringify(toOpenAiRequest(translated.body, dropped)),
  );
  return { body, dropped: [...dropped] };
}

const DROPPED: [
  name: string,
  keys: Record<string, unknown>,
  options?: Partial<RequestOptions>,
][] = [
  ["top_k", { top_k: 3 }],
  ["service_tier", { service_tier: "standard_only" }],
  ["metadata.user_id", { metadata: { user_id: "u" } }],
  ["cache_control", { cache_control: { type: "ephemeral" } }],
  ["cache_control", {
    system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
  }],
  ["cache_control", {
    tools: [{
      name: "A",
      input_schema: { type: "object" },
      cache_control: { type: "ephemeral" },
    }],
  }],
  ["fallbacks", {}, { models: ["a/b", "c/d"] }],
  ["thinking", {
    messages: [
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "Hm.", signature: "sig" }, {
          type: "text",
          text: "Hi",
        }],
      },
      { role: "user", content: "Bye" },
    ],
  }, { models: ["anthropic/claude-sonnet-4"] }],
];

for (const [name, keys, options] of DROPPED) {
  Deno.test(`toOpenAiRequest reports ${name} as dropped: ${JSON.stringify(keys)}`, () => {
    assertEquals(translateAsk(keys, options).dropped, [name]);
  });
}

Deno.test("toOpenAiRequest joins texts once their breakpoints are removed", () => {
  const breakpoint = { cache_control: { type: "ephemeral" } };
  const { body } = translateAsk({
    system: [{ type: "text", text: "One.", ...breakpoint }, { type: "text", text: "Two." }],
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi", ...breakpoint }] },
      {
        role: "assistant",
        content: [
          { type: "text", text: "A", ...breakpoint },
          { type: "text", text: "B" },
          { type: "tool_use", id: "c", name: "A", input: {} },
        ],
      },
      {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "c",
          content: [{ type: "text", text: "x", ...breakpoint }, { type: "text", text: "y" }],
        }],
      },
    ],
  });
  assertEquals(body.messages.map(({ content }) => content), [
    "One.\n\nTwo.",
    [{ type: "text", text: "Hi" }],
    "AB",
    "x\ny",
  ]);
});

Deno.test("toOpenAiRequest sends an assistant turn of thinking only as an empty text", () => {
  const messages = [
    { role: "user", content: "Hello" },
    { role: "assistant", content: [{ type: "thinking", thinking: "Hm.", signature: "sig" }] },
    { role: "user", content: "Bye" },
  ];
  const { body } = translateAsk({ messages }, { models: ["anthropic/claude-sonnet-4"] });
  assertEquals(body.messages[1], { role: "assistant", content: "" });
});

Deno.test("toOpenAiRequest keeps a temperature of 0", () => {
  assertEquals(translateAsk({ temperature: 0 }).body.temperature, 0);
});

const TOOL = { name: "A", input_schema: { type: "object" } };
const SEARCH = { type: "web_search_20250305", name: "web_search" };
const FETCH = { type: "web_fetch_20250910", name: "web_fetch" };

/** Tools and tool choice → the tool choice that is sent. */
const CHOICES: [about: string, keys: Record<string, unknown>, choice: unknown][] = [
  ["no tool choice", { tools: [TOOL] }, undefined],
  ["auto", { tools: [TOOL], tool_choice: { type: "auto" } }, "auto"],
  ["any", { tools: [TOOL, SEARCH], tool_choice: { type: "any" } }, "required"],
  ["none", { tools: [TOOL], tool_choice: { type: "none" } }, "none"],
  ["a tool", { tools: [TOOL], tool_choice: { type: "tool", name: "A" } }, {
    type: "function",
    function: { name: "A" },
  }],
];

for (const [about, keys, choice] of CHOICES) {
  Deno.test(`toOpenAiRequest translates the tool_choice: ${about}`, () => {
    const { body } = translateAsk(keys);
    assertEquals<unknown>(body.tool_choice, choice);
    assertEquals(body.tools?.length, 1);
  });
}

Deno.test("toOpenAiRequest drops and reports the tools that only OpenRouter runs", () => {
  const { body, dropped } = translateAsk({
    tools: [SEARCH, TOOL, FETCH],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  });
  assertEquals(body.tools?.map((tool) => tool.function.name), ["A"]);
  assertEquals(body.parallel_tool_calls, false);
  assertEquals(dropped.toSorted(), ["tools.web_fetch", "tools.web_search"]);
  const alone = translateAsk({ tools: [SEARCH], tool_choice: { type: "auto" } });
  assertEquals([alone.body.tools, alone.body.tool_choice], [undefined, undefined]);
  assertEquals(alone.dropped, ["tools.web_search"]);
});

/** A choice that requires a tool that only OpenRouter runs → the names in the error. */
const REJECTED: [keys: Record<string, unknown>, names: string][] = [
  [{ tools: [SEARCH], tool_choice: { type: "any" } }, "web_search"],
  [{ tools: [SEARCH, FETCH], tool_choice: { type: "any" } }, "web_search, web_fetch"],
  [{ tools: [SEARCH], tool_choice: { type: "tool", name: "web_search" } }, "web_search"],
  [{ tools: [TOOL, FETCH], tool_choice: { type: "tool", name: "web_fetch" } }, "web_fetch"],
];

for (const [keys, names] of REJECTED) {
  Deno.test(`toOpenAiRequest rejects a tool_choice of ${names} (400): ${JSON.stringify(keys["tool_choice"])}`, () => {
    const error = assertThrows(() => translateAsk(keys), ApiError);
    assertEquals([error.type, error.status], ["invalid_request_error", 400]);
    assertEquals(
      error.message,
      `tool_choice: only OpenRouter runs ${names}, not UPSTREAM_DIALECT=openai`,
    );
  });
}

/** Thinking and effort → reasoning_effort. */
const EFFORTS: [about: string, keys: Record<string, unknown>, effort: string | undefined][] = [
  ["no thinking", {}, undefined],
  ["disabled thinking", { thinking: { type: "disabled" } }, "none"],
  ["adaptive thinking", { thinking: { type: "adaptive" } }, undefined],
  ["an effort", { output_config: { effort: "low" } }, "low"],
  ["adaptive thinking with an effort", {
    thinking: { type: "adaptive" },
    output_config: { effort: "high" },
  }, "high"],
  [
    "half of the tokens",
    { max_tokens: 4000, thinking: { type: "enabled", budget_tokens: 2000 } },
    "medium",
  ],
  ["a third of the tokens", {
    max_tokens: 6000,
    thinking: { type: "enabled", budget_tokens: 2000 },
  }, "low"],
];

for (const [about, keys, effort] of EFFORTS) {
  Deno.test(`toOpenAiRequest sends the reasoning_effort of ${about}`, () => {
    assertEquals(translateAsk(keys).body.reasoning_effort, effort);
  });
}

Deno.test("toOpenAiRequest sends the effort that Claude takes as verbosity", () => {
  const { body } = translateAsk({ output_config: { effort: "max" } }, { models: ["anthropic/c"] });
  assertEquals(body.reasoning_effort, "max");
});

Deno.test("toOpenAiRequest sends calls without text as null, and keeps plain reasoning", () => {
  const reasoning = { family: "z-ai", field: "reasoning", text: "Hm." };
  const signature = `claudeproxy-reasoning-v1:${JSON.stringify(reasoning)}`;
  const call = { type: "tool_use", id: "c", name: "A", input: {} };
  const messages = [
    { role: "user", content: "Hello" },
    { role: "assistant", content: [{ type: "thinking", thinking: "Hm.", signature }, call] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: "x" }] },
  ];
  const { body, dropped } = translateAsk({ messages }, { models: ["z-ai/glm-5"] });
  assertEquals<unknown>(body.messages, [
    { role: "user", content: "Hello" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c", type: "function", function: { name: "A", arguments: "{}" } }],
      reasoning: "Hm.",
    },
    { role: "tool", tool_call_id: "c", content: "x" },
  ]);
  assertEquals(dropped, []);
});

Deno.test("toOpenAiRequest keeps the other fields of a request", () => {
  const { body, dropped } = translateAsk({
    max_tokens: 77,
    temperature: 0.5,
    top_p: 0.25,
    stop_sequences: ["END"],
    stream: true,
    output_config: { format: { type: "json_schema", schema: { type: "object" } } },
  });
  const { messages: _messages, response_format, ...rest } = body;
  assertEquals<unknown>(rest, {
    model: "openai/gpt-5.1",
    max_completion_tokens: 77,
    temperature: 0.5,
    top_p: 0.25,
    stop: ["END"],
    stream: true,
    stream_options: { include_usage: true },
  });
  assertEquals(response_format?.type, "json_schema");
  assertEquals(dropped, []);
});

Deno.test("x-anthropic-beta is not sent with UPSTREAM_DIALECT=openai", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")), { check: () => {} });
  const { handler } = createProxy({ upstream, env: { UPSTREAM_DIALECT: "openai" } });
  const tools = [{ name: "A", input_schema: { type: "object" }, strict: true }];
  const response = await call(
    handler,
    post(requestBody({ model: "anthropic/claude-opus-4.8", tools })),
  );
  await response.body?.cancel();
  assertEquals(upstream.requests[0]?.headers.get("x-anthropic-beta"), null);
});
