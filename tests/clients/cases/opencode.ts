/**
 * opencode: tool calls run, each result is sent with its call, and a session continues after a failed response without
 * running a truncated command.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { finishChunk, roleChunk, sse, textChunk, usageChunk } from "../../helpers/chunks.ts";
import { createOpenStream } from "../../helpers/upstream.ts";
import {
  buildCallEvents,
  callDeltaEvent,
  callStartEvent,
  type ChatReply,
  deltaEvent,
  errorReply,
  listCommandResults,
  malformedCallReply,
  memoizedReplies,
  messageReply,
  readTexts,
  splitArguments,
  streamResponse,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { startSession, test } from "../opencode_session.ts";

const bash = (command: string, id?: string) => ({
  name: "bash",
  input: { command, description: "Run it" },
  ...(id !== undefined && { id }),
});

test("shows a response and continues its session in another run", async () => {
  await using session = await startSession();
  const run = await session.prompt("My number is 4711", [textReply("Noted 世界")]);
  assertEquals([run.text, run.errors, run.code], ["Noted 世界", [], 0]);
  const more = await session.prompt("Which number?", [textReply("4711")], {
    args: ["--session", run.sessionId],
  });
  assertEquals([more.text, more.errors, more.code], ["4711", [], 0]);
  const [, last] = session.upstreamRequests;
  assertStringIncludes(readTexts(last, "user"), "My number is 4711");
  assertStringIncludes(readTexts(last, "assistant"), "Noted 世界");
});

test("runs two calls whose deltas are interleaved", async () => {
  await using session = await startSession();
  const first = bash("echo one > a; echo out-one", "call_a");
  const second = bash("echo two > b; echo out-two", "call_b");
  const [a1, a2] = splitArguments(first.input);
  const [b1, b2] = splitArguments(second.input);
  const run = await session.prompt("Work", [
    () =>
      streamResponse([
        sse(roleChunk(), textChunk("Both at once.")),
        callStartEvent(first, 0),
        callStartEvent(second, 1),
        callDeltaEvent(a1, 0),
        callDeltaEvent(b1, 1),
        callDeltaEvent(a2, 0),
        callDeltaEvent(b2, 1),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    textReply("Both done"),
  ]);
  assertEquals([run.text, run.errors], ["Both done", []]);
  const last = session.upstreamRequests.at(-1);
  assert(last !== undefined);
  assertEquals(listCommandResults(last), [
    ["call_a", first.input.command, "out-one"],
    ["call_b", second.input.command, "out-two"],
  ]);
});

const IDS: [model: string, ids: string[], expected: string[] | null][] = [
  ["openai/gpt-5.1", ["call_0", "call_0", "call_0"], null],
  ["google/gemini-3-pro", ["tool_0_bash", "tool_0_bash", "tool_0_bash"], null],
  ["moonshotai/kimi-k2", ["functions.bash:0", "functions.bash:0", "functions.bash:0"], null],
  [
    "moonshotai/kimi-k2",
    ["functions.bash:0", "functions.bash:1", "functions.bash:2"],
    ["functions.bash:0", "functions.bash:1", "functions.bash:2"],
  ],
];

for (const [model, ids, expected] of IDS) {
  test(`sends ${model} each command's result with its own call for the ids ${ids.join(", ")}`, async () => {
    await using session = await startSession({ proxyEnv: { TARGET_MODEL_BIG: model } });
    const run = await session.prompt("Echo", [
      ...ids.map((id, turn) => toolCallReply(bash(`echo word-${turn}`, id))),
      textReply("Echoed"),
    ]);
    assertEquals([run.text, run.errors], ["Echoed", []]);
    for (const [index, request] of session.upstreamRequests.entries()) {
      const results = listCommandResults(request);
      const words = ids.slice(0, index).map((_, turn) => `word-${turn}`);
      assertEquals(results.map(([, , result]) => result), words);
      if (expected !== null) assertEquals(results.map(([id]) => id), expected.slice(0, index));
    }
  });
}

const CLAUDE = "anthropic/claude-sonnet-4.5";
const DETAIL = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
const THINKING = { ...DETAIL, text: 'Let me think 世界 about "it"\n', signature: "RXFZQ2hBUUE=" };

test("sends the model's thinking back unchanged, with its signature", async () => {
  await using session = await startSession({ proxyEnv: { TARGET_MODEL_BIG: CLAUDE } });
  const { signature, ...unsigned } = THINKING;
  const thinkingReply: ChatReply = () =>
    streamResponse([
      sse(roleChunk()),
      deltaEvent({ reasoning_details: [unsigned] }),
      deltaEvent({ reasoning_details: [{ ...DETAIL, signature }] }),
      ...buildCallEvents(bash("echo thought"), 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ].map((text) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${CLAUDE}"`)));
  const run = await session.prompt("Think", [thinkingReply, textReply("Thought")], {
    modelOptions: { thinking: { type: "enabled", budgetTokens: 2000 } },
  });
  assertEquals([run.text, run.errors], ["Thought", []]);
  assertEquals(session.upstreamRequests[0]?.reasoning, { max_tokens: 2000 });
  const turn = session.upstreamRequests[1]?.messages.find(({ role }) => role === "assistant");
  assertEquals(turn?.role === "assistant" && turn.reasoning_details, [THINKING]);
});

const WRONG = "echo wrong > wrong";

const MALFORMED: [about: string, reply: ChatReply][] = [
  ["closed but not JSON", malformedCallReply("bash", `{"command": ${WRONG}}`, "tool_calls")],
  ["a list", malformedCallReply("bash", `["${WRONG}"]`, "tool_calls")],
  ["a number", malformedCallReply("bash", "42", "tool_calls")],
  [
    "not closed despite the finish reason tool_calls",
    malformedCallReply("bash", `{"command": "${WRONG}`, "tool_calls"),
  ],
  ["truncated by the token limit", malformedCallReply("bash", `{"command": "${WRONG}`, "length")],
];

for (const [about, malformed] of MALFORMED) {
  test(`continues, without running it, after a call whose arguments are ${about}`, async () => {
    await using session = await startSession();
    const corrected = toolCallReply(bash("echo right > right"));
    const run = await session.prompt(
      "Work",
      memoizedReplies(malformed, corrected, textReply("Recovered")),
    );
    assertEquals([run.text, run.errors], ["Recovered", []]);
    assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
    assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
    assertEquals(
      session.clientRequests.map(({ status }) => status),
      session.clientRequests.map(() => 200),
    );
    assert(session.upstreamRequests.length <= 3, `${session.upstreamRequests.length} requests`);
    const finished = run.tools.filter(({ tool, status }) =>
      tool === "bash" && status === "completed"
    );
    assertEquals(finished.length, 1);
  });
}

test("waits for the retry-after of a 429 and succeeds", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", [
    errorReply(429, "Rate limit exceeded", { headers: { "retry-after": "2" } }),
    textReply("Hello"),
  ]);
  assertEquals([run.text, run.errors, run.code], ["Hello", [], 0]);
  const [first, second] = session.clientRequests;
  const waited = (second?.receivedAt ?? 0) - (first?.respondedAt ?? 0);
  assert(waited >= 1950 && waited < 10_000, `waited ${Math.round(waited)} ms`);
});

test("shows the upstream message of a 400 after one request", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", [errorReply(400, "the request is rejected")]);
  assertStringIncludes(run.errors.join(), "the request is rejected");
});

test("aborts the upstream request when the user interrupts it", async () => {
  await using session = await startSession();
  const { promise: interrupt, resolve } = Promise.withResolvers<void>();
  const openStream = createOpenStream(sse(roleChunk(), textChunk("It begins ")));
  const run = await session.prompt("Hello", [() => {
    resolve();
    return openStream.response;
  }], { interrupt });
  await openStream.cancelled;
  assert(run.ms < 60_000);
  assertEquals(session.upstreamRequests.length, 1);
});

test("shows responses with only [DONE] or with a vendor-specific finish reason", async () => {
  await using session = await startSession();
  const run = await session.prompt("Hello", [
    () => streamResponse([sse(roleChunk(), textChunk("Complete"), usageChunk(), "[DONE]")]),
  ]);
  assertEquals([run.text, run.errors], ["Complete", []]);
  const more = await session.prompt("More", [
    messageReply({ text: "Complete too", finish: "eos_found" }),
  ]);
  assertEquals([more.text, more.errors], ["Complete too", []]);
});
