/**
 * opencode: tool calls run, each result is sent with its call, and a failed response neither ends the session nor runs
 * a truncated command.
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { finishChunk, roleChunk, sse, textChunk, usageChunk } from "../../helpers/chunks.ts";
import { createOpenStream } from "../../helpers/upstream.ts";
import {
  answers,
  buildCallChunks,
  calls,
  callsBadly,
  deltaChunk,
  fails,
  feedCall,
  listEchoes,
  openCall,
  readTexts,
  repeats,
  says,
  splitInput,
  type Step,
  streams,
} from "../model.ts";
import { startSession, test } from "../opencode_session.ts";

const bash = (command: string, id?: string) => ({
  name: "bash",
  input: { command, description: "Run it" },
  ...(id !== undefined && { id }),
});

test("shows a response and continues it in another run", async () => {
  await using session = await startSession();
  const run = await session.ask("My number is 4711", [says("Noted 世界")]);
  assertEquals([run.text, run.errors, run.code], ["Noted 世界", [], 0]);
  const more = await session.ask("Which number?", [says("4711")], {
    args: ["--session", run.sessionId],
  });
  assertEquals([more.text, more.errors, more.code], ["4711", [], 0]);
  const [, last] = session.upstream;
  assertStringIncludes(readTexts(last, "user"), "My number is 4711");
  assertStringIncludes(readTexts(last, "assistant"), "Noted 世界");
});

test("runs two calls whose deltas are interleaved", async () => {
  await using session = await startSession();
  const first = bash("echo one > a; echo out-one", "call_a");
  const second = bash("echo two > b; echo out-two", "call_b");
  const [a1, a2] = splitInput(first.input);
  const [b1, b2] = splitInput(second.input);
  const run = await session.ask("Work", [
    () =>
      streams([
        sse(roleChunk(), textChunk("Both at once.")),
        openCall(first, 0),
        openCall(second, 1),
        feedCall(a1, 0),
        feedCall(b1, 1),
        feedCall(a2, 0),
        feedCall(b2, 1),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    says("Both done"),
  ]);
  assertEquals([run.text, run.errors], ["Both done", []]);
  const last = session.upstream.at(-1);
  assert(last !== undefined);
  assertEquals(listEchoes(last), [
    ["call_a", first.input.command, "out-one"],
    ["call_b", second.input.command, "out-two"],
  ]);
});

const IDS: [model: string, ids: string[], seen: string[] | null][] = [
  ["openai/gpt-5.1", ["call_0", "call_0", "call_0"], null],
  ["google/gemini-3-pro", ["tool_0_bash", "tool_0_bash", "tool_0_bash"], null],
  ["moonshotai/kimi-k2", ["functions.bash:0", "functions.bash:0", "functions.bash:0"], null],
  [
    "moonshotai/kimi-k2",
    ["functions.bash:0", "functions.bash:1", "functions.bash:2"],
    ["functions.bash:0", "functions.bash:1", "functions.bash:2"],
  ],
];

for (const [model, ids, seen] of IDS) {
  test(`sends ${model} each command's own result under the ids ${ids.join(", ")}`, async () => {
    await using session = await startSession({ proxyEnv: { TARGET_MODEL_BIG: model } });
    const run = await session.ask("Echo", [
      ...ids.map((id, turn) => calls(bash(`echo word-${turn}`, id))),
      says("Echoed"),
    ]);
    assertEquals([run.text, run.errors], ["Echoed", []]);
    for (const [index, request] of session.upstream.entries()) {
      const echoes = listEchoes(request);
      const words = ids.slice(0, index).map((_, turn) => `word-${turn}`);
      assertEquals(echoes.map(([, , result]) => result), words);
      if (seen !== null) assertEquals(echoes.map(([id]) => id), seen.slice(0, index));
    }
  });
}

const CLAUDE = "anthropic/claude-sonnet-4.5";
const DETAIL = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
const THOUGHT = { ...DETAIL, text: 'Let me think 世界 about "it"\n', signature: "RXFZQ2hBUUE=" };

test("sends the model's thinking back unchanged, with its signature", async () => {
  await using session = await startSession({ proxyEnv: { TARGET_MODEL_BIG: CLAUDE } });
  const { signature, ...unsigned } = THOUGHT;
  const thinks: Step = () =>
    streams([
      sse(roleChunk()),
      deltaChunk({ reasoning_details: [unsigned] }),
      deltaChunk({ reasoning_details: [{ ...DETAIL, signature }] }),
      ...buildCallChunks(bash("echo thought"), 0),
      sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
    ].map((text) => text.replaceAll(/"model":"[^"]*"/g, `"model":"${CLAUDE}"`)));
  const run = await session.ask("Think", [thinks, says("Thought")], {
    modelOptions: { thinking: { type: "enabled", budgetTokens: 2000 } },
  });
  assertEquals([run.text, run.errors], ["Thought", []]);
  assertEquals(session.upstream[0]?.reasoning, { max_tokens: 2000 });
  const turn = session.upstream[1]?.messages.find(({ role }) => role === "assistant");
  assertEquals(turn?.role === "assistant" && turn.reasoning_details, [THOUGHT]);
});

const WRONG = "echo wrong > wrong";

const BROKEN: [what: string, step: Step][] = [
  ["closed but not JSON", callsBadly("bash", `{"command": ${WRONG}}`, "tool_calls")],
  ["a list", callsBadly("bash", `["${WRONG}"]`, "tool_calls")],
  ["a number", callsBadly("bash", "42", "tool_calls")],
  [
    "not closed, and upstream calls it finished",
    callsBadly("bash", `{"command": "${WRONG}`, "tool_calls"),
  ],
  ["cut by the token limit", callsBadly("bash", `{"command": "${WRONG}`, "length")],
];

for (const [what, breaks] of BROKEN) {
  test(`runs nothing, and goes on, after a call whose arguments are ${what}`, async () => {
    await using session = await startSession();
    const right = calls(bash("echo right > right"));
    const run = await session.ask("Work", repeats(breaks, right, says("Mended")));
    assertEquals([run.text, run.errors], ["Mended", []]);
    assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
    assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
    assertEquals(session.asked.map(({ status }) => status), session.asked.map(() => 200));
    assert(session.upstream.length <= 3, `${session.upstream.length} requests`);
    const finished = run.tools.filter(({ tool, status }) =>
      tool === "bash" && status === "completed"
    );
    assertEquals(finished.length, 1);
  });
}

test("waits for the retry-after of a 429 and succeeds", async () => {
  await using session = await startSession();
  const run = await session.ask("Hello", [
    fails(429, "Rate limit exceeded", { headers: { "retry-after": "2" } }),
    says("Hello"),
  ]);
  assertEquals([run.text, run.errors, run.code], ["Hello", [], 0]);
  const [first, second] = session.asked;
  const waited = (second?.at ?? 0) - (first?.answeredAt ?? 0);
  assert(waited >= 1950 && waited < 10_000, `waited ${Math.round(waited)} ms`);
});

test("shows the upstream message of a 400 after one request", async () => {
  await using session = await startSession();
  const run = await session.ask("Hello", [fails(400, "the request is refused")]);
  assertStringIncludes(run.errors.join(), "the request is refused");
});

test("aborts the upstream request when the user interrupts it", async () => {
  await using session = await startSession();
  const { promise: interrupt, resolve } = Promise.withResolvers<void>();
  const held = createOpenStream(sse(roleChunk(), textChunk("It begins ")));
  const run = await session.ask("Hello", [() => {
    resolve();
    return held.response;
  }], { interrupt });
  await held.cancelled;
  assert(run.ms < 60_000);
  assertEquals(session.upstream.length, 1);
});

test("shows responses with only [DONE] or with a vendor-specific finish reason", async () => {
  await using session = await startSession();
  const run = await session.ask("Hello", [
    () => streams([sse(roleChunk(), textChunk("Whole"), usageChunk(), "[DONE]")]),
  ]);
  assertEquals([run.text, run.errors], ["Whole", []]);
  const more = await session.ask("More", [answers({ text: "Whole too", finish: "eos_found" })]);
  assertEquals([more.text, more.errors], ["Whole too", []]);
});
