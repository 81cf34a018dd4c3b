/**
 * A day's work: the prompt prefix stays the same from request to request, and reasoning survives a switch of
 * the model and back, over resumed sessions.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import { buildCallChunks, calls, deltaChunk, says, streams } from "../model.ts";
import { startSession, test } from "../session.ts";

const bash = (command: string) => calls({ name: "Bash", input: { command } });

/** Messages as a provider reads them: breakpoints move on, and one text is one text in either form. */
function toPrefix(messages: readonly unknown[]): string[] {
  return messages.map((message) =>
    JSON.stringify(message, (key, value) => {
      if (key === "cache_control") return undefined;
      const isOneText = key === "content" && Array.isArray(value) && value.length === 1 &&
        value[0]?.type === "text";
      return isOneText ? value[0].text : value;
    })
  );
}

test("every request of a conversation begins with the one before it, byte for byte", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const steps = [bash("echo one"), bash("echo two"), bash("echo three"), says("Done")];
  await session.ask("Count", steps);
  assertEquals(session.upstream.length, 4);
  for (const [index, request] of session.upstream.slice(1).entries()) {
    const before = session.upstream[index];
    const [old, now] = [toPrefix(before?.messages ?? []), toPrefix(request.messages)];
    assertEquals(now.slice(0, old.length), old);
    assertEquals(JSON.stringify(request.tools), JSON.stringify(before?.tools));
    assertEquals(request.session_id, before?.session_id);
  }
});

const OPENAI = { format: "openai-responses-v1", index: 0 };
const THOUGHT = { type: "reasoning.summary", summary: "Plan", ...OPENAI };
const SECRET = { type: "reasoning.encrypted", data: "Z0FBQUE=", id: "rs_1", ...OPENAI };
const SIGNED = { type: "reasoning.text", text: "Hm", signature: "c2ln", index: 0 };

/** A model of a vendor that thinks, and calls a tool. */
function thinks(model: string, details: JsonObject[], command: string) {
  const call = { name: "Bash", input: { command } };
  const ofModel = (text: string) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${model}"`);
  return () =>
    streams([
      sse(roleChunk()),
      ...details.map((detail) => deltaChunk({ reasoning_details: [detail] })),
      ...buildCallChunks(call, 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ].map(ofModel));
}

test("keeps each vendor's reasoning through a switch of the model and back", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const gpt = ["--model", "openai/gpt-6"];
  const claude = ["--model", "anthropic/claude-opus-5"];
  const first = await session.ask("One", [
    thinks("openai/gpt-6", [THOUGHT, SECRET], "echo one"),
    says("One done"),
  ], { args: gpt });
  const resume = ["--resume", String(first.result["session_id"])];
  await session.ask("Two", [
    thinks("anthropic/claude-opus-5", [SIGNED], "echo two"),
    says("Two done"),
  ], { args: [...claude, ...resume] });
  const third = await session.ask("Three", [says("Three done")], { args: [...gpt, ...resume] });
  assertFalse(third.isError);
  const detailsOf = (index: number) =>
    (session.upstream[index]?.messages ?? []).flatMap((message) =>
      "reasoning_details" in message ? [message.reasoning_details] : []
    );
  assertEquals(detailsOf(1), [[THOUGHT, SECRET]]);
  assertEquals(detailsOf(2), []);
  assertEquals(detailsOf(3), [[{ ...SIGNED, format: "anthropic-claude-v1" }]]);
  assertEquals(detailsOf(4), [[THOUGHT, SECRET]]);
  assert(session.upstream.length === 5);
});
