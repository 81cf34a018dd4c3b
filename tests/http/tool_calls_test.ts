// Odd tool calls, reasoning and characters in chunks, with a raw TCP upstream and the listening proxy. The exact
// events are in tests/fixtures (.stream.json); these tests check the message that a client puts together.

import { assertEquals } from "@std/assert";
import { type Outcome, sendThrough, STREAM, streamChunks } from "../helpers/end_to_end.ts";
import { ask } from "../helpers/proxy.ts";
import { LAST_CHUNK, rawAnswer, STREAM_HEAD } from "../helpers/raw_upstream.ts";
import { bareChunk, callHead, callTail, finishChunk, sse, textChunk } from "../helpers/chunks.ts";

type Json = Record<string, unknown>;

/** Fragments of tool calls in one delta. */
const calls = (...fragments: Json[]): Json => bareChunk({ tool_calls: fragments });
const HI = textChunk("Hi");
const STOP = finishChunk();

/** The content in one line a block. */
function show({ message }: Outcome): string[] {
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
  ["args in first chunk", [BASH], [A]],
  ["no args", [calls(callHead(0, "c1", "Bash"))], ["Bash {}"]],
  ["fragments", [
    calls(callHead(0, "c1", "Bash")),
    calls(callTail(0, '{"a"')),
    calls(callTail(0, ":1}")),
  ], [A]],
  ["several in one chunk", [
    calls(callHead(0, "c1", "Bash", '{"a":1}'), callHead(1, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["interleaved indexes", [
    calls(callHead(0, "c1", "Bash"), callHead(1, "c2", "Read")),
    calls(callTail(1, '{"b"')),
    calls(callTail(0, '{"a"')),
    calls(callTail(1, ":2}"), callTail(0, ":1}")),
  ], [A, B]],
  ["same index, new id", [BASH, calls(callHead(0, "c2", "Read", '{"b":2}'))], [A, B]],
  ["no index", [
    calls(callHead(undefined, "c1", "Bash", '{"a":1}')),
    calls(callHead(undefined, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["index from 1", [
    calls(callHead(1, "c1", "Bash", '{"a":1}')),
    calls(callHead(2, "c2", "Read", '{"b":2}')),
  ], [A, B]],
  ["id and name repeated", [
    calls(callHead(0, "c1", "Bash", '{"a"')),
    calls(callHead(0, "c1", "Bash", ":1}")),
  ], [A]],
  [
    'id and name ""',
    [calls(callHead(0, "c1", "Bash", '{"a"')), calls(callHead(0, "", "", ":1}"))],
    [A],
  ],
  ["id missing", [
    calls(callHead(0, undefined, "Bash", '{"a":1}')),
    calls(callHead(1, null, "Read", '{"b":2}')),
  ], [A, B]],
  [
    "name late",
    [calls(callHead(0, "c1", undefined, '{"a"')), calls(callHead(0, undefined, "Bash", ":1}"))],
    [A],
  ],
  ["one index, no ids, other names, the same args", [
    calls(callHead(0, "", "Bash", '{"a":1}')),
    calls(callHead(0, "", "Read", '{"a":1}')),
  ], [A, 'Read {"a":1}']],
  ["trailing empty chunk", [BASH, calls(callTail(0, "")), calls({ index: 0 })], [A]],
  ["args as object", [calls(callHead(0, "c1", "Bash", { a: 1 }))], [A]],
  ["text and call in one delta", [bareChunk({
    content: "Hi",
    tool_calls: [callHead(0, "c1", "Bash", '{"a":1}')],
  })], ["text Hi", A]],
];

for (const [about, chunks, content] of QUIRKS) {
  Deno.test(`tool call quirk ${about}: whole calls, ids of their own`, async () => {
    const outcome = await sendThrough(
      streamChunks(...chunks, bareChunk({}, "tool_calls"), "[DONE]"),
    );
    assertEquals([outcome.error, outcome.message?.stop_reason], ["", "tool_use"]);
    assertEquals(show(outcome), content);
    const plain = chunks.length > 1
      ? null
      : await sendThrough(({ send }) => send(rawAnswer(200, toWhole(chunks))), {
        request: ask(),
      });
    if (plain !== null) assertEquals(show(plain), content);
  });
}

/** The same as a plain answer. */
function toWhole(chunks: Json[]): string {
  const text = JSON.stringify({ ...chunks[0] }).replace('"delta":', '"message":');
  return text.replace('"finish_reason":null', '"finish_reason":"tool_calls"');
}

/** Arguments, what of them is streamed, and the stop reason: what is closed is run, so only whole ones are. */
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
  Deno.test(`tool arguments ${text} with a normal finish are never an input that was not written`, async () => {
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
  ["in all three", [bareChunk({
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
  Deno.test(`reasoning ${about}: once, before the text`, async () => {
    const outcome = await sendThrough(streamChunks(...chunks, HI, STOP, "[DONE]"));
    const last = content.at(-1) === "text So"
      ? [...content.slice(0, -1), "text SoHi"]
      : [...content, "text Hi"];
    assertEquals(show(outcome), last);
  });
}

Deno.test("surrogate halves, NUL, U+2028, data: and event: inside text and arguments: exact", async () => {
  const text =
    "\ud83d half \udc00 \0 \u2028\u2029\u0085 \r\n\n data: [DONE]\n\nevent: error\ndata: {}\n\n : \ufeff";
  const call = calls(callHead(0, "c1", "Bash", JSON.stringify({ text })));
  const outcome = await sendThrough(streamChunks(textChunk(text), call, STOP, "[DONE]"));
  assertEquals([outcome.error, outcome.words === text], ["", true]);
  assertEquals(
    outcome.message?.content[1]?.type === "tool_use" && outcome.message.content[1].input,
    { text },
  );
});

Deno.test("CRLF, CR, no space behind the colon, a byte order mark, several data lines: read alike", async () => {
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
      await send(STREAM_HEAD);
      await chunk(form);
      await send(LAST_CHUNK);
    }, { request: STREAM });
    assertEquals([outcome.words, outcome.error], ["Hi", ""], form);
  }
});
