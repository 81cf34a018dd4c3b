/**
 * Model names, effort and thinking: settings of Claude Code and the resulting upstream requests.
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VARIABLES } from "../../../lib/config.ts";
import type { Reasoning } from "../../../lib/openrouter/types.ts";
import { textReply } from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

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
    const run = await session.prompt("Hello", [textReply("Hello")], { args: ["--model", name] });
    assertEquals([run.text, run.isError], ["Hello", false]);
    const target = VARIABLES.find(({ name }) => name === variable)?.default;
    assertEquals(session.upstreamRequests[0]?.model, target);
  });
}

for (const name of [GPT, `${GPT}[1m]`, "anthropic/claude-sonnet-4.5"]) {
  test(`with --model ${name} gets that OpenRouter model`, async () => {
    await using session = await startSession();
    const run = await session.prompt("Hello", [textReply("Hello")], { args: ["--model", name] });
    assertEquals([run.text, run.isError], ["Hello", false]);
    assertEquals(session.upstreamRequests[0]?.model, name.replace("[1m]", ""));
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
    name: "MAX_THINKING_TOKENS=9000",
    model: "anthropic/claude-sonnet-4.5",
    env: { MAX_THINKING_TOKENS: "9000" },
    reasoning: { max_tokens: 9000 },
  },
  {
    name: "MAX_THINKING_TOKENS=0",
    model: "anthropic/claude-sonnet-4.5",
    env: { MAX_THINKING_TOKENS: "0" },
    reasoning: { enabled: false },
  },
  {
    // The client then sends only effort, so the proxy cannot know that thinking was turned off.
    name: "MAX_THINKING_TOKENS=0",
    model: GPT,
    env: { MAX_THINKING_TOKENS: "0" },
    reasoning: { effort: "high" },
  },
];

for (const { name, model, args = [], env = {}, reasoning } of SETTINGS) {
  test(`with ${name} sends ${model} the reasoning options ${JSON.stringify(reasoning)}`, async () => {
    await using session = await startSession({ args: ["--model", model, ...args], env });
    await session.prompt("Hello", [textReply("Hello")]);
    assertEquals(session.upstreamRequests[0]?.reasoning, reasoning);
  });
}

test("discovers the listed models whose ids contain claude", async () => {
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
  const run = await session.prompt("Hello", [textReply("Hello")]);
  assertEquals(run.isError, false);
  const listRequest = session.otherRequests.find(({ path }) => path.startsWith("/v1/models"));
  assertEquals([listRequest?.path, listRequest?.status], ["/v1/models?limit=1000", 200]);
  const cache = await Deno.readTextFile(`${session.home}/.claude/cache/gateway-models.json`);
  assertStringIncludes(cache, '{"id":"anthropic/claude-sonnet-4.5","display_name":"Sonnet 4.5"}');
});
