/**
 * The pieces of a response's reasoning: how they are read and joined.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Delta, ReasoningDetail } from "../../lib/openrouter/types.ts";
import {
  continues,
  isVisible,
  mergeReasoning,
  readReasoning,
  type Reasoning,
  visibleText,
} from "../../lib/translate/reasoning.ts";

/** A value of a wrong type, as some servers send it. */
// deno-lint-ignore no-explicit-any
const odd = (value: unknown): any => value;

const signed = { type: "reasoning.text", signature: "s" };
const encrypted = { type: "reasoning.encrypted", data: "ENC" };
const thinkingPart = (thinking: unknown) => ({ type: "thinking", thinking });

/** Delta → its pieces. */
const READ: [about: string, delta: Delta, pieces: Reasoning[]][] = [
  ["no reasoning", {}, []],
  ["text", { content: "Hi" }, []],
  ["parts of text", { content: odd([{ type: "text", text: "Hi" }, null, 7]) }, []],
  ["empty strings", { reasoning: "", reasoning_content: "" }, []],
  ["an empty list", { reasoning_details: [] }, []],
  ["a field that is not a string", { reasoning: odd(7), reasoning_content: odd({}) }, []],
  ["details that are not a list", { reasoning_details: odd("x") }, []],
  ["entries without a type", { reasoning_details: odd([null, 7, {}, { type: 7 }]) }, []],
  ["reasoning", { reasoning: "a" }, [{ field: "reasoning", text: "a" }]],
  ["reasoning_content", { reasoning_content: "a" }, [{ field: "reasoning_content", text: "a" }]],
  [
    "both fields, which are copies",
    { reasoning: "a", reasoning_content: "a" },
    [{ field: "reasoning_content", text: "a" }],
  ],
  [
    "both fields, one of them empty",
    { reasoning: "a", reasoning_content: "" },
    [{ field: "reasoning", text: "a" }],
  ],
  [
    "Mistral's parts",
    {
      content: odd([
        thinkingPart([{ type: "text", text: "a" }]),
        { type: "text", text: "Hi", thinking: "no" },
        thinkingPart("b"),
        null,
      ]),
    },
    [{ field: "content", text: "ab" }],
  ],
  ["Mistral's parts without text", { content: odd([thinkingPart([])]) }, []],
  [
    "a field beside Mistral's parts",
    { reasoning: "a", content: odd([thinkingPart("b")]) },
    [{ field: "reasoning", text: "a" }],
  ],
  [
    "text in an entry and in the field",
    { reasoning: "a", reasoning_details: [{ type: "reasoning.text", text: "a" }] },
    [{ detail: { type: "reasoning.text", text: "a" } }],
  ],
  [
    "a summary in an entry and in the field",
    { reasoning: "a", reasoning_details: [encrypted, { type: "reasoning.summary", summary: "a" }] },
    [{ detail: encrypted }, { detail: { type: "reasoning.summary", summary: "a" } }],
  ],
  [
    "a signature whose text is only in the field",
    { reasoning: "a", reasoning_details: [encrypted, signed, { ...signed, signature: "other" }] },
    [{ detail: encrypted }, { detail: { ...signed, text: "a" } }, {
      detail: { ...signed, signature: "other" },
    }],
  ],
];

for (const [about, delta, pieces] of READ) {
  Deno.test(`readReasoning reads ${about}`, () => assertEquals(readReasoning(delta), pieces));
}

Deno.test("visibleText is the text or summary of an entry, isVisible whether its type has one", () => {
  const entries: [ReasoningDetail, string, boolean][] = [
    [{ type: "reasoning.text", text: "t", summary: "s" }, "t", true],
    [{ type: "reasoning.summary", text: "t", summary: "s" }, "s", true],
    [{ type: "reasoning.text", text: null }, "", true],
    [{ type: "reasoning.encrypted", data: "x" }, "", false],
    [{ type: "other", text: "t" }, "t", false],
  ];
  for (const [entry, text, visible] of entries) {
    assertEquals([visibleText(entry), isVisible(entry)], [text, visible], JSON.stringify(entry));
  }
});

const entry = (more: ReasoningDetail = {}): Reasoning => ({
  detail: { type: "reasoning.text", ...more },
});
const plain = (text: string, field: "reasoning" | "reasoning_content" | "content" = "reasoning") =>
  ({ field, text }) as const;
const EMPTY: Reasoning = { isEmptyList: true };

Deno.test("continues accepts only pieces of the same kind", () => {
  const pairs: [Reasoning, Reasoning, boolean][] = [
    [plain("a"), plain("b"), true],
    [plain("a"), plain("b", "content"), false],
    [plain("a"), entry(), false],
    [plain("a"), EMPTY, false],
    [entry(), plain("b"), true],
    [entry({ signature: "s" }), plain("b"), false],
    [entry(), EMPTY, false],
    [EMPTY, EMPTY, false],
    [EMPTY, plain("b"), false],
    [entry(), entry(), true],
    [entry(), entry({ type: "reasoning.summary" }), false],
    [entry({ signature: "s" }), entry(), false],
    [entry(), entry({ signature: "s" }), true],
  ];
  for (const [current, next, expected] of pairs) {
    assertEquals(continues(current, next), expected, JSON.stringify([current, next]));
  }
});

/** Piece, the next → the joined piece. */
const MERGED: [about: string, current: Reasoning, next: Reasoning, merged: Reasoning][] = [
  ["plain text", plain("a"), plain("b"), plain("ab")],
  ["text", entry({ text: "a" }), entry({ text: "b" }), entry({ text: "ab" })],
  ["text after none", entry(), entry({ text: "b" }), entry({ text: "b" })],
  ["text after null", entry({ text: null }), entry({ text: "b" }), entry({ text: "b" })],
  ["no text", entry({ text: "a" }), entry({ text: "" }), entry({ text: "a" })],
  ["no text after none", entry(), entry({ text: null }), entry()],
  [
    "summaries",
    entry({ type: "reasoning.summary", summary: "a" }),
    entry({ type: "reasoning.summary", summary: "b" }),
    entry({ type: "reasoning.summary", summary: "ab" }),
  ],
  [
    "a summary after none",
    entry({ type: "reasoning.summary" }),
    entry({ type: "reasoning.summary", summary: "b" }),
    entry({ type: "reasoning.summary", summary: "b" }),
  ],
  [
    "an empty summary",
    entry({ type: "reasoning.summary" }),
    entry({ type: "reasoning.summary", summary: "" }),
    entry({ type: "reasoning.summary" }),
  ],
  ["an entry and plain text", entry({ text: "a" }), plain("b"), entry({ text: "ab" })],
  [
    "a summary and plain text",
    entry({ type: "reasoning.summary", summary: "a" }),
    plain("b"),
    entry({ type: "reasoning.summary", summary: "ab" }),
  ],
  ["a signature", entry({ text: "a" }), entry({ signature: "s" }), {
    detail: { type: "reasoning.text", text: "a", signature: "s" },
  }],
  ["no signature", entry({ signature: "s" }), entry({ signature: "" }), entry({ signature: "s" })],
  [
    "other fields, of which the first value counts",
    entry({ id: null, index: 0 }),
    entry({ id: "b", index: 1, format: "f" }),
    entry({ id: null, index: 0, format: "f" }),
  ],
  ["an empty list", entry({ text: "a" }), EMPTY, entry({ text: "a" })],
  ["text after an empty list", EMPTY, plain("b"), EMPTY],
  ["an entry after plain text", plain("a"), entry({ text: "b" }), plain("a")],
];

for (const [about, current, next, merged] of MERGED) {
  Deno.test(`mergeReasoning joins ${about}`, () => {
    const joined = structuredClone(current);
    mergeReasoning(joined, next);
    assertEquals(joined, merged);
  });
}

Deno.test("mergeReasoning keeps a key __proto__ as data that is sent back", () => {
  const current = entry({ text: "a" });
  mergeReasoning(current, { detail: JSON.parse('{"__proto__":{"polluted":1},"extra":2}') });
  assertEquals(
    JSON.stringify(current),
    '{"detail":{"type":"reasoning.text","text":"a","__proto__":{"polluted":1},"extra":2}}',
  );
  assertEquals("polluted" in current, false);
});
