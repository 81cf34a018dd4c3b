// SSE framing: lines in, payloads out, wherever the text is cut.

import { assertEquals, assertLess, assertThrows } from "@std/assert";
import type { BlockDelta } from "../../lib/anthropic/types.ts";
import { ApiError } from "../../lib/errors.ts";
import { encodeEvent, SseParser } from "../../lib/stream/sse.ts";

/** All payloads of the pieces, including a last event without its blank line. */
function readAll(pieces: readonly string[]): string[] {
  const parser = new SseParser();
  const payloads = pieces.flatMap((piece) => parser.push(piece));
  return [...payloads, ...parser.end()];
}

/** Every way to cut a text into two or three pieces. */
function* cuts(text: string): Generator<string[]> {
  for (let a = 0; a <= text.length; a++) {
    for (let b = a; b <= text.length; b++) {
      yield [text.slice(0, a), text.slice(a, b), text.slice(b)];
    }
  }
}

Deno.test("SseParser holds an event back until its blank line", () => {
  const parser = new SseParser();
  assertEquals(parser.push('data: {"a":1}\n'), []);
  assertEquals(parser.push("\n"), ['{"a":1}']);
});

Deno.test("SseParser returns an event without its blank line only at the end", () => {
  const parser = new SseParser();
  assertEquals(parser.push("data: 1\n\ndata: 2"), ["1"]);
  assertEquals(parser.end(), ["2"]);
  assertEquals(parser.end(), []);
});

Deno.test("SseParser returns nothing at the end of a complete stream", () => {
  const parser = new SseParser();
  parser.push("data: 1\n\n");
  assertEquals(parser.end(), []);
});

const STREAMS = [
  { about: "LF", text: "data: 1\n\ndata: 2\n\n", payloads: ["1", "2"] },
  { about: "CRLF", text: "data: 1\r\n\r\ndata: 2\r\n\r\n", payloads: ["1", "2"] },
  { about: "CR", text: "data: 1\r\rdata: 2\r\r", payloads: ["1", "2"] },
  {
    about: "mixed line endings",
    text: "data: 1\r\n\ndata: 2\r\r\ndata: 3\n\r",
    payloads: ["1", "2", "3"],
  },
  { about: "several data lines", text: "data: 1\ndata: 2\n\n", payloads: ["1\n2"] },
  {
    about: "an empty data line between others",
    text: "data: 1\ndata\ndata: 2\n\n",
    payloads: ["1\n\n2"],
  },
  { about: "CRLF inside an event", text: "data: 1\r\ndata: 2\r\n\r\n", payloads: ["1\n2"] },
  { about: "no space", text: "data:1\n\ndata:  2\n\n", payloads: ["1", " 2"] },
  { about: "empty data", text: "data:\n\ndata\n\ndata: \n\n", payloads: ["", "", ""] },
  { about: "comments", text: ": one\n\n:two\ndata: 1\n: three\n\n", payloads: ["1"] },
  {
    about: "other fields",
    text: "event: message\nid: 7\nretry: 10\ndatax: 0\ndata: 1\n\n",
    payloads: ["1"],
  },
  {
    about: "JSON without a field name",
    text: '{"a":1}\n\nid: 7\ndata: 1\n\n',
    payloads: ['{"a":1}', "1"],
  },
  {
    about: "JSON of several lines without a field name",
    text: '{\r\n "a":\r\n1\r\n}',
    payloads: ['{\n "a":\n1\n}'],
  },
  {
    about: "an error: field",
    text: 'data: 1\n\nerror: {"detail":"d","error":{"message":"m"}}\n\n\n',
    payloads: ["1", '{"detail":"d","error":{"message":"m"}}'],
  },
  {
    about: "an error: field in another form and with several lines",
    text: 'error:{"message":\nerror: "m"}\n\nerror: no words\n\nerror:\n\ndata: 2\n\n',
    payloads: ['{"error":{"message":"m"}}', '{"error":"no words"}', '{"error":""}', "2"],
  },
  {
    about: "data and an error in one event",
    text: "data: 1\nerror: x\ndata: 2\n\n",
    payloads: ["1\n2", '{"error":"x"}'],
  },
  {
    about: "an event named error",
    text: 'event: error\ndata: {"message":"m","code":400}\n\ndata: {"message":"m"}\n\n',
    payloads: ['{"error":{"message":"m","code":400}}', '{"message":"m"}'],
  },
  {
    about: "an event named error whose data is an error object",
    text: 'event:error\ndata: {"type":"error", "error":{}}\n\nevent: error\ndata: no\n\n',
    payloads: ['{"type":"error", "error":{}}', '{"error":"no"}'],
  },
  {
    about: "an event whose name only starts with error",
    text: "event: errors\ndata: 1\n\nevent: error\nevent: message\ndata: 2\n\n",
    payloads: ["1", "2"],
  },
  {
    about: "errors that are not objects",
    text:
      "error: 0\n\nevent: error\ndata: false\n\nerror: null\n\nevent: error\ndata:  no words \n\n",
    payloads: ['{"error":0}', '{"error":false}', '{"error":"null"}', '{"error":"no words"}'],
  },
  {
    about: "an error: field with a comment and other data in one event",
    text: 'error: "a"\n: comment\ndata: {"error":1}\n\n',
    payloads: ['{"error":1}', '{"error":"a"}'],
  },
  {
    about: "an event named error without data",
    text: "event: error\n\ndata: 1\n\n",
    payloads: ["1"],
  },
  { about: "a brace after data", text: "data: 1\n{2}\n\n", payloads: ["1"] },
  { about: "many blank lines", text: "\n\n\ndata: 1\n\n\n\n", payloads: ["1"] },
  {
    about: "field names inside data",
    text: "data: data: event: x\n\n",
    payloads: ["data: event: x"],
  },
  {
    about: "other line separators in data",
    text: "data: a\u2028b\u2029c\u0085d\v\f\n\n",
    payloads: ["a\u2028b\u2029c\u0085d\v\f"],
  },
];

for (const { about, text, payloads } of STREAMS) {
  Deno.test(`SseParser reads ${about}, cut anywhere`, () => {
    for (const pieces of cuts(text)) {
      assertEquals(readAll(pieces), payloads, JSON.stringify(pieces));
    }
    assertEquals(readAll([...text]), payloads, "every character");
  });
}

Deno.test("SseParser treats LF after a CR at the end of a piece as the same line ending", () => {
  const parser = new SseParser();
  assertEquals(parser.push("data: 1\r"), []);
  assertEquals(parser.push("\ndata: 2\r"), []);
  assertEquals(parser.push(""), []);
  assertEquals(parser.push("\n\r"), ["1\n2"]);
  assertEquals(parser.push("\n"), []);
  assertEquals(parser.end(), []);
});

Deno.test("SseParser reports the characters of the event that it has buffered", () => {
  const parser = new SseParser();
  const buffered = ["data: 12", "\n", "id: 3\nda", "ta: 4\n", "\n", ": hello\n\ndata", "\n\n"].map(
    (text) => {
      parser.push(text);
      return parser.bufferedChars;
    },
  );
  assertEquals(buffered, [8, 8, 15, 20, 0, 4, 0]);
});

Deno.test("SseParser takes an event of 16 MiB and not a character more, in one line or several", () => {
  const chars = 16 * 1024 * 1024;
  for (const lines of [["x".repeat(chars)], ["x".repeat(chars - 100), "\n", "x".repeat(100)]]) {
    const parser = new SseParser();
    for (const line of lines) assertEquals(parser.push(line), []);
    assertEquals(parser.bufferedChars, chars);
    const error = assertThrows(() => parser.push("x"), ApiError);
    assertEquals([error.type, error.status, error.message], [
      "api_error",
      502,
      "Upstream sent an event of more than 16 MiB",
    ]);
  }
});

Deno.test("SseParser reads a line of 2 MB in pieces of 4 KB exactly", () => {
  const payload = Array.from({ length: 2 * 1024 * 1024 / 16 }, (_, i) => `${i}`.padStart(16)).join(
    "",
  );
  const text = `data: ${payload}\n\n`;
  const pieces = Array.from(
    { length: Math.ceil(text.length / 4096) },
    (_, i) => text.slice(i * 4096, (i + 1) * 4096),
  );
  const [read, ...others] = readAll(pieces);
  // Not assertEquals: a failure would print 2 MB twice.
  assertEquals(read === payload, true);
  assertEquals(others, []);
});

Deno.test("SseParser examines each character of a long line once", () => {
  const parser = new SseParser();
  const started = performance.now();
  parser.push("data: ");
  // Searching the whole line for every piece would take 100,000,000,000 steps.
  for (let i = 0; i < 500_000; i++) parser.push("x");
  assertEquals(parser.push("\n\n")[0]?.length, 500_000);
  assertLess(performance.now() - started, 5000);
});

Deno.test("SseParser examines each character of a long error once", () => {
  const parser = new SseParser();
  const started = performance.now();
  parser.push("error: ");
  for (let i = 0; i < 500_000; i++) parser.push(i % 100 === 99 ? "\nerror: " : "x");
  assertEquals(parser.push("\n\n").length, 1);
  assertLess(performance.now() - started, 5000);
});

Deno.test("encodeEvent writes name and data with a space after the colon, and a blank line", () => {
  assertEquals(encodeEvent({ type: "ping" }), 'event: ping\ndata: {"type":"ping"}\n\n');
});

Deno.test("encodeEvent keeps line breaks in text inside its data line", () => {
  const text = "\n\ndata: x\r\revent: y\u0000";
  const encoded = encodeEvent({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  });
  const [name, data, ...rest] = encoded.split(/\r\n|\r|\n/);
  assertEquals([name, rest], ["event: content_block_delta", ["", ""]]);
  assertEquals(JSON.parse(data?.slice("data: ".length) ?? "").delta.text, text);
});

Deno.test("encodeEvent writes every kind of delta as JSON.stringify would", () => {
  const text = 'quote " slash \\ line\n nul \u0000 half \ud800 \u2028 €𝄞';
  const deltas: BlockDelta[] = [
    { type: "text_delta", text },
    { type: "input_json_delta", partial_json: text },
    { type: "thinking_delta", thinking: text },
    { type: "signature_delta", signature: text },
  ];
  for (const [index, delta] of deltas.entries()) {
    const event = { type: "content_block_delta", index, delta } as const;
    const expected = `event: content_block_delta\ndata: ${JSON.stringify(event)}\n\n`;
    assertEquals(encodeEvent(event), expected);
  }
});
