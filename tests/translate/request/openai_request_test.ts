/**
 * toOpenAiRequest on its own: dropped fields and joined texts. Tests of the handler with UPSTREAM_DIALECT=openai
 * are in tests/http/openai_dialect_test.ts.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseMessagesRequest } from "../../../lib/anthropic/parse_request.ts";
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
