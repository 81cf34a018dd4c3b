// Unusual tool calls, reasoning and characters in chunks: the message that a client builds from the stream. The
// exact events are in tests/fixtures (.stream.json).

import { assertEquals } from "@std/assert";
import { type Outcome, sendThrough, STREAM, streamChunks } from "../helpers/end_to_end.ts";
import { requestBody } from "../helpers/proxy.ts";
import { LAST_CHUNK, rawResponse, STREAM_HEADERS } from "../helpers/raw_upstream.ts";
import { bareChunk, callHead, callTail, finishChunk, sse, textChunk } from "../helpers/chunks.ts";

type Json = Record<string, unknown>;

/** A chunk with tool call deltas. */
const calls = (...fragments: Json[]): Json => bareChunk({ tool_calls: fragments });
const HI = textChunk("Hi");
const STOP = finishChunk();

/** The content, a line per block. */
function summarize({ message }: Outcome): string[] {
  return (message?.content ?? []).map((block) => {
    switch (block.type) {
      case "text":
        return `text ${block.text}`;
      case "thinking":
        return `thinking ${block.thinking} (${block.signature})`;
      case "redacted_thinking":
        return `redacted ${block.data}`;
      case "tool_use":
        return `${block.name} ${JSON.stringify(block.input)}`;
      default:
        return block.type;
    }
  });
}

const BASH = calls(callHead(0, "c1", "Bash", '{"a":1}'));

// ── Tool calls, reasoning, characters ───────────────────────────────────────────────────────────────────────

const A = 'Bash {"a":1}';
const B = 'Read {"b":2}';
const QUIRKS: [about: string, chunks: Json[], content: string[]][] = [
  ["arguments in the first chunk", [BASH], [A]],
  ["no arguments", [calls(callHead(0, "c1", "Bash"))], ["Bash {}"]],
  ["arguments in several chunks", [
    calls(callHead(0, "c1", "Bash")),
    calls(callTail(0, '{"a"')),
    calls(callTail(0, ":1}")),
  ], [A]],
  ["two calls in one chunk", [
    calls(callHead(0, "c1", "Bash", '{"a":1}'), callHead(1, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["interleaved indexes", [
    calls(callHead(0, "c1", "Bash"), callHead(1, "c2", "Read")),
    calls(callTail(1, '{"b"')),
    calls(callTail(0, '{"a"')),
    calls(callTail(1, ":2}"), callTail(0, ":1}")),
  ], [A, B]],
  ["the same index and a new id", [BASH, calls(callHead(0, "c2", "Read", '{"b":2}'))], [A, B]],
  ["no index", [
    calls(callHead(undefined, "c1", "Bash", '{"a":1}')),
    calls(callHead(undefined, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["indexes from 1", [
    calls(callHead(1, "c1", "Bash", '{"a":1}')),
    calls(callHead(2, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["repeated id and name", [
    calls(callHead(0, "c1", "Bash", '{"a"')),
    calls(callHead(0, "c1", "Bash", ":1}")),
  ], [A]],
  [
    'later id and name ""',
    [calls(callHead(0, "c1", "Bash", '{"a"')), calls(callHead(0, "", "", ":1}"))],
    [A],
  ],
  ["missing ids", [
    calls(callHead(0, undefined, "Bash", '{"a":1}')),
    calls(callHead(1, null, "Read", '{"b":2}')),
  ], [A, B]],
  [
    "a late name",
    [calls(callHead(0, "c1", undefined, '{"a"')), calls(callHead(0, undefined, "Bash", ":1}"))],
    [A],
  ],
  ["one index, no ids, different names and the same arguments", [
    calls(callHead(0, "", "Bash", '{"a":1}')),
    calls(callHead(0, "", "Read", '{"a":1}')),
  ], [A, 'Read {"a":1}']],
  ["empty trailing deltas", [BASH, calls(callTail(0, "")), calls({ index: 0 })], [A]],
  ["arguments that are an object", [calls(callHead(0, "c1", "Bash", { a: 1 }))], [A]],
  ["text in the same delta", [bareChunk({
    content: "Hi",
    tool_calls: [callHead(0, "c1", "Bash", '{"a":1}')],
  })], ["text Hi", A]],
];

for (const [about, chunks, content] of QUIRKS) {
  Deno.test(`tool calls with ${about} are complete`, async () => {
    const outcome = await sendThrough(
      streamChunks(...chunks, bareChunk({}, "tool_calls"), "[DONE]"),
    );
    assertEquals([outcome.error, outcome.message?.stop_reason], ["", "tool_use"]);
    assertEquals(summarize(outcome), content);
    const plain = chunks.length > 1
      ? null
      : await sendThrough(({ send }) => send(rawResponse(200, toCompletion(chunks))), {
        request: requestBody(),
      });
    if (plain !== null) assertEquals(summarize(plain), content);
  });
}

/** The same as a completion. */
function toCompletion(chunks: Json[]): string {
  const text = JSON.stringify({ ...chunks[0] }).replace('"delta":', '"message":');
  return text.replace('"finish_reason":null', '"finish_reason":"tool_calls"');
}

/** Arguments, their streamed part and the stop reason. A client runs a call that is closed. */
const BROKEN: readonly (readonly [string, string, string])[] = [
  ["{oops", "{oops", "max_tokens"],
  ["[1]", "[1]}", "tool_use"],
  ["7", "7}", "tool_use"],
  ['"x"', '"x"}', "tool_use"],
  ["null", "", "tool_use"],
  ["{'a': 1}", "{'a': 1}", "tool_use"],
  ['{"a":1}}', '{"a":1}}', "tool_use"],
  ['{"a":1}{"b":2', '{"a":1}{"b":2', "max_tokens"],
];
for (const [text, streamed, stopReason] of BROKEN) {
  Deno.test(`invalid tool arguments ${text} are streamed as ${streamed} and end with ${stopReason}`, async () => {
    const outcome = await sendThrough(
      streamChunks(HI, calls(callHead(0, "c1", "Bash", text)), STOP, "[DONE]"),
    );
    const json = outcome.events.map((event) =>
      event.type === "content_block_delta" && event.delta.type === "input_json_delta"
        ? event.delta.partial_json
        : ""
    ).join("");
    assertEquals([outcome.error, json], ["", streamed]);
    const ending = outcome.events.find((event) => event.type === "message_delta");
    assertEquals(ending?.delta.stop_reason, stopReason);
  });
}

const detail = (text: string, more: Json = {}) => ({ type: "reasoning.text", text, ...more });
const THOUGHTS: [about: string, chunks: Json[], content: string[]][] = [
  ["in `reasoning`", [bareChunk({ reasoning: "Hm" })], ["thinking Hm ()"]],
  ["in `reasoning_content`", [bareChunk({ reasoning_content: "Hm" })], ["thinking Hm ()"]],
  ["in `reasoning_details`", [bareChunk({ reasoning_details: [detail("Hm")] })], [
    "thinking Hm ()",
  ]],
  ["in all three fields", [bareChunk({
    reasoning: "Hm",
    reasoning_content: "Hm",
    reasoning_details: [detail("Hm")],
  })], ["thinking Hm ()"]],
  ["with a signature", [
    bareChunk({ reasoning: "Hm", reasoning_details: [detail("Hm")] }),
    bareChunk({ reasoning_details: [detail("", { signature: "sig" })] }),
  ], ["thinking Hm (sig)"]],
  [
    "encrypted",
    [bareChunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "xyz" }] })],
    [
      "redacted xyz",
    ],
  ],
  ["beside text in one delta", [bareChunk({ content: "So", reasoning: "Hm" })], [
    "thinking Hm ()",
    "text So",
  ]],
];

for (const [about, chunks, content] of THOUGHTS) {
  Deno.test(`reasoning ${about} is returned once, before the text`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks, HI, STOP, "[DONE]"));
    const last = content.at(-1) === "text So"
      ? [...content.slice(0, -1), "text SoHi"]
      : [...content, "text Hi"];
    assertEquals(summarize(outcome), last);
  });
}

Deno.test("special characters in text and arguments are kept", async () => {
  const text =
    "\ud83d half \udc00 \0 \u2028\u2029\u0085 \r\n\n data: [DONE]\n\nevent: error\ndata: {}\n\n : \ufeff";
  const call = calls(callHead(0, "c1", "Bash", JSON.stringify({ text })));
  const outcome = await sendThrough(streamChunks(textChunk(text), call, STOP, "[DONE]"));
  assertEquals([outcome.error, outcome.content === text], ["", true]);
  assertEquals(
    outcome.message?.content[1]?.type === "tool_use" && outcome.message.content[1].input,
    { text },
  );
});

Deno.test("line endings, a byte order mark and several data lines do not change the text", async () => {
  const chunks = sse(HI, STOP, "[DONE]");
  const forms = [
    chunks.replaceAll("\n", "\r\n"),
    chunks.replaceAll("\n", "\r"),
    chunks.replaceAll("data: ", "data:"),
    `\ufeff${chunks}`,
    chunks.replace(',"choices"', '\ndata: ,"choices"'),
    chunks.replaceAll("data: ", "id: 1\nevent: message\nretry: 5\ndata: "),
  ];
  for (const form of forms) {
    const outcome = await sendThrough(async ({ send, chunk }) => {
      await send(STREAM_HEADERS);
      await chunk(form);
      await send(LAST_CHUNK);
    }, { request: STREAM });
    assertEquals([outcome.content, outcome.error], ["Hi", ""], form);
  }
});
