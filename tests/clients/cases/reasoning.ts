/**
 * Long sessions: the prompt prefix stays the same, and reasoning is kept when the model is switched and switched back.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import {
  buildCallEvents,
  type ChatReply,
  deltaEvent,
  errorReply,
  readTexts,
  streamResponse,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

const bash = (command: string) => toolCallReply({ name: "Bash", input: { command } });

/** Messages without cache_control, whose positions change, and with a single text part as a string. */
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
  const replies = [bash("echo one"), bash("echo two"), bash("echo three"), textReply("Done")];
  await session.prompt("Count", replies);
  assertEquals(session.upstreamRequests.length, 4);
  for (const [index, request] of session.upstreamRequests.slice(1).entries()) {
    const before = session.upstreamRequests[index];
    const [previous, current] = [toPrefix(before?.messages ?? []), toPrefix(request.messages)];
    assertEquals(current.slice(0, previous.length), previous);
    assertEquals(JSON.stringify(request.tools), JSON.stringify(before?.tools));
    assertEquals(request.session_id, before?.session_id);
  }
});

const OPENAI = { format: "openai-responses-v1", index: 0 };
const SUMMARY = { type: "reasoning.summary", summary: "Plan", ...OPENAI };
const ENCRYPTED = { type: "reasoning.encrypted", data: "Z0FBQUE=", id: "rs_1", ...OPENAI };
const SIGNED = { type: "reasoning.text", text: "Hm", signature: "c2ln", index: 0 };

/** Reasoning details of a model, then a Bash call. */
function reasoningReply(
  model: string,
  details: JsonObject[],
  command: string,
  id?: string,
): ChatReply {
  const call = { name: "Bash", input: { command }, ...(id !== undefined && { id }) };
  const withModel = (text: string) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${model}"`);
  return () =>
    streamResponse([
      sse(roleChunk()),
      ...details.map((detail) => deltaEvent({ reasoning_details: [detail] })),
      ...buildCallEvents(call, 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ].map(withModel));
}

test("keeps each vendor's reasoning through a model switch and back", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const gpt = ["--model", "openai/gpt-6"];
  const claude = ["--model", "anthropic/claude-opus-5"];
  const first = await session.prompt("One", [
    reasoningReply("openai/gpt-6", [SUMMARY, ENCRYPTED], "echo one"),
    textReply("One done"),
  ], { args: gpt });
  const resume = ["--resume", String(first.result["session_id"])];
  await session.prompt("Two", [
    reasoningReply("anthropic/claude-opus-5", [SIGNED], "echo two"),
    textReply("Two done"),
  ], { args: [...claude, ...resume] });
  const third = await session.prompt("Three", [textReply("Three done")], {
    args: [...gpt, ...resume],
  });
  assertFalse(third.isError);
  const detailsOf = (index: number) => listDetails(session.upstreamRequests[index]);
  assertEquals(detailsOf(1), [[SUMMARY, ENCRYPTED]]);
  assertEquals(detailsOf(2), []);
  assertEquals(detailsOf(3), [[{ ...SIGNED, format: "anthropic-claude-v1" }]]);
  assertEquals(detailsOf(4), [[SUMMARY, ENCRYPTED]]);
  assert(session.upstreamRequests.length === 5);
});

const GEMINI = "google/gemini-3-pro";
const CLAUDE = "anthropic/claude-opus-5";
const GEMINI_CALL = "tool_0_Bash";
const GEMINI_DETAIL = {
  type: "reasoning.encrypted",
  data: "R0VNSU5J",
  id: GEMINI_CALL,
  format: "google-gemini-v1",
  index: 0,
};
const CLAUDE_DETAIL = { ...SIGNED, format: "anthropic-claude-v1" };

/** The vendors' error for a missing signature or another vendor's signature. */
function findError({ model, messages }: ChatRequest): string | null {
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    const details = message.reasoning_details ?? [];
    const isOtherVendors = details.some(({ format }) =>
      format !== (model === CLAUDE ? CLAUDE_DETAIL : GEMINI_DETAIL).format
    );
    if (isOtherVendors) return "Corrupted thought signature";
    const calls = message.tool_calls ?? [];
    const isGeminiCall = calls.some(({ id }) => id === GEMINI_CALL);
    if (model === GEMINI && isGeminiCall && !details.some(({ id }) => id === GEMINI_CALL)) {
      return "Gemini models require OpenRouter reasoning details to be preserved";
    }
    if (model !== CLAUDE || calls.length === 0 || isGeminiCall) continue;
    if (details.length === 0) return "Expected thinking, but found tool_use";
    if (details.some(({ signature }) => !signature)) return "Invalid signature in thinking block";
  }
  return null;
}

test("switches to another vendor's model and back in one process without an error", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash", "--model", CLAUDE] });
  const repliesByTurn: Record<string, ChatReply> = {
    "Turn one": reasoningReply(CLAUDE, [SIGNED], "echo one"),
    "Turn two": reasoningReply(GEMINI, [GEMINI_DETAIL], "echo two", GEMINI_CALL),
    "Turn three": reasoningReply(CLAUDE, [SIGNED], "echo three"),
    "Turn four": textReply("Four done"),
  };
  const errors: string[] = [];
  const results = await session.promptTurns([
    { prompt: "Turn one" },
    { prompt: "Turn two", model: GEMINI },
    { prompt: "Turn three", model: CLAUDE },
    { prompt: "Turn four", model: GEMINI },
  ], (request) => {
    const error = findError(request);
    if (error !== null) {
      errors.push(error);
      return errorReply(400, error)(request);
    }
    // Before switching, the client requests one token from the new model.
    if (!request.stream) return textReply("Hi")(request);
    const last = request.messages.findLast(({ role }) => role !== "system");
    if (last?.role === "tool") return textReply("Done")(request);
    const userText = readTexts(request, "user");
    const turn = Object.keys(repliesByTurn).findLast((prompt) => userText.includes(prompt)) ?? "";
    return (repliesByTurn[turn] ?? textReply("?"))(request);
  });
  assertEquals(errors, []);
  assertEquals(results.texts, ["Done", "Done", "Done", "Four done"]);
  assertEquals(results.failed, [false, false, false, false]);
  const last = session.upstreamRequests.findLast(({ stream }) => stream);
  assertEquals(last?.model, GEMINI);
  assertEquals(listDetails(last), [[GEMINI_DETAIL]]);
  const third = session.upstreamRequests.findLast(({ model, stream }) =>
    stream && model === CLAUDE
  );
  assertEquals(listDetails(third), [[CLAUDE_DETAIL], [CLAUDE_DETAIL]]);
});

test("sends no thinking of another vendor's fallback model under the same model name", async () => {
  await using session = await startSession({
    args: ["--allowedTools", "Bash", "--model", "opus"],
    proxyEnv: { TARGET_MODEL_OPUS: `openai/gpt-6,${GEMINI}` },
  });
  // Claude Code drops another model's thinking by model name, which here is the same: the proxy has to.
  const run = await session.prompt("Work", [
    reasoningReply(GEMINI, [GEMINI_DETAIL], "echo one", GEMINI_CALL),
    reasoningReply("openai/gpt-6", [SUMMARY, ENCRYPTED], "echo two"),
    textReply("Done"),
  ]);
  assertEquals([run.text, run.isError], ["Done", false]);
  assertEquals(session.upstreamRequests.map(listDetails), [[], [], [[SUMMARY, ENCRYPTED]]]);
});

function listDetails(request?: ChatRequest): unknown[] {
  return (request?.messages ?? []).flatMap((message) =>
    "reasoning_details" in message ? [message.reasoning_details] : []
  );
}
