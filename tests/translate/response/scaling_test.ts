// Checks that translation takes linear time in everything of a response that can be long or frequent: upstream may send
// anything, and one response must not delay the others.

import { parseErrorResponse } from "../../../lib/openrouter/errors.ts";
import { encodeEvent, SseParser } from "../../../lib/stream/sse.ts";
import { ToolNames } from "../../../lib/translate/tool_names.ts";
import { translateResponse } from "../../../lib/translate/response/message.ts";
import { StreamTranslator } from "../../../lib/translate/response/stream_translator.ts";
import { type Growth, testGrowths } from "../../helpers/scaling.ts";

type Json = Record<string, unknown>;

const CHUNKS = 60_000;
const CHARS = 3_000_000;

function createTranslator(more: Json = {}): StreamTranslator {
  return new StreamTranslator({
    messageId: "msg_1",
    model: "claude-sonnet-4-5",
    inputTokens: 1,
    newCallId: () => "toolu_1",
    target: "openai/gpt-5",
    searchesWeb: true,
    names: new ToolNames(["Bash"]),
    ...more,
  });
}

function list<T>(size: number, item: (n: number) => T): T[] {
  return Array.from({ length: size }, (_, n) => item(n));
}

/** Deltas, each in its own chunk. */
function stream(about: string, most: number, build: (size: number) => Json[], more?: Json): Growth {
  return {
    about: `${about}, streamed,`,
    most,
    prepare(size) {
      const chunks = build(size).map((delta) => JSON.stringify({ choices: [{ index: 0, delta }] }));
      const end = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
      return () => {
        const translator = createTranslator(more);
        let length = 0;
        for (const chunk of chunks) {
          for (const event of translator.push(JSON.parse(chunk))) {
            length += encodeEvent(event).length;
          }
        }
        for (const event of translator.push(end)) length += encodeEvent(event).length;
        for (const event of translator.finish({ isDone: true })) {
          length += encodeEvent(event).length;
        }
        return length;
      };
    },
  };
}

/** One message. */
function message(about: string, most: number, build: (size: number) => Json): Growth {
  return {
    about: `${about}, in one message,`,
    most,
    prepare(size) {
      const json = JSON.stringify(build(size));
      return () => {
        const choices = [{ index: 0, message: JSON.parse(json), finish_reason: "stop" }];
        JSON.stringify(translateResponse({ choices }, createTranslator()));
      };
    },
  };
}

const delta = (index: number, id: string | null, args: string) => ({
  index,
  ...(id !== null && { id }),
  function: { ...(id !== null && { name: "Bash" }), arguments: args },
});
const calls = (...deltas: Json[]) => ({ tool_calls: deltas });
const entry = (n: number, more: Json = {}) => ({
  type: "reasoning.text",
  index: n,
  format: "anthropic-claude-v1",
  text: "a",
  ...more,
});
const encrypted = (n: number) => ({
  type: "reasoning.encrypted",
  format: "openai-responses-v1",
  id: `rs_${n}`,
  data: "AAAA",
});
const cite = (n: number) => ({
  type: "url_citation",
  url_citation: { url: `https://a/${n}`, title: "a", content: "b" },
});

const STOPS = { stopSequences: list(100, (n) => `${"a".repeat(30)}${n}`) };

const STREAMS: readonly Growth[] = [
  stream("text", CHUNKS, (size) => list(size, () => ({ content: "word " }))),
  stream(
    "text near stop sequences",
    20_000,
    (size) => list(size, () => ({ content: "aaaaa " })),
    STOPS,
  ),
  stream("reasoning", CHUNKS, (size) => list(size, () => ({ reasoning: "word " }))),
  stream(
    "deltas of one reasoning entry",
    CHUNKS,
    (size) => list(size, () => ({ reasoning_details: [entry(0)] })),
  ),
  stream(
    "reasoning entries",
    CHUNKS,
    (size) =>
      list(size, (n) => ({ reasoning_details: [entry(n, { id: `t${n}`, signature: "AAAA" })] })),
  ),
  stream(
    "keys of a reasoning entry",
    CHUNKS,
    (size) => list(size, (n) => ({ reasoning_details: [{ ...entry(0), [`k${n}`]: 1 }] })),
  ),
  stream(
    "encrypted reasoning entries",
    CHUNKS,
    (size) => list(size, (n) => ({ reasoning_details: [encrypted(n)] })),
  ),
  stream(
    "alternating text and thinking",
    CHUNKS,
    (size) => list(size, (n) => n % 2 ? { reasoning: "a" } : { content: "b" }),
  ),
  stream("deltas of a call", CHUNKS, (size) => [
    calls(delta(0, "a", '{"a":"')),
    ...list(size, () => calls(delta(0, null, "word "))),
    calls(delta(0, null, '"}')),
  ]),
  stream("deltas of white space", CHUNKS, (size) => [
    calls(delta(0, "a", "")),
    ...list(size, () => calls(delta(0, null, " "))),
    calls(delta(0, null, "{}")),
  ]),
  stream("deltas after a complete call", CHUNKS, (size) => [
    calls(delta(0, "a", "{}")),
    ...list(size, () => calls(delta(0, "a", " "))),
  ]),
  stream("brackets in a call", CHUNKS, (size) => [
    calls(delta(0, "a", '{"a":[')),
    ...list(size, () => calls(delta(0, null, "[],"))),
    calls(delta(0, null, "1]}")),
  ]),
  stream("calls", CHUNKS, (size) => list(size, (n) => calls(delta(n, `call_${n}`, "{}")))),
  stream(
    "calls of one id",
    CHUNKS,
    (size) => list(size, (n) => calls(delta(n, "call_0", "{}"))),
  ),
  stream("calls without ids", CHUNKS, (size) => list(size, (n) => calls(delta(n, "", "{}")))),
  stream("calls with interleaved deltas", 20_000, (size) => [
    ...list(size, (n) => calls(delta(n, `call_${n}`, '{"a":'))),
    ...list(size, (n) => calls(delta(n, null, "1}"))),
  ]),
  stream(
    "parts of a name",
    20_000,
    (size) =>
      list(size, (n) => calls({ index: 0, id: "a", function: { name: `n${n}`, arguments: "" } })),
  ),
  stream("repeated arguments", CHUNKS, (size) => [
    calls(delta(0, "a", `{"a":"${"x".repeat(200)}"}`)),
    ...list(size, () => calls(delta(0, "a", `{"a":"${"x".repeat(200)}"}`))),
  ]),
  stream(
    "citations",
    CHUNKS,
    (size) => list(size, (n) => ({ content: "a", annotations: [cite(n)] })),
  ),
  stream("refusals", CHUNKS, (size) => list(size, () => ({ refusal: "a" }))),
];

const text = (size: number, filler: string) => filler.repeat(Math.ceil(size / filler.length));

const MESSAGES: readonly Growth[] = [
  ...["word ", "\n", "\\", "世"].map((filler) =>
    message(`text of ${JSON.stringify(filler)}`, CHARS, (size) => ({ content: text(size, filler) }))
  ),
  message("reasoning", CHARS, (size) => ({ content: "a", reasoning: text(size, "word ") })),
  message(
    "arguments",
    CHARS,
    (size) => calls(delta(0, "a", JSON.stringify({ a: text(size, "word ") }))),
  ),
  message("broken arguments", CHARS, (size) => calls(delta(0, "a", text(size, "[{ ")))),
  message("white space as arguments", CHARS, (size) => calls(delta(0, "a", text(size, " ")))),
  message("calls", CHUNKS, (size) => calls(...list(size, (n) => delta(n, `call_${n}`, "{}")))),
  message("calls of one id", CHUNKS, (size) => calls(...list(size, (n) => delta(n, "c", "{}")))),
  message(
    "calls without index",
    CHUNKS,
    (size) =>
      calls(...list(size, (n) => ({ id: `c${n}`, function: { name: "Bash", arguments: "{}" } }))),
  ),
  message("reasoning entries", CHUNKS, (size) => ({
    content: "a",
    reasoning_details: list(size, (n) => entry(n, { signature: "AAAA" })),
  })),
  message("encrypted reasoning entries", CHUNKS, (size) => ({
    content: "a",
    reasoning_details: list(size, encrypted),
  })),
  message("alternating plain and encrypted reasoning entries", CHUNKS, (size) => ({
    content: "a",
    reasoning_details: list(size, (n) => n % 2 ? encrypted(n) : entry(n)),
  })),
  message("parts of text", CHUNKS, (size) => ({
    content: list(size, () => ({ type: "text", text: "a" })),
  })),
  message("parts of thinking", CHUNKS, (size) => ({
    content: list(size, () => ({ type: "thinking", thinking: [{ type: "text", text: "a" }] })),
  })),
  message("images", CHUNKS, (size) => ({
    content: "a",
    images: list(size, () => ({ image_url: { url: "data:image/png;base64,AAAA" } })),
  })),
  message("citations", 15_000, (size) => ({ content: "a", annotations: list(size, cite) })),
];

function frame(about: string, build: (size: number) => string[], most = CHARS): Growth {
  return {
    about,
    most,
    prepare(size) {
      const pieces = build(size);
      return () => {
        const parser = new SseParser();
        for (const piece of pieces) parser.push(piece);
        parser.end();
      };
    },
  };
}

const FRAMES: readonly Growth[] = [
  frame("pieces of a line", (size) => list(size, () => "data: x"), 300_000),
  frame("lines of an event", (size) => ["data: x\n".repeat(size / 8)]),
  frame("lines of errors", (size) => ["error: x\n".repeat(size / 9)]),
  frame("events", (size) => ["data: x\n\n".repeat(size / 9)]),
  frame("comments", (size) => [": x\n".repeat(size / 4)]),
  frame("line ends of two kinds", (size) => list(size / 10, () => "data: x\r\r\n")),
  frame("lines of bare JSON", (size) => ["{\n".repeat(size / 2)]),
];

/** An error body up to the limit that is read. */
const ERRORS: readonly Growth[] = [
  "x",
  " ",
  "available ",
  "is not available ",
  "maximum context length is 1",
  "1234567890,",
  "{",
  "<html>",
  "tokens + ",
].map((filler) => ({
  about: `an error of ${JSON.stringify(filler)}`,
  most: 256 * 1024,
  prepare(size) {
    const message = text(size, filler);
    const body = JSON.stringify({ error: { code: 400, message, metadata: { raw: message } } });
    return () => [parseErrorResponse(400, body, {}), parseErrorResponse(404, message, {})];
  },
}));

testGrowths("translating a response", [...STREAMS, ...MESSAGES]);
testGrowths("framing", FRAMES);
testGrowths("reading", ERRORS);
