/**
 * Omitted thinking: its text is not sent to the client, and is sent back to the model unchanged with its signature.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import { buildCallChunks, deltaChunk, readTexts, says, type Step, streams } from "../model.ts";
import { type Session, startSession, test } from "../session.ts";

const TEXT = 'Let me think 世界 about "it"\n';
const SIGNATURE = "RXFZQ2hBUUFzaWduYXR1cmU=";
const DETAIL = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
const THOUGHT = { ...DETAIL, text: TEXT, signature: SIGNATURE };
const CLAUDE = "anthropic/claude-opus-5";

const thinks: Step = () =>
  streams([
    sse(roleChunk()),
    deltaChunk({ reasoning_details: [{ ...DETAIL, text: TEXT.slice(0, 14) }] }),
    deltaChunk({ reasoning_details: [{ ...DETAIL, text: TEXT.slice(14) }] }),
    deltaChunk({ reasoning_details: [{ ...DETAIL, signature: SIGNATURE }] }),
    ...buildCallChunks({ name: "Bash", input: { command: "echo thought" } }, 0),
    sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
  ].map((text) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${CLAUDE}"`)));

function isHidden({ body: { thinking } }: Session["asked"][number]): boolean {
  return isJsonObject(thinking) && thinking["display"] === "omitted";
}

/** The thought went up again as it came down, and the client has no words of it to show. */
function assertReturned({ upstream, asked }: Session): void {
  const turns = upstream.flatMap(({ messages }) =>
    messages.flatMap((message) => message.role === "assistant" ? [message] : [])
  );
  const details = turns.flatMap((turn) => turn.reasoning_details ?? []);
  assert(details.length > 0, "no thought went up again");
  for (const detail of details) assertEquals(detail, THOUGHT);
  const shown = asked.filter(isHidden).flatMap(({ body }) =>
    JSON.stringify(body["messages"]).match(/"thinking":"[^"]+/g) ?? []
  );
  assertEquals(shown, []);
}

test("gets no thinking text and sends it back unchanged with its signature", async () => {
  await using session = await startSession({
    args: ["--allowedTools", "Bash", "--model", CLAUDE],
    env: { CLAUDE_CODE_EXTRA_BODY: '{"thinking":{"type":"adaptive","display":"omitted"}}' },
  });
  const run = await session.ask("Think", [thinks, says("Thought")]);
  assertEquals([run.text, run.isError], ["Thought", false]);
  assert(session.asked.every(isHidden));
  assertReturned(session);
  await session.ask("More", [says("More thought")], { args: ["--resume", run.sessionId] });
  assertReturned(session);
});

test("gets no thinking text of a subagent and sends it back unchanged", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash", "--model", CLAUDE] });
  const prompt = "Count the moons of Saturn";
  const kind = { description: "Count moons", subagent_type: "general-purpose" };
  const delegates = { name: "Agent", input: { ...kind, prompt, run_in_background: false } };
  const run = await session.ask("Delegate", (request) => {
    const said = readTexts(request, "user");
    if (said.includes(prompt) && !said.includes("Delegate")) {
      const hasResult = request.messages.some(({ role }) => role === "tool");
      return (hasResult ? says("I see 274") : thinks)(request);
    }
    if (readTexts(request).includes("I see 274")) return says("Saturn has 274")(request);
    if (request.messages.some(({ role }) => role === "tool")) return says("Being counted")(request);
    return streams([
      sse(roleChunk()),
      ...buildCallChunks(delegates, 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ]);
  });
  assertEquals([run.text, run.isError], ["Saturn has 274", false]);
  // 2.1.197 has its subagents not think at all.
  if (session.asked.some(isHidden)) assertReturned(session);
});
