/**
 * Conversations: what is sent to the model in turns, resumed sessions, subagents and summaries.
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import {
  buildCallEvents,
  deltaEvent,
  messageReply,
  readLastResult,
  readTexts,
  streamResponse,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

test("shows a response and its cost", async () => {
  await using session = await startSession();
  const usage = {
    prompt_tokens: 1200,
    completion_tokens: 34,
    prompt_tokens_details: { cached_tokens: 1000 },
  };
  const run = await session.prompt("Say hello", [messageReply({ text: "Hello 世界", usage })]);
  assertEquals([run.text, run.isError, run.code], ["Hello 世界", false, 0]);
  assertStringIncludes(readTexts(session.upstreamRequests[0], "user"), "Say hello");
  const { input_tokens, cache_read_input_tokens, output_tokens } = asRecord(run.result["usage"]);
  assertEquals([input_tokens, cache_read_input_tokens, output_tokens], [200, 1000, 34]);
});

test("sends system text upstream without its billing header", async () => {
  await using session = await startSession({ args: ["--model", "openai/gpt-5.1"] });
  await session.prompt("Say hello", [textReply("Hello")]);
  const [received] = session.clientRequests;
  assertMatch(JSON.stringify(received?.body["system"]), /x-anthropic-billing-header/);
  const messages = received?.body["messages"];
  assert(
    Array.isArray(messages) && messages.some(({ role }) => role === "system"),
    "no system message",
  );
  const [request] = session.upstreamRequests;
  const roles = request?.messages.map((message) => message.role);
  assertEquals(roles, ["system", "user", "system"]);
  assertStringIncludes(readTexts(request, "system"), session.work);
  assertFalse(JSON.stringify(request).includes("billing-header"));
});

test("sends the model's thinking back unchanged, with its signature", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
  const call = { name: "Bash", input: { command: "echo thought" } };
  await session.prompt("Think", [
    () =>
      streamResponse([
        sse(roleChunk()),
        deltaEvent({ reasoning_details: [{ ...detail, text: "Let me " }] }),
        deltaEvent({ reasoning_details: [{ ...detail, text: "think 世界" }] }),
        deltaEvent({ reasoning_details: [{ ...detail, signature: "c2lnbmF0dXJl" }] }),
        ...buildCallEvents(call, 0),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    textReply("Thought"),
  ]);
  const turn = session.upstreamRequests[1]?.messages.find((message) =>
    message.role === "assistant"
  );
  assertEquals(turn?.reasoning_details, [
    { ...detail, text: "Let me think 世界", signature: "c2lnbmF0dXJl" },
  ]);
});

const SUBAGENT_MODES: [mode: string, input: JsonObject][] = [
  ["in the foreground", { run_in_background: false }],
  ["in its default mode", {}],
];

for (const [mode, more] of SUBAGENT_MODES) {
  test(`runs a subagent ${mode} and returns its response to the model`, async () => {
    await using session = await startSession();
    const prompt = "Count the moons of Saturn";
    const agent = { description: "Count moons", subagent_type: "general-purpose" };
    const run = await session.prompt("Delegate", (request) => {
      const userText = readTexts(request, "user");
      if (userText.includes(prompt) && !userText.includes("Delegate")) {
        return textReply("I see 274")(request);
      }
      if (readTexts(request).includes("I see 274")) return textReply("Saturn has 274")(request);
      if (readLastResult(request) !== "") return textReply("It is being counted")(request);
      return toolCallReply({ name: "Agent", input: { ...agent, prompt, ...more } })(request);
    });
    assertEquals([run.text, run.isError], ["Saturn has 274", false]);
    assert(session.clientRequests.some(({ headers }) => headers.has("x-claude-code-agent-id")));
    assert(session.upstreamRequests.length <= 4, `${session.upstreamRequests.length} requests`);
  });
}

test("continues with --resume under the same session id", async () => {
  await using session = await startSession({ args: ["--model", "sonnet"] });
  const first = await session.prompt("My number is 4711", [textReply("Noted")]);
  const second = await session.prompt("Which number?", [textReply("4711")], {
    args: ["--resume", first.sessionId],
  });
  assertEquals([second.text, second.isError], ["4711", false]);
  const [before, after] = session.upstreamRequests;
  assertStringIncludes(readTexts(after, "user"), "My number is 4711");
  assertStringIncludes(readTexts(after, "assistant"), "Noted");
  assertStringIncludes(readTexts(after, "user"), "Which number?");
  assertEquals(after?.session_id, before?.session_id);
  assertEquals(after?.session_id, first.sessionId);
});

test("compacts with /compact and continues from the summary", async () => {
  await using session = await startSession({ args: ["--model", "sonnet"] });
  const { sessionId } = await session.prompt("My first word is aardvark", [
    textReply("Aardvark it is"),
  ]);
  const resume = { args: ["--resume", sessionId] };
  await session.prompt("My second word is zebra", [textReply("Zebra it is")], resume);
  const compacted = await session.prompt("/compact", [
    textReply("<analysis>short</analysis>\n<summary>Two animals were named.</summary>"),
  ], resume);
  assertFalse(compacted.isError, compacted.text);
  assertStringIncludes(readTexts(session.upstreamRequests[2], "user"), "zebra");
  await session.prompt("How many?", [textReply("Two")], resume);
  const text = readTexts(session.upstreamRequests[3]);
  assertStringIncludes(text, "Two animals were named.");
  assertFalse(text.includes("Aardvark it is"), "the conversation before the summary is still sent");
});

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
