/**
 * Unusual and interrupted streams: a response is shown complete or as an error.
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  buildCallEvents,
  type ChatReply,
  interruptedReply,
  messageReply,
  streamOr,
  streamResponse,
  textReply,
  toolCallReply,
  truncatedJsonReply,
} from "../replies.ts";
import { type Session, startSession, test } from "../claude_session.ts";
import { roleChunk, sse, sseAnswer, textChunk } from "../../helpers/chunks.ts";
import type { Run } from "../claude_cli.ts";

const ENV = { CLAUDE_CODE_MAX_RETRIES: "1" };
const ALLOW = { env: ENV, args: ["--allowedTools", "Bash,Edit,Read,Write"] };
const HALF = sse(roleChunk(), textChunk("Half an answer"));

const INCOMPLETE: [about: string, reply: ChatReply][] = [
  ["a provider error in mid-stream", interruptedReply("Provider returned error")],
  ["a connection reset in mid-stream", streamOr([HALF], truncatedJsonReply, { isReset: true })],
  ["a stream that ends early", streamOr([HALF], truncatedJsonReply)],
];

for (const [about, reply] of INCOMPLETE) {
  test(`reports ${about} as an error`, async () => {
    await using session = await startSession({ env: ENV });
    const run = await session.prompt("Hello", reply);
    assertFailed(run);
  });
}

for (const isReset of [true, false]) {
  const cause = isReset ? "the connection is reset" : "the stream ends";
  test(`does not run a call if ${cause} within its arguments`, async () => {
    await using session = await startSession(ALLOW);
    const path = session.path("half.txt");
    const call = { name: "Write", input: { file_path: path, content: "never to be written" } };
    const [start = "", firstHalf = ""] = buildCallEvents(call, 0);
    const pieces = [sse(roleChunk()), start, firstHalf];
    const run = await session.prompt("Write", streamOr(pieces, truncatedJsonReply, { isReset }));
    assertFailed(run);
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });
}

test("retries without a stream if the stream is cut off, and succeeds", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.prompt(
    "Hello",
    streamOr([HALF], textReply("A complete response"), { isReset: true }),
  );
  assertEquals([run.text, run.isError, run.code], ["A complete response", false, 0]);
  assertEquals(listModes(session), [true, false]);
});

test("runs a call of a JSON response", async () => {
  await using session = await startSession(ALLOW);
  const callReply = toolCallReply({ name: "Bash", input: { command: "echo x > ran" } });
  let isFirst = true;
  const run = await session.prompt("Work", (request) => {
    if (!request.stream) {
      isFirst = false;
      return callReply(request);
    }
    return isFirst ? streamResponse([HALF], { isReset: true }) : textReply("Ran")(request);
  });
  assertEquals([run.text, run.isError], ["Ran", false]);
  assertEquals(await Deno.readTextFile(session.path("ran")), "x\n");
});

test("waits for a slow first byte while pings are sent", async () => {
  await using session = await startSession({ proxyEnv: { PING_S: "0.3" }, env: ENV });
  const run = await session.prompt("Hello", [
    () => streamResponse([sseAnswer("Slow but sure")], { delayMs: 2000 }),
  ]);
  assertEquals([run.text, run.isError, run.code], ["Slow but sure", false, 0]);
  const [received] = session.clientRequests;
  const headersMs = (received?.respondedAt ?? NaN) - (received?.receivedAt ?? NaN);
  assert(headersMs < 1500, `the headers took ${Math.round(headersMs)} ms`);
});

test("shows characters that are split between two reads", async () => {
  await using session = await startSession({ env: ENV });
  const text = "Hello 世界 👋 ñ";
  const bytes = new TextEncoder().encode(sseAnswer(text));
  const cut = bytes.findIndex((byte) => byte > 0x7f) + 1;
  const pieces = [bytes.slice(0, cut), bytes.slice(cut, cut + 1), bytes.slice(cut + 1)];
  const run = await session.prompt("Hello", [() => streamResponse(pieces)]);
  assertEquals([run.text, run.isError], [text, false]);
});

test("shows a response with CRLF line endings", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.prompt("Hello", [
    () => streamResponse([sseAnswer("Line ends").replaceAll("\n", "\r\n")]),
  ]);
  assertEquals([run.text, run.isError], ["Line ends", false]);
});

test("shows a response that ends without [DONE]", async () => {
  await using session = await startSession({ env: ENV });
  const stream = sseAnswer("No done").replace("data: [DONE]\n\n", "");
  const run = await session.prompt("Hello", [() => streamResponse([stream])]);
  assertEquals([run.text, run.isError], ["No done", false]);
});

test("ends after an empty response without endless retries", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.prompt("Hello", messageReply({ text: "" }));
  assertEquals(run.text, "");
  assert(session.upstreamRequests.length <= 4, `${session.upstreamRequests.length} requests`);
});

function assertFailed(run: Run): void {
  assertEquals(run.isError, true, run.text);
  assert(run.code !== 0, "the exit code is 0");
  assert(!run.text.includes("Half an answer"), run.text);
}

/** Whether each request is streaming. */
function listModes({ clientRequests }: Session): boolean[] {
  return clientRequests.map(({ body }) => body["stream"] === true);
}
