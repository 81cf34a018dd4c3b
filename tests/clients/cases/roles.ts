/**
 * Which model answers in which role: subagents, fallbacks, plan mode, background agents, effort and fast mode.
 */

import { assertEquals } from "@std/assert";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import { createHarness } from "../../helpers/launcher.ts";
import { toChatRequest } from "../launcher.ts";
import { skipQuestions, startInTerminal, testInTerminal } from "../terminal.ts";
import {
  type ChatReply,
  errorReply,
  readLastResult,
  readTexts,
  textReply,
  toolCallReply,
} from "../replies.ts";
import {
  type Session,
  type SessionOptions,
  startSession,
  test,
  VERSION,
} from "../claude_session.ts";

const MAIN = "vendor/main";
const AGENT = "vendor/agent";
const TASK = "Count to three for me";

const isAgentRequest = (request: ChatRequest) => readTexts(request, "user").includes(TASK);
const isMainRequest = (request: ChatRequest) =>
  (request.tools ?? []).length > 0 && readTexts(request, "user").includes("Delegate");

/** Starts one subagent, and says "Done" when its answer has arrived. */
function delegate(input: Record<string, unknown> = {}): ChatReply {
  const call = toolCallReply({
    name: "Agent",
    input: { description: "Count", subagent_type: "counter", prompt: TASK, ...input },
  });
  return (request) => {
    if (isAgentRequest(request) && !isMainRequest(request)) return textReply("1 2 3")(request);
    return (readLastResult(request) === "" ? call : textReply("Done"))(request);
  };
}

async function startWithAgent(options: SessionOptions, model?: string): Promise<Session> {
  const session = await startSession({ args: ["--model", MAIN], ...options });
  await Deno.mkdir(session.path(".claude/agents"), { recursive: true });
  const lines = ["name: counter", "description: Counts", ...(model ? [`model: ${model}`] : [])];
  await Deno.writeTextFile(
    session.path(".claude/agents/counter.md"),
    `---\n${lines.join("\n")}\n---\nYou count.\n`,
  );
  return session;
}

/** The models of the subagent's requests. */
function listAgentModels({ upstreamRequests }: Session): string[] {
  return [
    ...new Set(
      upstreamRequests.filter((request) => isAgentRequest(request) && !isMainRequest(request))
        .map(({ model }) => model ?? ""),
    ),
  ];
}

interface AgentCase {
  name: string;
  /** `model:` in the agent's frontmatter. */
  model?: string;
  env?: Record<string, string>;
  input?: Record<string, unknown>;
  expected: string;
}

const AGENT_CASES: AgentCase[] = [
  { name: "without a model of its own", expected: MAIN },
  { name: "with an id in its frontmatter", model: AGENT, expected: AGENT },
  { name: "with an alias in its frontmatter", model: "haiku", expected: "vendor/target-of-haiku" },
  {
    name: "with CLAUDE_CODE_SUBAGENT_MODEL",
    env: { CLAUDE_CODE_SUBAGENT_MODEL: AGENT },
    expected: AGENT,
  },
  {
    name: "with CLAUDE_CODE_SUBAGENT_MODEL and an id in its frontmatter",
    model: "vendor/frontmatter",
    env: { CLAUDE_CODE_SUBAGENT_MODEL: AGENT },
    // Newer versions prefer the frontmatter.
    expected: VERSION === "2.1.197" ? AGENT : "vendor/frontmatter",
  },
  {
    name: "in the background",
    model: AGENT,
    input: { run_in_background: true },
    expected: AGENT,
  },
];

for (const { name, model, env = {}, input = {}, expected } of AGENT_CASES) {
  test(`sends a subagent's requests ${name} to ${expected}`, async () => {
    const proxyEnv = { TARGET_MODEL_SMALL: "vendor/target-of-haiku" };
    await using session = await startWithAgent({ env, proxyEnv }, model);
    const run = await session.prompt("Delegate", delegate(input));
    assertEquals([run.text, run.isError], ["Done", false]);
    assertEquals(listAgentModels(session), [expected]);
    const others = session.upstreamRequests.filter(isMainRequest).map((request) => request.model);
    assertEquals(new Set(others), new Set([MAIN]));
  });
}

const overloaded: ChatReply = (request) =>
  (request.model === MAIN ? errorReply(529, "Overloaded") : textReply("Hello"))(request);

for (
  const [name, args] of [
    ["--fallback-model", ["--fallback-model", "vendor/fallback"]],
    ["the setting fallbackModel", ["--settings", '{"fallbackModel":["vendor/fallback"]}']],
  ] as const
) {
  test(`falls back to the model of ${name} if the first is overloaded`, async () => {
    await using session = await startSession({ args: ["--model", MAIN, ...args] });
    const run = await session.prompt("Hello", overloaded);
    assertEquals([run.text, run.isError], ["Hello", false]);
    const models = session.upstreamRequests.map(({ model }) => model);
    assertEquals(models, [MAIN, MAIN, MAIN, "vendor/fallback"]);
  });
}

for (
  const [mode, target] of [["plan", "vendor/target-of-opus"], [
    "default",
    "vendor/target-of-sonnet",
  ]]
) {
  test(`with --model opusplan in ${mode} mode uses ${target}`, async () => {
    await using session = await startSession({
      args: ["--model", "opusplan", "--permission-mode", mode ?? ""],
      proxyEnv: {
        TARGET_MODEL_OPUS: "vendor/target-of-opus",
        TARGET_MODEL_BIG: "vendor/target-of-sonnet",
      },
    });
    const run = await session.prompt("Hello", [textReply("Hello")]);
    assertEquals([run.text, run.isError], ["Hello", false]);
    assertEquals(session.upstreamRequests[0]?.model, target);
    assertEquals(
      readTexts(session.upstreamRequests[0]).includes("Plan mode is active"),
      mode === "plan",
    );
  });
}

for (const [model, expected] of [["opus", "priority"], [MAIN, undefined]] as const) {
  test(`in fast mode requests the tier ${expected} for ${model}`, async () => {
    await using session = await startSession({
      args: ["--model", model, "--settings", '{"fastMode":true}'],
      env: { CLAUDE_CODE_SKIP_FAST_MODE_ORG_CHECK: "1" },
    });
    const run = await session.prompt("Hello", [textReply("Hello")]);
    assertEquals([run.text, run.isError], ["Hello", false]);
    assertEquals(session.upstreamRequests[0]?.service_tier, expected);
  });
}

testInTerminal("started by the launcher sends the effort that /effort sets", async () => {
  await using harness = createHarness((request) => textReply("Hello")(toChatRequest(request)), {
    models: [{ id: MAIN, context_length: 200_000, supported_parameters: ["tools", "reasoning"] }],
  });
  skipQuestions(harness);
  await using terminal = await startInTerminal(harness, { env: { TARGET_MODEL_OPUS: MAIN } });
  await terminal.enter("/effort low", /Set effort level to low/);
  await terminal.enter("Hi", /Hello/);
  const requests = harness.upstream.requests.map(toChatRequest);
  const last = requests.findLast(({ tools = [] }) => tools.length > 0);
  assertEquals([last?.model, last?.reasoning?.effort], [MAIN, "low"]);
  await terminal.quit();
});
