// Odd chunks: errors in streams, endings and usage, with a raw TCP upstream and the listening proxy. The exact
// events are in tests/fixtures (.stream.json); these tests check the message that a client puts together.

import { assert, assertEquals } from "@std/assert";
import { assertError, sendThrough, streamChunks } from "../helpers/end_to_end.ts";

import { bareChunk, callHead, finishChunk, textChunk } from "../helpers/chunks.ts";

type Json = Record<string, unknown>;

/** Fragments of tool calls in one delta. */
const calls = (...fragments: Json[]): Json => bareChunk({ tool_calls: fragments });
const HI = textChunk("Hi");
const STOP = finishChunk();

// ── Errors ──────────────────────────────────────────────────────────────────────────────────────────────────

const CODES: [code: unknown, status: number, type: string][] = [
  [400, 400, "invalid_request_error"],
  [402, 402, "billing_error"],
  [408, 504, "timeout_error"],
  [429, 429, "rate_limit_error"],
  ["rate_limit_exceeded", 429, "rate_limit_error"],
  [500, 500, "api_error"],
  [502, 502, "api_error"],
  [503, 529, "overloaded_error"],
  [529, 529, "overloaded_error"],
  ["server_error", 502, "api_error"],
  [undefined, 502, "api_error"],
];

for (const [code, status, type] of CODES) {
  const error = { code, message: "the words" };
  Deno.test(`error ${code} as first chunk of a 200 stream: HTTP ${status}`, async () => {
    const script = streamChunks(": OPENROUTER PROCESSING", {
      ...bareChunk({ role: "assistant" }),
      error,
    });
    assertError(await sendThrough(script), status, `${type}: the words`);
  });

  Deno.test(`error ${code} mid-stream: an error event last, ${type}, upstream's words`, async () => {
    const outcome = await sendThrough(
      streamChunks(HI, { ...bareChunk({}, "error"), error }, HI, STOP, "[DONE]"),
    );
    assertEquals([outcome.status, outcome.words], [200, "Hi"]);
    assertEquals(outcome.error, `${type}: the words`);
  });
}

Deno.test('finish_reason "error" without words, first and mid-stream: an error', async () => {
  assertError(
    await sendThrough(streamChunks(bareChunk({}, "error"))),
    502,
    "api_error: The model ended",
  );
  const outcome = await sendThrough(streamChunks(HI, bareChunk({}, "error")));
  assertEquals([outcome.words, outcome.error], ["Hi", "api_error: The model ended with an error"]);
});

Deno.test("an error chunk behind an open tool call: the call is not closed", async () => {
  const open = calls(callHead(0, "c", "Bash", '{"a":'));
  const outcome = await sendThrough(streamChunks(open, { error: { code: 429, message: "slow" } }));
  assertEquals(outcome.error, "rate_limit_error: slow");
  assertEquals(outcome.events.some(({ type }) => type === "content_block_stop"), false);
});

// ── The end ─────────────────────────────────────────────────────────────────────────────────────────────────

const BASH = calls(callHead(0, "c1", "Bash", '{"a":1}'));
const ENDS: [about: string, chunks: (Json | string)[], words: string, stop: string][] = [
  ["missing [DONE]", [HI, STOP], "Hi", "end_turn"],
  ["a bad line after the finish is skipped", [HI, STOP, "{oops", "[DONE]"], "Hi", "end_turn"],
  ["finish_reason twice", [HI, STOP, STOP, "[DONE]"], "Hi", "end_turn"],
  [
    "finish_reason with content",
    [bareChunk({ content: "Hi" }, "stop"), "[DONE]"],
    "Hi",
    "end_turn",
  ],
  ["content after finish_reason", [STOP, HI, "[DONE]"], "Hi", "end_turn"],
  ['finish "" and null, then stop', [bareChunk({ content: "Hi" }, ""), STOP], "Hi", "end_turn"],
  ['finish "stop" with a tool call', [BASH, STOP, "[DONE]"], "", "tool_use"],
  ['finish "tool_calls" without one', [HI, bareChunk({}, "tool_calls")], "Hi", "end_turn"],
  ['finish "length" with a whole call', [BASH, bareChunk({}, "length")], "", "max_tokens"],
  ['finish "length"', [HI, bareChunk({}, "length"), "[DONE]"], "Hi", "max_tokens"],
  ["no content at all", [STOP, "[DONE]"], "", "end_turn"],
  ["[DONE] early, before a finish_reason", [HI, "[DONE]", STOP], "Hi", "end_turn"],
  ["finish_reason null up to [DONE]", [HI, bareChunk({}), "[DONE]"], "Hi", "end_turn"],
  ["finish_reason unknown", [HI, bareChunk({}, "vibes"), "[DONE]"], "Hi", "end_turn"],
  ["a call without a finish_reason", [BASH, "[DONE]"], "", "tool_use"],
];

for (const [about, chunks, words, stop] of ENDS) {
  Deno.test(`${about}: complete, one message_delta`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks));
    assertEquals([outcome.error, outcome.words], ["", words]);
    assertEquals(outcome.message?.stop_reason, stop);
    assertEquals(outcome.events.filter(({ type }) => type === "message_delta").length, 1);
  });
}

// Without upstream's word that the answer is over there is no success.
const NO_ENDS: [about: string, chunks: (Json | string)[]][] = [
  ["finish_reason null to the end", [HI, bareChunk({})]],
  ["finish_reason a number", [HI, bareChunk({}, 7)]],
  ["finish_reason says failure", [HI, bareChunk({}, "network_error"), "[DONE]"]],
  ["a bad line before the finish", [HI, "{oops", STOP, "[DONE]"]],
];

for (const [about, chunks] of NO_ENDS) {
  Deno.test(`${about}: an error event, not a made-up end`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks));
    assertEquals([outcome.status, outcome.words], [200, "Hi"]);
    assert(outcome.error.startsWith("api_error: "), outcome.error);
    assertEquals(outcome.message?.stop_reason, null);
  });
}

const FULL = {
  prompt_tokens: 100,
  completion_tokens: 7,
  prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
};
/** input, output, written, read. */
type Figures = [number, number, number, number];
const USAGES: [about: string, chunks: Json[], expected: Figures | "estimated"][] = [
  ["missing", [HI, STOP], "estimated"],
  ["null", [HI, STOP, { choices: [], usage: null }], "estimated"],
  ["in the finish chunk", [HI, { ...STOP, usage: FULL }], [30, 7, 10, 60]],
  ["in a chunk with choices", [HI, STOP, { ...bareChunk({}), usage: FULL }], [30, 7, 10, 60]],
  ["in a chunk without choices", [HI, STOP, { choices: [], usage: FULL }], [30, 7, 10, 60]],
  ["as strings", [HI, STOP, { usage: { prompt_tokens: "9", completion_tokens: "4" } }], [
    9,
    4,
    0,
    0,
  ]],
  ["as Infinity and less", [HI, STOP, {
    usage: { prompt_tokens: "Infinity", completion_tokens: -3 },
  }], [
    0,
    0,
    0,
    0,
  ]],
  ["as NaN", [HI, STOP, { usage: { prompt_tokens: "NaN", completion_tokens: "x" } }], [0, 0, 0, 0]],
  ["as lists and objects", [HI, STOP, { usage: { prompt_tokens: [], completion_tokens: {} } }], [
    0,
    0,
    0,
    0,
  ]],
  ["with more cached than asked", [HI, STOP, {
    usage: {
      prompt_tokens: 5,
      completion_tokens: 1.6,
      prompt_tokens_details: { cached_tokens: 9 },
    },
  }], [0, 2, 0, 9]],
];

for (const [about, chunks, expected] of USAGES) {
  Deno.test(`usage ${about}: whole numbers from 0 up`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks));
    const usage = outcome.message?.usage;
    assert(usage !== undefined && outcome.error === "", outcome.error);
    if (expected === "estimated") assert(usage.input_tokens > 0 && usage.output_tokens > 0);
    else {
      assertEquals(
        [
          usage.input_tokens,
          usage.output_tokens,
          usage.cache_creation_input_tokens,
          usage.cache_read_input_tokens,
        ],
        expected,
      );
    }
  });
}

Deno.test("empty choices, delta null, choices null: skipped", async () => {
  const odd = [{ choices: [] }, { choices: null }, {}, bareChunk(null), { choices: [null] }, {
    choices: 3,
  }];
  const outcome = await sendThrough(streamChunks(...odd, HI, ...odd, STOP, ...odd, "[DONE]"));
  assertEquals([outcome.words, outcome.error], ["Hi", ""]);
});
