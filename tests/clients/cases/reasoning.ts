/**
 * Long sessions: the prompt prefix stays the same, and reasoning is kept when the model is switched and switched back.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import {
  buildCallChunks,
  calls,
  deltaChunk,
  fails,
  readTexts,
  says,
  type Step,
  streams,
} from "../model.ts";
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

test("sends every request of a conversation with the previous one as its exact prefix", async () => {
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
function thinks(model: string, details: JsonObject[], command: string, id?: string): Step {
  const call = { name: "Bash", input: { command }, ...(id !== undefined && { id }) };
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
  const detailsOf = (index: number) => listDetails(session.upstream[index]);
  assertEquals(detailsOf(1), [[THOUGHT, SECRET]]);
  assertEquals(detailsOf(2), []);
  assertEquals(detailsOf(3), [[{ ...SIGNED, format: "anthropic-claude-v1" }]]);
  assertEquals(detailsOf(4), [[THOUGHT, SECRET]]);
  assert(session.upstream.length === 5);
});

const GEMINI = "google/gemini-3-pro";
const CLAUDE = "anthropic/claude-opus-5";
const GEMINI_CALL = "tool_0_Bash";
const GEMINI_SEAL = {
  type: "reasoning.encrypted",
  data: "R0VNSU5J",
  id: GEMINI_CALL,
  format: "google-gemini-v1",
  index: 0,
};
const CLAUDE_SEAL = { ...SIGNED, format: "anthropic-claude-v1" };

/** Answers 400 as the vendors do where a signature is lost, or is another vendor's. */
function judge({ model, messages }: ChatRequest): string | null {
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    const details = message.reasoning_details ?? [];
    const isForeign = details.some(({ format }) =>
      format !== (model === CLAUDE ? CLAUDE_SEAL : GEMINI_SEAL).format
    );
    if (isForeign) return "Corrupted thought signature";
    const calls = message.tool_calls ?? [];
    const isGeminis = calls.some(({ id }) => id === GEMINI_CALL);
    if (model === GEMINI && isGeminis && !details.some(({ id }) => id === GEMINI_CALL)) {
      return "Gemini models require OpenRouter reasoning details to be preserved";
    }
    if (model !== CLAUDE || calls.length === 0 || isGeminis) continue;
    if (details.length === 0) return "Expected thinking, but found tool_use";
    if (details.some(({ signature }) => !signature)) return "Invalid signature in thinking block";
  }
  return null;
}

test("switches the model to another vendor and back in one process without an error", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash", "--model", CLAUDE] });
  const steps: Record<string, Step> = {
    "Turn one": thinks(CLAUDE, [SIGNED], "echo one"),
    "Turn two": thinks(GEMINI, [GEMINI_SEAL], "echo two", GEMINI_CALL),
    "Turn three": thinks(CLAUDE, [SIGNED], "echo three"),
    "Turn four": says("Four done"),
  };
  const refusals: string[] = [];
  const live = await session.talk([
    { prompt: "Turn one" },
    { prompt: "Turn two", model: GEMINI },
    { prompt: "Turn three", model: CLAUDE },
    { prompt: "Turn four", model: GEMINI },
  ], (request) => {
    const refusal = judge(request);
    if (refusal !== null) {
      refusals.push(refusal);
      return fails(400, refusal)(request);
    }
    // Before it takes a model, it asks it for a token.
    if (!request.stream) return says("Hi")(request);
    const last = request.messages.findLast(({ role }) => role !== "system");
    if (last?.role === "tool") return says("Done")(request);
    const said = readTexts(request, "user");
    const turn = Object.keys(steps).findLast((words) => said.includes(words)) ?? "";
    return (steps[turn] ?? says("?"))(request);
  });
  assertEquals(refusals, []);
  assertEquals(live.texts, ["Done", "Done", "Done", "Four done"]);
  assertEquals(live.failed, [false, false, false, false]);
  const last = session.upstream.findLast(({ stream }) => stream);
  assertEquals(last?.model, GEMINI);
  assertEquals(listDetails(last), [[GEMINI_SEAL]]);
  const third = session.upstream.findLast(({ model, stream }) => stream && model === CLAUDE);
  assertEquals(listDetails(third), [[CLAUDE_SEAL], [CLAUDE_SEAL]]);
});

test("drops the thinking of a fallback of another vendor under the same model name", async () => {
  await using session = await startSession({
    args: ["--allowedTools", "Bash", "--model", "opus"],
    proxyEnv: { TARGET_MODEL_OPUS: `openai/gpt-6,${GEMINI}` },
  });
  // Claude Code itself takes back thinking only from the model of that name: this is the proxy's part.
  const run = await session.ask("Work", [
    thinks(GEMINI, [GEMINI_SEAL], "echo one", GEMINI_CALL),
    thinks("openai/gpt-6", [THOUGHT, SECRET], "echo two"),
    says("Done"),
  ]);
  assertEquals([run.text, run.isError], ["Done", false]);
  assertEquals(session.upstream.map(listDetails), [[], [], [[THOUGHT, SECRET]]]);
});

function listDetails(request?: ChatRequest): unknown[] {
  return (request?.messages ?? []).flatMap((message) =>
    "reasoning_details" in message ? [message.reasoning_details] : []
  );
}
