// Parameters and tools of upstream requests.

import { assertEquals, assertMatch } from "@std/assert";
import { requestBody } from "../helpers/proxy.ts";
import { replyWith } from "../helpers/replies.ts";
import { readUpstreamBody, sendAll, sendOne } from "../helpers/upstream_body.ts";

type Json = Record<string, unknown>;

const SCHEMA = { type: "object", properties: { path: { type: "string" } } };
const READ = { name: "Read", input_schema: SCHEMA };

/** Requests → fields of the upstream body; undefined for a field that must be absent. */
const ROWS: [name: string, body: Json, expected: Json][] = [
  [
    'tool_choice any becomes "required"',
    { tools: [READ], tool_choice: { type: "any" } },
    { tool_choice: "required" },
  ],
  [
    'tool_choice none becomes "none"',
    { tools: [READ], tool_choice: { type: "none" } },
    { tool_choice: "none" },
  ],
  [
    "disable_parallel_tool_use becomes parallel_tool_calls false",
    { tools: [READ], tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    { tool_choice: "auto", parallel_tool_calls: false },
  ],
  [
    "stop_sequences, top_p and top_k are forwarded",
    { stop_sequences: ["END"], top_p: 0.5, top_k: 40 },
    { stop: ["END"], top_p: 0.5, top_k: 40 },
  ],
  [
    "adaptive thinking with high effort becomes enabled reasoning with that effort",
    { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
    { reasoning: { enabled: true, effort: "high" } },
  ],
  [
    "output_config.format becomes response_format",
    { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    {
      response_format: {
        type: "json_schema",
        json_schema: { name: "response", strict: true, schema: SCHEMA },
      },
    },
  ],
  [
    "a custom tool becomes a function without the type custom",
    { tools: [{ ...READ, type: "custom", description: "Reads" }] },
    {
      tools: [{
        type: "function",
        function: { name: "Read", description: "Reads", parameters: SCHEMA },
      }],
    },
  ],
  ["max_tokens is forwarded", { max_tokens: 32_000 }, { max_tokens: 32_000 }],
];

for (const [name, body, expected] of ROWS) {
  Deno.test(name, async () => {
    const seen = await readUpstreamBody(requestBody(body));
    assertEquals(
      Object.fromEntries(Object.keys(expected).map((key) => [key, seen[key]])),
      expected,
    );
  });
}

const GPT = "openai/gpt-5";

Deno.test("max_tokens is clamped to the limit of the model", async () => {
  const models = [{ id: GPT, top_provider: { max_completion_tokens: 16_000 } }];
  const bodies = [GPT, "a/other"].map((model) => requestBody({ model, max_tokens: 32_000 }));
  const { seen } = await sendAll(bodies, { models });
  assertEquals(seen.map((body) => body["max_tokens"]), [16_000, 32_000]);
});

Deno.test("Claude model names are mapped to OpenRouter IDs", async () => {
  const env = {
    TARGET_MODEL_OPUS: "x/opus",
    TARGET_MODEL_BIG: "x/big",
    TARGET_MODEL_SMALL: "x/small",
    TARGET_MODEL_DEFAULT: "x/default",
  };
  const names: Record<string, string> = {
    "claude-sonnet-4-20250514": "x/big",
    "claude-3-5-sonnet-latest": "x/big",
    "claude-opus-4-1-20250805": "x/opus",
    "claude-haiku-4-5": "x/small",
    "claude-instant-1": "x/default",
  };
  const bodies = Object.keys(names).map((model) => requestBody({ model }));
  const { seen } = await sendAll(bodies, { env });
  assertEquals(seen.map(({ model }) => model), Object.values(names));
  const { seen: byDefault } = await sendAll(bodies);
  for (const { model } of byDefault) assertMatch(String(model), /^[a-z]+\/[\w.-]+$/);
});

Deno.test("POST /v1/messages with max_tokens 0 returns no content", async () => {
  const { seen, message } = await sendOne({ max_tokens: 0 }, replyWith({}));
  assertEquals(seen.body["max_tokens"], 1);
  assertEquals([message.content, message.stop_reason], [[], "max_tokens"]);
});
