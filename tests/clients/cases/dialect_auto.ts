/**
 * UPSTREAM_DIALECT=auto: one session with Claude models, whose requests go to OpenRouter's Messages API, and models of
 * other vendors, whose requests are translated.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import { findMessagesError, respondMessage, SIGNATURE } from "../../helpers/anthropic_dialect.ts";
import { errorBody } from "../../helpers/upstream.ts";
import {
  buildCallEvents,
  type ChatReply,
  deltaEvent,
  readTexts,
  streamResponse,
  textReply,
} from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

const CLAUDE = "anthropic/claude-opus-5";
const GPT = "openai/gpt-6";
const OPENAI = { format: "openai-responses-v1", index: 0 };
const DETAILS = [
  { type: "reasoning.summary", summary: "Plan", ...OPENAI },
  { type: "reasoning.encrypted", data: "Z0FBQUE=", id: "rs_1", ...OPENAI },
];

/** Claude thinks and runs a command in answer to a prompt, and ends its turn after the result. */
function createClaude(errors: string[]): (body: JsonObject) => Response {
  let count = 0;
  return (body) => {
    const error = findMessagesError(body);
    if (error !== null) {
      errors.push(error);
      return errorBody(400, error);
    }
    const text = { type: "text", text: "Claude is done" };
    if (body["stream"] !== true || hasResult(body)) return respondMessage(body, [text]);
    count++;
    return respondMessage(body, [
      { type: "thinking", thinking: `Thought ${count}`, signature: `${SIGNATURE}${count}==` },
      {
        type: "tool_use",
        id: `toolu_claude_${count}`,
        name: "Bash",
        input: { command: `echo claude ${count}` },
      },
    ]);
  };
}

/** Whether the last turn has the result of a call. */
function hasResult({ messages }: JsonObject): boolean {
  const turns = Array.isArray(messages) ? messages.filter(isJsonObject) : [];
  const content = turns.findLast(({ role }) => role === "user")?.["content"];
  return Array.isArray(content) &&
    content.some((block) => isJsonObject(block) && block["type"] === "tool_result");
}

/** The same for a translated model, whose call has an id that Anthropic would not accept. */
const gptReply: ChatReply = (request) => {
  if (!request.stream) return textReply("Hi")(request);
  const last = request.messages.findLast(({ role }) => role !== "system");
  if (last?.role === "tool") return textReply("GPT is done")(request);
  const call = { name: "Bash", input: { command: "echo gpt" }, id: "functions.Bash:0" };
  return streamResponse([
    sse(roleChunk()),
    ...DETAILS.map((detail) => deltaEvent({ reasoning_details: [detail] })),
    ...buildCallEvents(call, 0),
    sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
  ]);
};

function listBlocks(body: JsonObject | undefined, type: string): JsonObject[] {
  const turns = Array.isArray(body?.["messages"]) ? body["messages"].filter(isJsonObject) : [];
  return turns.flatMap(({ content }) =>
    Array.isArray(content) ? content.filter(isJsonObject).filter((one) => one["type"] === type) : []
  );
}

/** @param names what the client calls the two models */
async function switchModels(names: { claude: string; gpt: string }): Promise<void> {
  const errors: string[] = [];
  await using session = await startSession({
    args: ["--allowedTools", "Bash", "--model", names.claude],
    proxyEnv: { UPSTREAM_DIALECT: "auto", TARGET_MODEL_OPUS: CLAUDE, TARGET_MODEL_BIG: GPT },
    replyToMessages: createClaude(errors),
  });
  const results = await session.promptTurns([
    { prompt: "Turn one" },
    { prompt: "Turn two", model: names.gpt },
    { prompt: "Turn three", model: names.claude },
    { prompt: "Turn four", model: names.gpt },
  ], gptReply);
  assertEquals(errors, []);
  assertEquals(results.failed, [false, false, false, false]);
  assertEquals(results.texts, ["Claude is done", "GPT is done", "Claude is done", "GPT is done"]);
  assert(session.upstreamMessages.every(({ model }) => model === CLAUDE));
  assert(session.upstreamRequests.every(({ model }) => model === GPT));

  const claude = session.upstreamMessages.findLast(({ stream }) => stream === true);
  assertEquals(
    listBlocks(claude, "thinking").map(({ thinking, signature }) => [thinking, signature]),
    [["Thought 1", `${SIGNATURE}1==`], ["Thought 2", `${SIGNATURE}2==`]],
  );
  assertEquals(listBlocks(claude, "redacted_thinking"), []);
  assertEquals(
    listBlocks(claude, "tool_use").map(({ input }) => isJsonObject(input) && input["command"]),
    ["echo claude 1", "echo gpt", "echo claude 2"],
  );
  assertEquals(listBlocks(claude, "tool_result").length, 3);

  const gpt = session.upstreamRequests.findLast(({ stream }) => stream);
  const details = gpt?.messages.flatMap((message) =>
    "reasoning_details" in message ? [message.reasoning_details] : []
  );
  assertEquals(details?.slice(0, 1), [DETAILS]);
  assert(!JSON.stringify(gpt).includes(SIGNATURE));
  assert(readTexts(gpt, "tool").includes("claude 1"));
}

test("switches between Claude on /messages and a translated model, each with its own thinking", async () => {
  await switchModels({ claude: CLAUDE, gpt: GPT });
});

test("switches between Claude on /messages and a translated model under names of its own", async () => {
  await switchModels({ claude: "opus", gpt: "sonnet" });
});

test("reads a stream of /messages that begins with pings", async () => {
  await using session = await startSession({
    args: ["--model", "opus"],
    proxyEnv: { UPSTREAM_DIALECT: "auto", TARGET_MODEL_OPUS: CLAUDE, PING_S: "0.1" },
    replyToMessages: async (body) => {
      const response = respondMessage(body, [{ type: "text", text: "Late" }]);
      if (body["stream"] !== true) return response;
      return streamResponse([await response.text()], { delayMs: 1000 });
    },
  });
  const run = await session.prompt("Hi", []);
  assertEquals([run.text, run.isError], ["Late", false]);
  const [received] = session.clientRequests;
  const headersMs = (received?.respondedAt ?? NaN) - (received?.receivedAt ?? NaN);
  assert(headersMs < 900, `the headers took ${Math.round(headersMs)} ms`);
});
