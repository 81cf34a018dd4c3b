/**
 * Names of models, effort and thinking: what the settings of Claude Code become upstream.
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VARIABLES } from "../../../lib/config.ts";
import type { Reasoning } from "../../../lib/openrouter/types.ts";
import { says } from "../model.ts";
import { startSession, test } from "../session.ts";

const GPT = "openai/gpt-5.1";

for (
  const [name, variable] of [
    ["opus", "TARGET_MODEL_OPUS"],
    ["sonnet", "TARGET_MODEL_BIG"],
    ["haiku", "TARGET_MODEL_SMALL"],
    ["sonnet[1m]", "TARGET_MODEL_BIG"],
  ] as const
) {
  test(`with --model ${name} gets the model of ${variable}`, async () => {
    await using session = await startSession();
    const run = await session.ask("Hello", [says("Hello")], { args: ["--model", name] });
    assertEquals([run.text, run.isError], ["Hello", false]);
    const target = VARIABLES.find((one) => one.name === variable)?.default;
    assertEquals(session.upstream[0]?.model, target);
  });
}

for (const name of [GPT, `${GPT}[1m]`, "anthropic/claude-sonnet-4.5"]) {
  test(`with --model ${name} gets that model of OpenRouter's`, async () => {
    await using session = await startSession();
    const run = await session.ask("Hello", [says("Hello")], { args: ["--model", name] });
    assertEquals([run.text, run.isError], ["Hello", false]);
    assertEquals(session.upstream[0]?.model, name.replace("[1m]", ""));
  });
}

const SETTINGS: {
  name: string;
  model: string;
  args?: string[];
  env?: Record<string, string>;
  reasoning: Reasoning;
}[] = [
  {
    name: "--effort low",
    model: GPT,
    args: ["--effort", "low"],
    reasoning: { enabled: true, effort: "low" },
  },
  {
    name: "--effort max",
    model: "opus",
    args: ["--effort", "max"],
    reasoning: { enabled: true, effort: "max" },
  },
  {
    name: "a budget that an older Claude takes",
    model: "anthropic/claude-sonnet-4.5",
    env: { MAX_THINKING_TOKENS: "9000" },
    reasoning: { max_tokens: 9000 },
  },
  {
    name: "no budget at all for an older Claude",
    model: "anthropic/claude-sonnet-4.5",
    env: { MAX_THINKING_TOKENS: "0" },
    reasoning: { enabled: false },
  },
  {
    // It then sends effort alone: no word on thinking, so nothing tells the proxy that it was turned off.
    name: "no budget at all for another vendor's model",
    model: GPT,
    env: { MAX_THINKING_TOKENS: "0" },
    reasoning: { effort: "high" },
  },
];

for (const { name, model, args = [], env = {}, reasoning } of SETTINGS) {
  test(`with ${name} asks ${model} for ${JSON.stringify(reasoning)}`, async () => {
    await using session = await startSession({ args: ["--model", model, ...args], env });
    await session.ask("Hello", [says("Hello")]);
    assertEquals(session.upstream[0]?.reasoning, reasoning);
  });
}

test("finds the listed models that are named like Claude's", async () => {
  await using session = await startSession({
    models: [
      { id: GPT, name: "GPT 5.1", created: 1 },
      { id: "anthropic/claude-sonnet-4.5", name: "Sonnet 4.5", created: 2 },
    ],
    env: {
      CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: undefined,
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "127.0.0.1",
    },
  });
  const run = await session.ask("Hello", [says("Hello")]);
  assertEquals(run.isError, false);
  const asked = session.visits.find(({ path }) => path.startsWith("/v1/models"));
  assertEquals([asked?.path, asked?.status], ["/v1/models?limit=1000", 200]);
  const cache = await Deno.readTextFile(`${session.home}/.claude/cache/gateway-models.json`);
  assertStringIncludes(cache, '{"id":"anthropic/claude-sonnet-4.5","display_name":"Sonnet 4.5"}');
});
