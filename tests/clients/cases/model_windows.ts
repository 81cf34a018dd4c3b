/**
 * The context length of each model, as the launcher passes it to Claude Code: shown by `/context`, and kept by
 * compaction, also after `/model`.
 */

import { assert, assertEquals } from "@std/assert";
import { createHarness, type Harness } from "../../helpers/launcher.ts";
import { launch, toChatRequest } from "../launcher.ts";
import { skipQuestions, startInTerminal, testInTerminal } from "../terminal.ts";
import { type ChatReply, errorReply, messageReply, readTexts, textReply } from "../replies.ts";
import { test, VERSION } from "../claude_session.ts";

const WINDOWS: Record<string, number> = {
  "vendor/small": 65_536,
  "vendor/medium": 200_000,
  "vendor/large": 400_000,
  "vendor/huge": 1_000_000,
};
const MODELS = Object.entries(WINDOWS).map(([id, context_length]) => ({ id, context_length }));
/** It has one window for all models of at least 100,000 tokens. */
const HAS_ONE_WINDOW = VERSION === "2.1.197";
/** Tool results until a window is full. */
const STEPS = 10;
/** Smaller than what Claude Code keeps free, because it learns of each step only from the response. */
const stepOf = (window: number) => Math.min(30_000, window / STEPS);

/**
 * Models whose conversation grows with each tool result, and which reject what does not fit. They stop calling when
 * they have made `calls` calls.
 */
function simulateModels({ calls, step = stepOf }: {
  calls: number;
  step?: (window: number) => number;
}) {
  const counts = { rejected: 0, calls: 0, compactedAt: [] as number[] };
  const reply: ChatReply = (request) => {
    const window = WINDOWS[request.model] ?? 0;
    const isCompaction = readTexts(request, "user").includes("create a detailed summary");
    const results = request.messages.filter(({ role }) => role === "tool").length;
    const first = Math.max(Math.min(20_000, window / 5), window - STEPS * step(window));
    const tokens = first + step(window) * results;
    if (tokens > window) {
      counts.rejected++;
      return errorReply(
        400,
        `This endpoint's maximum context length is ${window} tokens. However, you requested ` +
          `about ${tokens} tokens. Please reduce the length.`,
      )(request);
    }
    const usage = { prompt_tokens: tokens, completion_tokens: 100 };
    if (isCompaction) {
      counts.compactedAt.push(tokens);
      return messageReply({ text: "<summary>It ran echo.</summary>", usage })(request);
    }
    if (counts.calls >= calls) return messageReply({ text: "Done", usage })(request);
    const call = { name: "Bash", input: { command: `echo ${counts.calls++}` } };
    return messageReply({ calls: [call], usage })(request);
  };
  return { counts, reply };
}

function startHarness(reply: ChatReply): Harness {
  return createHarness((request) => reply(toChatRequest(request)), { models: MODELS });
}

for (const [id, window] of Object.entries(WINDOWS)) {
  test(`started by the launcher with a model of ${window} tokens compacts before it overflows`, async () => {
    const { counts, reply } = simulateModels({ calls: STEPS + 4 });
    await using harness = startHarness(reply);
    const exit = await launch(harness, {
      args: ["-p", "--allowedTools", "Bash", "--", "Run echo"],
      env: { TARGET_MODEL_OPUS: id, TARGET_MODEL_BIG: id, TARGET_MODEL_SMALL: id },
    });
    assertEquals([exit.code, exit.stdout, counts.rejected], [0, "Done\n", 0], exit.stderr);
    assert(counts.compactedAt.length >= 1, "no compaction");
    // Not much earlier than necessary either: Claude Code keeps 33,000 tokens for its own use.
    const earliest = window - 33_000 - 2 * stepOf(window);
    assert((counts.compactedAt[0] ?? 0) >= earliest, `compacted at ${counts.compactedAt}`);
  });
}

const TARGETS = {
  TARGET_MODEL_OPUS: "vendor/medium",
  TARGET_MODEL_BIG: "vendor/large",
  TARGET_MODEL_SMALL: "vendor/small",
  TARGET_MODEL_FABLE: "vendor/huge",
};

testInTerminal("started by the launcher shows each model's own window in /context", async () => {
  await using harness = startHarness(textReply("Hello"));
  skipQuestions(harness);
  await using terminal = await startInTerminal(harness, { env: TARGETS });
  const shown: string[] = [];
  for (const name of ["opus", "sonnet", "haiku", "fable"]) {
    await terminal.enter(`/model ${name}`, /Set model to [^\n]*/);
    const line = await terminal.enter("/context", /[\d.]+k?\/[\d.]+[km] tokens/);
    shown.push(/\/([\d.]+[km]) tokens/.exec(line)?.[1] ?? line);
  }
  const expected = HAS_ONE_WINDOW
    ? ["200k", "200k", "65.5k", "200k"]
    : ["200k", "400k", "65.5k", "1m"];
  assertEquals(shown, expected);
  await terminal.quit();
});

testInTerminal("started by the launcher continues with a smaller model after /model", async () => {
  const { counts, reply } = simulateModels({ calls: 6, step: () => 40_000 });
  await using harness = startHarness(reply);
  skipQuestions(harness);
  const env = { ...TARGETS, TARGET_MODEL_OPUS: "vendor/large", TARGET_MODEL_BIG: "vendor/medium" };
  await using terminal = await startInTerminal(harness, { args: ["--allowedTools", "Bash"], env });
  await terminal.enter("Run echo", /Done/);
  await terminal.enter("/model sonnet", /Switch model\?/);
  await terminal.press("Enter");
  await terminal.waitFor(/Set model to vendor\/medium/);
  await terminal.enter("Go on", /Done/);
  const models = harness.upstream.requests.map(({ body }) => body["model"]);
  assertEquals(models.at(-1), "vendor/medium");
  assert(counts.compactedAt.length >= 1, "no compaction");
  await terminal.quit();
});
