/**
 * Omitted thinking: its text is not sent to the client, and is sent back to the model unchanged with its signature.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import {
  buildCallEvents,
  type ChatReply,
  deltaEvent,
  readTexts,
  streamResponse,
  textReply,
} from "../replies.ts";
import { type Session, startSession, test } from "../claude_session.ts";

const TEXT = 'Let me think 世界 about "it"\n';
const SIGNATURE = "RXFZQ2hBUUFzaWduYXR1cmU=";
const DETAIL = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
const THINKING = { ...DETAIL, text: TEXT, signature: SIGNATURE };
const CLAUDE = "anthropic/claude-opus-5";

const thinkingReply: ChatReply = () =>
  streamResponse([
    sse(roleChunk()),
    deltaEvent({ reasoning_details: [{ ...DETAIL, text: TEXT.slice(0, 14) }] }),
    deltaEvent({ reasoning_details: [{ ...DETAIL, text: TEXT.slice(14) }] }),
    deltaEvent({ reasoning_details: [{ ...DETAIL, signature: SIGNATURE }] }),
    ...buildCallEvents({ name: "Bash", input: { command: "echo thought" } }, 0),
    sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
  ].map((text) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${CLAUDE}"`)));

function omitsThinking({ body: { thinking } }: Session["clientRequests"][number]): boolean {
  return isJsonObject(thinking) && thinking["display"] === "omitted";
}

/** Checks that thinking is sent back unchanged and that the client did not receive its text. */
function assertReturned({ upstreamRequests, clientRequests }: Session): void {
  const turns = upstreamRequests.flatMap(({ messages }) =>
    messages.flatMap((message) => message.role === "assistant" ? [message] : [])
  );
  const details = turns.flatMap((turn) => turn.reasoning_details ?? []);
  assert(details.length > 0, "no thinking was sent back");
  for (const detail of details) assertEquals(detail, THINKING);
  const visible = clientRequests.filter(omitsThinking).flatMap(({ body }) =>
    JSON.stringify(body["messages"]).match(/"thinking":"[^"]+/g) ?? []
  );
  assertEquals(visible, []);
}

test("sends omitted thinking back unchanged with its signature, without receiving its text", async () => {
  await using session = await startSession({
    args: ["--allowedTools", "Bash", "--model", CLAUDE],
    env: { CLAUDE_CODE_EXTRA_BODY: '{"thinking":{"type":"adaptive","display":"omitted"}}' },
  });
  const run = await session.prompt("Think", [thinkingReply, textReply("Thought")]);
  assertEquals([run.text, run.isError], ["Thought", false]);
  assert(session.clientRequests.every(omitsThinking));
  assertReturned(session);
  await session.prompt("More", [textReply("More thought")], { args: ["--resume", run.sessionId] });
  assertReturned(session);
});

test("sends a subagent's omitted thinking back unchanged, without receiving its text", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash", "--model", CLAUDE] });
  const prompt = "Count the moons of Saturn";
  const agent = { description: "Count moons", subagent_type: "general-purpose" };
  const agentCall = { name: "Agent", input: { ...agent, prompt, run_in_background: false } };
  const run = await session.prompt("Delegate", (request) => {
    const userText = readTexts(request, "user");
    if (userText.includes(prompt) && !userText.includes("Delegate")) {
      const hasResult = request.messages.some(({ role }) => role === "tool");
      return (hasResult ? textReply("I see 274") : thinkingReply)(request);
    }
    if (readTexts(request).includes("I see 274")) return textReply("Saturn has 274")(request);
    if (request.messages.some(({ role }) => role === "tool")) {
      return textReply("Being counted")(request);
    }
    return streamResponse([
      sse(roleChunk()),
      ...buildCallEvents(agentCall, 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ]);
  });
  assertEquals([run.text, run.isError], ["Saturn has 274", false]);
  // 2.1.197 disables thinking for subagents.
  if (session.clientRequests.some(omitsThinking)) assertReturned(session);
});
