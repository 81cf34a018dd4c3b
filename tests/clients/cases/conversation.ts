/**
 * Conversations: what is sent to the model in turns, resumed sessions, subagents and summaries.
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import {
  answers,
  buildCallChunks,
  calls,
  deltaChunk,
  readLastResult,
  readTexts,
  says,
  streams,
} from "../model.ts";
import { startSession, test } from "../session.ts";

test("shows a response and its cost", async () => {
  await using session = await startSession();
  const usage = {
    prompt_tokens: 1200,
    completion_tokens: 34,
    prompt_tokens_details: { cached_tokens: 1000 },
  };
  const run = await session.ask("Say hello", [answers({ text: "Hello 世界", usage })]);
  assertEquals([run.text, run.isError, run.code], ["Hello 世界", false, 0]);
  assertStringIncludes(readTexts(session.upstream[0], "user"), "Say hello");
  const { input_tokens, cache_read_input_tokens, output_tokens } = asRecord(run.result["usage"]);
  assertEquals([input_tokens, cache_read_input_tokens, output_tokens], [200, 1000, 34]);
});

test("sends system text upstream without its billing header", async () => {
  await using session = await startSession({ args: ["--model", "openai/gpt-5.1"] });
  await session.ask("Say hello", [says("Hello")]);
  const [asked] = session.asked;
  assertMatch(JSON.stringify(asked?.body["system"]), /x-anthropic-billing-header/);
  const turns = asked?.body["messages"];
  assert(Array.isArray(turns) && turns.some((turn) => turn.role === "system"), "no system turn");
  const [request] = session.upstream;
  const roles = request?.messages.map((message) => message.role);
  assertEquals(roles, ["system", "user", "system"]);
  assertStringIncludes(readTexts(request, "system"), session.work);
  assertFalse(JSON.stringify(request).includes("billing-header"));
});

test("sends the model's thinking back unchanged, with its signature", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
  const call = { name: "Bash", input: { command: "echo thought" } };
  await session.ask("Think", [
    () =>
      streams([
        sse(roleChunk()),
        deltaChunk({ reasoning_details: [{ ...detail, text: "Let me " }] }),
        deltaChunk({ reasoning_details: [{ ...detail, text: "think 世界" }] }),
        deltaChunk({ reasoning_details: [{ ...detail, signature: "c2lnbmF0dXJl" }] }),
        ...buildCallChunks(call, 0),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    says("Thought"),
  ]);
  const turn = session.upstream[1]?.messages.find((message) => message.role === "assistant");
  assertEquals(turn?.reasoning_details, [
    { ...detail, text: "Let me think 世界", signature: "c2lnbmF0dXJl" },
  ]);
});

const WAYS: [string, JsonObject][] = [
  ["in the foreground", { run_in_background: false }],
  ["in the way that is its default", {}],
];

for (const [how, more] of WAYS) {
  test(`runs a subagent ${how}, and its answer goes back to the model`, async () => {
    await using session = await startSession();
    const prompt = "Count the moons of Saturn";
    const kind = { description: "Count moons", subagent_type: "general-purpose" };
    const run = await session.ask("Delegate", (request) => {
      const said = readTexts(request, "user");
      if (said.includes(prompt) && !said.includes("Delegate")) return says("I see 274")(request);
      if (readTexts(request).includes("I see 274")) return says("Saturn has 274")(request);
      if (readLastResult(request) !== "") return says("It is being counted")(request);
      return calls({ name: "Agent", input: { ...kind, prompt, ...more } })(request);
    });
    assertEquals([run.text, run.isError], ["Saturn has 274", false]);
    assert(session.asked.some(({ headers }) => headers.has("x-claude-code-agent-id")));
    assert(session.upstream.length <= 4, `${session.upstream.length} requests`);
  });
}

test("continues with --resume under the same session id", async () => {
  await using session = await startSession({ args: ["--model", "sonnet"] });
  const first = await session.ask("My number is 4711", [says("Noted")]);
  const second = await session.ask("Which number?", [says("4711")], {
    args: ["--resume", first.sessionId],
  });
  assertEquals([second.text, second.isError], ["4711", false]);
  const [before, after] = session.upstream;
  assertStringIncludes(readTexts(after, "user"), "My number is 4711");
  assertStringIncludes(readTexts(after, "assistant"), "Noted");
  assertStringIncludes(readTexts(after, "user"), "Which number?");
  assertEquals(after?.session_id, before?.session_id);
  assertEquals(after?.session_id, first.sessionId);
});

test("compacts with /compact and continues from the summary", async () => {
  await using session = await startSession({ args: ["--model", "sonnet"] });
  const { sessionId } = await session.ask("My first word is aardvark", [says("Aardvark it is")]);
  const resume = { args: ["--resume", sessionId] };
  await session.ask("My second word is zebra", [says("Zebra it is")], resume);
  const compacted = await session.ask("/compact", [
    says("<analysis>short</analysis>\n<summary>Two animals were named.</summary>"),
  ], resume);
  assertFalse(compacted.isError, compacted.text);
  assertStringIncludes(readTexts(session.upstream[2], "user"), "zebra");
  await session.ask("How many?", [says("Two")], resume);
  const user = readTexts(session.upstream[3]);
  assertStringIncludes(user, "Two animals were named.");
  assertFalse(user.includes("Aardvark it is"), "the conversation before the summary is still sent");
});

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
