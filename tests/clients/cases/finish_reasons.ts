/**
 * Responses with an unknown finish reason or without one. A complete response is not requested again, as each request
 * has a cost.
 * @module
 */

import { assertEquals } from "@std/assert";
import { roleChunk, sse, textChunk, usageChunk } from "../../helpers/chunks.ts";
import { messageReply, streamResponse, textReply } from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

test("accepts a response that ends with only [DONE]", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", [
    () => streamResponse([sse(roleChunk(), textChunk("Hello"), usageChunk(), "[DONE]")]),
  ]);
  assertEquals([run.text, run.isError], ["Hello", false]);
});

for (const finish of ["eos_found", "COMPLETE", "function_call_done"]) {
  test(`accepts a response with the finish reason ${finish} as complete`, async () => {
    await using session = await startSession();
    const run = await session.prompt("Hello", [messageReply({ text: "Hello", finish })]);
    assertEquals([run.text, run.isError], ["Hello", false]);
  });
}

test("runs a call once if the finish reason is unknown", async () => {
  await using session = await startSession({ args: ["--allowedTools", "Bash"] });
  const run = await session.prompt("Work", [
    messageReply({
      calls: [{ name: "Bash", input: { command: "echo x >> ran" } }],
      finish: "eos_found",
    }),
    textReply("Ran"),
  ]);
  assertEquals([run.text, run.isError], ["Ran", false]);
  assertEquals(await Deno.readTextFile(session.path("ran")), "x\n");
});

test("continues after model_length as after other limits", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", [
    messageReply({ text: "Half of it, ", finish: "model_length" }),
    textReply("and the rest"),
  ]);
  assertEquals([run.text, run.isError], ["and the rest", false]);
  assertEquals(session.clientRequests.map(({ status }) => status), [200, 200]);
});
