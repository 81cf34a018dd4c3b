// Unusual chunks: errors in streams, endings and usage. These tests check the message that a client builds; the
// exact events are in tests/fixtures (.stream.json).

import { assert, assertEquals } from "@std/assert";
import { assertError, sendThrough, streamChunks } from "../helpers/end_to_end.ts";

import { bareChunk, callHead, finishChunk, textChunk } from "../helpers/chunks.ts";

type Json = Record<string, unknown>;

/** A chunk with tool call deltas. */
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
  const error = { code, message: "the message" };
  Deno.test(`error ${code} in the first chunk becomes HTTP ${status}`, async () => {
    const script = streamChunks(": OPENROUTER PROCESSING", {
      ...bareChunk({ role: "assistant" }),
      error,
    });
    assertError(await sendThrough(script), status, `${type}: the message`);
  });

  Deno.test(`error ${code} after text becomes an error event of type ${type}`, async () => {
    const outcome = await sendThrough(
      streamChunks(HI, { ...bareChunk({}, "error"), error }, HI, STOP, "[DONE]"),
    );
    assertEquals([outcome.status, outcome.content], [200, "Hi"]);
    assertEquals(outcome.error, `${type}: the message`);
  });
}

Deno.test('finish_reason "error" without a message becomes an error', async () => {
  assertError(
    await sendThrough(streamChunks(bareChunk({}, "error"))),
    502,
    "api_error: The model ended",
  );
  const outcome = await sendThrough(streamChunks(HI, bareChunk({}, "error")));
  assertEquals([outcome.content, outcome.error], [
    "Hi",
    "api_error: The model ended with an error",
  ]);
});

Deno.test("an error after an incomplete tool call leaves it open", async () => {
  const open = calls(callHead(0, "c", "Bash", '{"a":'));
  const outcome = await sendThrough(streamChunks(open, { error: { code: 429, message: "slow" } }));
  assertEquals(outcome.error, "rate_limit_error: slow");
  assertEquals(outcome.events.some(({ type }) => type === "content_block_stop"), false);
});

// ── Endings ─────────────────────────────────────────────────────────────────────────────────────────────────

const BASH = calls(callHead(0, "c1", "Bash", '{"a":1}'));
const ENDS: [about: string, chunks: (Json | string)[], content: string, stop: string][] = [
  ["without [DONE]", [HI, STOP], "Hi", "end_turn"],
  ["with invalid JSON after the finish reason", [HI, STOP, "{oops", "[DONE]"], "Hi", "end_turn"],
  ["with two finish reasons", [HI, STOP, STOP, "[DONE]"], "Hi", "end_turn"],
  [
    "with content beside the finish reason",
    [bareChunk({ content: "Hi" }, "stop"), "[DONE]"],
    "Hi",
    "end_turn",
  ],
  ["with content after the finish reason", [STOP, HI, "[DONE]"], "Hi", "end_turn"],
  [
    'with finish_reason "" and null before stop',
    [bareChunk({ content: "Hi" }, ""), STOP],
    "Hi",
    "end_turn",
  ],
  ['with a tool call and finish_reason "stop"', [BASH, STOP, "[DONE]"], "", "tool_use"],
  [
    'without a tool call but finish_reason "tool_calls"',
    [HI, bareChunk({}, "tool_calls")],
    "Hi",
    "end_turn",
  ],
  [
    'with a complete tool call and finish_reason "length"',
    [BASH, bareChunk({}, "length")],
    "",
    "max_tokens",
  ],
  [
    'with text and finish_reason "length"',
    [HI, bareChunk({}, "length"), "[DONE]"],
    "Hi",
    "max_tokens",
  ],
  ["without content", [STOP, "[DONE]"], "", "end_turn"],
  ["with [DONE] before the finish reason", [HI, "[DONE]", STOP], "Hi", "end_turn"],
  ["with finish_reason null and [DONE]", [HI, bareChunk({}), "[DONE]"], "Hi", "end_turn"],
  ["with an unknown finish reason", [HI, bareChunk({}, "vibes"), "[DONE]"], "Hi", "end_turn"],
  ["with a tool call and no finish reason", [BASH, "[DONE]"], "", "tool_use"],
];

for (const [about, chunks, content, stop] of ENDS) {
  Deno.test(`a stream ${about} is complete`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks));
    assertEquals([outcome.error, outcome.content], ["", content]);
    assertEquals(outcome.message?.stop_reason, stop);
    assertEquals(outcome.events.filter(({ type }) => type === "message_delta").length, 1);
  });
}

// Without a finish reason or [DONE] a stream is not complete.
const NO_ENDS: [about: string, chunks: (Json | string)[]][] = [
  ["with finish_reason null and no [DONE]", [HI, bareChunk({})]],
  ["with a numeric finish reason", [HI, bareChunk({}, 7)]],
  ["with a finish reason that means failure", [HI, bareChunk({}, "network_error"), "[DONE]"]],
  ["with invalid JSON before the finish reason", [HI, "{oops", STOP, "[DONE]"]],
];

for (const [about, chunks] of NO_ENDS) {
  Deno.test(`a stream ${about} ends in an error event`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks));
    assertEquals([outcome.status, outcome.content], [200, "Hi"]);
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
type Counts = [number, number, number, number];
const USAGES: [about: string, chunks: Json[], expected: Counts | "estimated"][] = [
  ["that is missing", [HI, STOP], "estimated"],
  ["that is null", [HI, STOP, { choices: [], usage: null }], "estimated"],
  ["in the chunk of the finish reason", [HI, { ...STOP, usage: FULL }], [30, 7, 10, 60]],
  ["in a chunk with choices", [HI, STOP, { ...bareChunk({}), usage: FULL }], [30, 7, 10, 60]],
  ["in a chunk without choices", [HI, STOP, { choices: [], usage: FULL }], [30, 7, 10, 60]],
  ["of strings", [HI, STOP, { usage: { prompt_tokens: "9", completion_tokens: "4" } }], [
    9,
    4,
    0,
    0,
  ]],
  ["of Infinity and negative numbers", [HI, STOP, {
    usage: { prompt_tokens: "Infinity", completion_tokens: -3 },
  }], [
    0,
    0,
    0,
    0,
  ]],
  ["of NaN", [HI, STOP, { usage: { prompt_tokens: "NaN", completion_tokens: "x" } }], [0, 0, 0, 0]],
  ["of lists and objects", [HI, STOP, { usage: { prompt_tokens: [], completion_tokens: {} } }], [
    0,
    0,
    0,
    0,
  ]],
  ["with more cached than prompt tokens", [HI, STOP, {
    usage: {
      prompt_tokens: 5,
      completion_tokens: 1.6,
      prompt_tokens_details: { cached_tokens: 9 },
    },
  }], [0, 2, 0, 9]],
];

for (const [about, chunks, expected] of USAGES) {
  Deno.test(`usage ${about} becomes non-negative integers`, async () => {
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

Deno.test("chunks without choices or delta are ignored", async () => {
  const odd = [{ choices: [] }, { choices: null }, {}, bareChunk(null), { choices: [null] }, {
    choices: 3,
  }];
  const outcome = await sendThrough(streamChunks(...odd, HI, ...odd, STOP, ...odd, "[DONE]"));
  assertEquals([outcome.content, outcome.error], ["Hi", ""]);
});
