/**
 * Cline: responses, tool calls with reused ids, broken and cut calls, and errors.
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startSession, test } from "../cline_session.ts";
import {
  errorReply,
  malformedCallReply,
  messageReply,
  readTexts,
  textReply,
  toolCallReply,
} from "../replies.ts";

const run = (command: string, id?: string) => ({
  name: "run_commands",
  input: { commands: [command] },
  ...(id !== undefined && { id }),
});

test("shows a response", async () => {
  await using session = await startSession();
  const { text, finishReason } = await session.prompt("Hello", [textReply("Noted 世界")]);
  assertEquals([text, finishReason], ["Noted 世界", "completed"]);
  assertEquals(session.clientRequests.map(({ status }) => status), [200]);
});

test("sends each result with its own call for calls that reuse an id", async () => {
  await using session = await startSession({ proxyEnv: { TARGET_MODEL_BIG: "openai/gpt-5.1" } });
  const { text, tools } = await session.prompt("Echo", [
    toolCallReply(run("echo word-0", "call_0"), run("echo word-1", "call_0")),
    toolCallReply(run("echo word-2", "call_0")),
    textReply("Echoed"),
  ]);
  assertEquals([text, tools], ["Echoed", ["run_commands", "run_commands", "run_commands"]]);
  const last = session.upstreamRequests.at(-1);
  const calls = last?.messages.flatMap((one) => "tool_calls" in one ? one.tool_calls ?? [] : []);
  const results =
    last?.messages.flatMap((one) =>
      one.role === "tool" ? [[one.tool_call_id, JSON.stringify(one.content)]] : []
    ) ?? [];
  assertEquals(results.map(([id]) => id), calls?.map(({ id }) => id));
  assertEquals(new Set(results.map(([id]) => id)).size, 3);
  results.forEach(([, content = ""], index) => assertStringIncludes(content, `word-${index}`));
});

// It repairs such arguments by itself and runs the command, whatever the stop reason.
test("continues after a call with cut arguments", async () => {
  await using session = await startSession();
  const { text, finishReason } = await session.prompt("Break", [
    malformedCallReply("run_commands", '{"commands": ["echo cut-off"', "tool_calls"),
    textReply("Mended"),
  ]);
  assertEquals([text, finishReason], ["Mended", "completed"]);
});

test("shows the text of an error", async () => {
  await using session = await startSession();
  const { finishReason, text } = await session.prompt("Fail", errorReply(402, "No credits left"));
  assertEquals(finishReason, "error");
  assertMatch(text, /No credits left/);
});

test("sends the text of a turn before its calls", async () => {
  await using session = await startSession();
  await session.prompt("Look", [
    messageReply({ text: "First I look.", calls: [run("echo seen")] }),
    textReply("Done"),
  ]);
  assertMatch(readTexts(session.upstreamRequests[1], "assistant"), /First I look\./);
});
