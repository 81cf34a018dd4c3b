/**
 * Unusual and interrupted streams: a response is shown complete or as an error.
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  answers,
  breaksOff,
  breaksWhole,
  buildCallChunks,
  calls,
  says,
  type Step,
  streams,
  streamsOnly,
} from "../model.ts";
import { type Session, startSession, test } from "../session.ts";
import { roleChunk, sse, sseAnswer, textChunk } from "../../helpers/chunks.ts";
import type { Run } from "../cli.ts";

const ENV = { CLAUDE_CODE_MAX_RETRIES: "1" };
const ALLOW = { env: ENV, args: ["--allowedTools", "Bash,Edit,Read,Write"] };
const HALF = sse(roleChunk(), textChunk("Half an answer"));

const BROKEN: [string, Step][] = [
  ["an error of the provider in mid-stream", breaksOff("Provider returned error")],
  ["a reset connection in mid-stream", streamsOnly([HALF], breaksWhole, { isCut: true })],
  ["a stream that just ends in the middle", streamsOnly([HALF], breaksWhole)],
];

for (const [name, step] of BROKEN) {
  test(`does not take ${name} for an answer`, async () => {
    await using session = await startSession({ env: ENV });
    const run = await session.ask("Hello", step);
    assertFailed(run);
  });
}

for (const isCut of [true, false]) {
  const how = isCut ? "reset" : "ended";
  test(`does not run a call whose arguments were ${how} in the middle`, async () => {
    await using session = await startSession(ALLOW);
    const path = session.path("half.txt");
    const call = { name: "Write", input: { file_path: path, content: "never to be written" } };
    const [open = "", half = ""] = buildCallChunks(call, 0);
    const pieces = [sse(roleChunk()), open, half];
    const run = await session.ask("Write", streamsOnly(pieces, breaksWhole, { isCut }));
    assertFailed(run);
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });
}

test("retries without a stream if the stream is cut off, and succeeds", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.ask(
    "Hello",
    streamsOnly([HALF], says("A whole answer"), { isCut: true }),
  );
  assertEquals([run.text, run.isError, run.code], ["A whole answer", false, 0]);
  assertEquals(listModes(session), [true, false]);
});

test("runs a call of a JSON response", async () => {
  await using session = await startSession(ALLOW);
  const call = calls({ name: "Bash", input: { command: "echo x > ran" } });
  let isFirst = true;
  const run = await session.ask("Work", (request) => {
    if (!request.stream) {
      isFirst = false;
      return call(request);
    }
    return isFirst ? streams([HALF], { isCut: true }) : says("Ran")(request);
  });
  assertEquals([run.text, run.isError], ["Ran", false]);
  assertEquals(await Deno.readTextFile(session.path("ran")), "x\n");
});

test("waits for a slow first byte while pings are sent", async () => {
  await using session = await startSession({ proxyEnv: { PING_S: "0.3" }, env: ENV });
  const run = await session.ask("Hello", [
    () => streams([sseAnswer("Slow but sure")], { delayMs: 2000 }),
  ]);
  assertEquals([run.text, run.isError, run.code], ["Slow but sure", false, 0]);
  const [asked] = session.asked;
  const headMs = (asked?.answeredAt ?? NaN) - (asked?.at ?? NaN);
  assert(headMs < 1500, `the head came after ${Math.round(headMs)} ms`);
});

test("shows characters that are split between two reads", async () => {
  await using session = await startSession({ env: ENV });
  const text = "Hello 世界 👋 ñ";
  const bytes = new TextEncoder().encode(sseAnswer(text));
  const cut = bytes.findIndex((byte) => byte > 0x7f) + 1;
  const pieces = [bytes.slice(0, cut), bytes.slice(cut, cut + 1), bytes.slice(cut + 1)];
  const run = await session.ask("Hello", [() => streams(pieces)]);
  assertEquals([run.text, run.isError], [text, false]);
});

test("shows a response with CRLF line endings", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.ask("Hello", [
    () => streams([sseAnswer("Line ends").replaceAll("\n", "\r\n")]),
  ]);
  assertEquals([run.text, run.isError], ["Line ends", false]);
});

test("shows a response that ends without [DONE]", async () => {
  await using session = await startSession({ env: ENV });
  const whole = sseAnswer("No done").replace("data: [DONE]\n\n", "");
  const run = await session.ask("Hello", [() => streams([whole])]);
  assertEquals([run.text, run.isError], ["No done", false]);
});

test("ends after an empty response without endless retries", async () => {
  await using session = await startSession({ env: ENV });
  const run = await session.ask("Hello", answers({ text: "" }));
  assertEquals(run.text, "");
  assert(session.upstream.length <= 4, `${session.upstream.length} requests`);
});

function assertFailed(run: Run): void {
  assertEquals(run.isError, true, run.text);
  assert(run.code !== 0, "the exit code says success");
  assert(!run.text.includes("Half an answer"), run.text);
}

/** Whether each request asked for a stream. */
function listModes({ asked }: Session): boolean[] {
  return asked.map(({ body }) => body["stream"] === true);
}
