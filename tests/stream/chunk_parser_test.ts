/** @module Chunks that are parsed by their text alone equal those of `JSON.parse`. */

import { assertEquals } from "@std/assert";
import { ChunkParser } from "../../lib/stream/chunk_parser.ts";

const REST = { finish_reason: null, logprobs: null };

/** A chunk of OpenRouter. */
function chunk(delta: unknown, more: object = {}): string {
  const choices = [{ index: 0, delta, ...REST }];
  return JSON.stringify({ id: "gen-1", model: "vendor/model", choices, ...more });
}

function text(content: string): string {
  return chunk({ role: "assistant", content });
}

function call(args: string): string {
  const fn = { name: "Read", arguments: args };
  return chunk({ content: null, tool_calls: [{ index: 0, function: fn }] });
}

/** Thinking as OpenRouter sends it: the same text twice. */
function thinking(text: string, more: object = {}): string {
  const details = [{ type: "reasoning.text", text, format: "anthropic-claude-v1", index: 0 }];
  return chunk({
    role: "assistant",
    content: "",
    reasoning: text,
    reasoning_details: details,
    ...more,
  });
}

/** Parses the payloads one after another; copies, because later calls change earlier results. */
function parseAll(payloads: readonly string[]): unknown[] {
  const parser = new ChunkParser();
  return payloads.map((payload) => structuredClone(parser.parse(payload)));
}

/** The text itself, not a copy. */
function readContent(chunk: unknown): string {
  // deno-lint-ignore no-explicit-any
  return (chunk as any).choices[0].delta.content;
}

function parseOrUndefined(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

/** Name → payloads of one response. */
const RESPONSES: Record<string, readonly string[]> = {
  "text": ["Hello", " ", "", 'a "quoted" \\ text', "\n\t\u0000", "😀", "\ud83d", "é"].map(text),
  // Up to twelve characters are copied, longer texts are parsed.
  "texts of about the length that is copied": [11, 12, 13, 14].flatMap((length) =>
    ["x", "é", "😀", '"', "\\", "\u007f"].map((last) => text("x".repeat(length - 1) + last))
  ),
  "short texts with characters that need escapes": ["\t", "\u0000", "\u001f", " ", '"', "\\"].map(
    (char) => text("a").replace('"a"', `"${char}"`),
  ),
  "arguments": ['{"path":', '"a\\\\b"', "", "}"].map(call),
  "text, then arguments, then text": [text("a"), text("b"), call("{"), call("}"), text("c")],
  "thinking, then text": [
    ...["a", 'b "text" \\', ""].map((text) => thinking(text)),
    text("c"),
    text("d"),
  ],
  "thinking whose two texts differ": [
    thinking("a"),
    thinking("b").replace('"b"', '"c"'),
    thinking("d").replace('"text":"d"', '"text":null'),
    thinking("e").replace('"reasoning":"e",', ""),
    thinking("f"),
  ],
  "a signature": [
    thinking("a"),
    thinking("").replace('"text":""', '"signature":"s"'),
    thinking("b"),
  ],
  "thinking of other servers": ["a", "b", "c"].map((text) =>
    chunk({ content: null, reasoning_content: text })
  ),
  "texts in another order": ["a", "b", "c"].map((text) =>
    chunk({
      tool_calls: [{ function: { arguments: text } }],
      reasoning: `${text}r`,
      content: `${text}c`,
    })
  ),
  "a text that ends the JSON string early": [text("a"), text('b","role":"user')],
  "a text with the name of the field": [text('"content"'), text('"content":"x"'), text("y")],
  "another name with that text": [
    '{"choices":[{"delta":{"content":"a"}}],"content":"a"}',
    '{"choices":[{"delta":{"content":"a"}}],"content":"b"}',
    '{"choices":[{"delta":{"content":"b"}}],"content":"b"}',
  ],
  "a repeated name": [
    '{"choices":[{"delta":{"content":"a","content":"b"}}]}',
    '{"choices":[{"delta":{"content":"a","content":"c"}}]}',
    '{"choices":[{"delta":{"content":"d","content":"c"}}]}',
  ],
  "an escaped name": [
    '{"choices":[{"delta":{"\\u0063ontent":"content","a":"x"}}]}',
    '{"choices":[{"delta":{"\\u0063ontent":"content","a":"y"}}]}',
    '{"choices":[{"delta":{"\\u0063ontent":"z","a":"y"}}]}',
  ],
  "spaces": [
    '{ "choices": [ {"delta": { "content" : "a" } } ] }',
    '{ "choices": [ {"delta": { "content" : "b" } } ] }',
  ],
  "something else in its place": [
    text("a"),
    text("a").replace('"a"', "null"),
    text("a").replace('"a"', "7"),
    text("a").replace('"a"', '7"'),
    text("a").replace('"a"', '"a" , "b":"c"'),
    text("a").replace('"a"', '"a'),
    text("a").replace('"a"', '"\n"'),
    text("a").replace('"a"', '"\\x"'),
    text("a").replace('"a"', ""),
    text("b"),
  ],
  "shorter than what surrounds the text": [text("a"), text("a").slice(0, 40), "{}", "", text("b")],
  "usage, finish and no choices": [
    text("a"),
    text("b"),
    chunk({ content: "" }, { usage: { cost: 1 } }),
    JSON.stringify({ choices: [], usage: { cost: 1 } }),
    text("c"),
  ],
  "several choices and calls": [
    '{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}',
    '{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"c"}}]}',
    '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"a"}},{"function":{"arguments":"b"}}]}}]}',
    '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"a"}},{"function":{"arguments":"c"}}]}}]}',
  ],
  "arguments that are an object": [
    '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":"b"}}}]}}]}',
    '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":"c"}}}]}}]}',
  ],
  "chunks that all differ elsewhere": Array.from(
    { length: 40 },
    (_, i) => chunk({ content: `${i}` }, { created: i }),
  ),
  "long chunks": [text("a".repeat(5000)), text("b".repeat(5000)), text("c")],
};

for (const [name, payloads] of Object.entries(RESPONSES)) {
  Deno.test(`ChunkParser parses ${name} as JSON.parse does`, () => {
    assertEquals(parseAll(payloads), payloads.map(parseOrUndefined));
  });
}

Deno.test("ChunkParser parses only the text of a chunk that differs in nothing else", () => {
  const parser = new ChunkParser();
  const first = parser.parse(text("a"));
  // The same object shows that the rest was not parsed again.
  assertEquals(parser.parse(text("b")) === first, true);
  assertEquals(parser.parse(text("")) === first, true);
  assertEquals(parser.parse(chunk({ content: "c" })) === first, false);
});

Deno.test("ChunkParser parses only the texts of thinking", () => {
  const parser = new ChunkParser();
  const first = parser.parse(thinking("a"));
  assertEquals(parser.parse(thinking("b")) === first, true);
});

Deno.test("ChunkParser stops looking for templates that never fit, but not for good", () => {
  const parser = new ChunkParser();
  for (let i = 0; i < 20; i++) parser.parse(chunk({ content: "a" }, { created: i }));
  const first = parser.parse(text("a"));
  assertEquals(parser.parse(text("b")) === first, false);
  for (let i = 0; i < 64; i++) parser.parse(text("c"));
  assertEquals(parser.parse(text("d")) === parser.parse(text("e")), true);
});

Deno.test("ChunkParser's texts do not keep the payloads in memory that they came in", () => {
  // A slice of 13 characters or more refers to the text that it was cut from.
  const parser = new ChunkParser();
  const kept: string[] = [];
  const before = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < 300; i++) {
    const read = `${"x".repeat(100_000)}${text(`word ${i}`.padEnd(13))}`;
    const chunk: unknown = parser.parse(read.slice(read.indexOf("{")));
    kept.push(readContent(chunk));
  }
  assertEquals(kept.length, 300);
  assertEquals(Deno.memoryUsage().heapUsed - before < 20_000_000, true);
});
