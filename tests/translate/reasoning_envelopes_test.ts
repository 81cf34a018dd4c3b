/**
 * Encoded reasoning: what a block's signature or data is, and what is sent back of the blocks in a history.
 * @module
 */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../lib/anthropic/types.ts";
import type { ReasoningDetail } from "../../lib/openrouter/types.ts";
import {
  encodeReasoning,
  type Reasoning,
  renameCalls,
  replayReasoning,
  sharesEnvelope,
} from "../../lib/translate/reasoning.ts";

const CLAUDE = "anthropic-claude-v1";
const GEMINI = "google-gemini-v1";
const ENVELOPE = "claudeproxy-reasoning-v1:";
const EMPTY: Reasoning = { isEmptyList: true };
const encrypted = { type: "reasoning.encrypted", data: "ENC" };

const plain = (text: string, field: "reasoning" | "reasoning_content" | "content" = "reasoning") =>
  ({ field, text }) as const;

/** A value of a wrong type, as some servers send it. */
// deno-lint-ignore no-explicit-any
const odd = (value: unknown): any => value;

const claude = { type: "reasoning.text", text: "t", signature: "sig", format: CLAUDE, index: 0 };
const claudeData = { type: "reasoning.encrypted", data: "ENC", format: CLAUDE, index: 1 };
const geminiText = { type: "reasoning.text", text: "t", format: GEMINI };
const envelope = (value: unknown) => ENVELOPE + JSON.stringify(value);
const detailsOf = (...details: ReasoningDetail[]): Reasoning[] =>
  details.map((detail) => ({ detail }));

/** Pieces from a model → what a block's signature or data is, with visible and with hidden thinking. */
const ENCODED: [about: string, string, Reasoning[], visible: string, hidden?: string][] = [
  ["no pieces", "anthropic/c", [], ""],
  [
    "Claude's signed text",
    "anthropic/c",
    detailsOf(claude),
    "sig",
    envelope({ family: "anthropic", detail: claude }),
  ],
  ["Claude's encrypted entry", "anthropic/c", detailsOf(claudeData), "ENC"],
  ["an encrypted entry of odd data", "anthropic/c", detailsOf({ ...claudeData, data: odd(7) }), ""],
  [
    "Claude's entry without a format",
    "anthropic/c",
    detailsOf({ type: "reasoning.text", text: "t", signature: "sig" }),
    "sig",
    envelope({
      family: "anthropic",
      detail: { type: "reasoning.text", text: "t", signature: "sig" },
    }),
  ],
  [
    "Claude's entry with empty fields",
    "anthropic/c",
    detailsOf({ ...claudeData, id: null, extra: undefined } as ReasoningDetail),
    "ENC",
  ],
  [
    "Claude's entry with an id",
    "anthropic/c",
    detailsOf({ ...claude, id: "x" }),
    envelope({ family: "anthropic", detail: { ...claude, id: "x" } }),
  ],
  [
    "Claude's summary",
    "anthropic/c",
    detailsOf({ type: "reasoning.summary", summary: "t", format: CLAUDE }),
    envelope({
      family: "anthropic",
      detail: { type: "reasoning.summary", summary: "t", format: CLAUDE },
    }),
  ],
  [
    "two of Claude's entries",
    "anthropic/c",
    detailsOf(claude, claudeData),
    envelope({ family: "anthropic", pieces: detailsOf(claude, claudeData) }),
  ],
  [
    "Claude's entry with another format",
    "anthropic/c",
    detailsOf({ ...claude, format: "new" }),
    envelope({ family: "anthropic", detail: { ...claude, format: "new" } }),
  ],
  [
    "Claude's entry with an empty format",
    "anthropic/c",
    detailsOf({ ...claude, format: "" }),
    envelope({ family: "anthropic", detail: { ...claude, format: "" } }),
  ],
  ["Claude's unsigned text", "anthropic/c", detailsOf({ ...claude, signature: null }), ""],
  [
    "Claude's format from another vendor",
    "openai/g",
    detailsOf({ ...claude, signature: "" }),
    envelope({ family: "anthropic", detail: { ...claude, signature: "" } }),
  ],
  ["Gemini's unsigned text", "google/g", detailsOf(geminiText), ""],
  [
    "Gemini's unsigned text beside a signed entry",
    "google/g",
    detailsOf(geminiText, { ...encrypted, format: GEMINI }),
    envelope({ family: "google", detail: { ...encrypted, format: GEMINI } }),
  ],
  [
    "Gemini's signed text",
    "google/g",
    detailsOf({ ...geminiText, signature: "s" }),
    envelope({ family: "google", detail: { ...geminiText, signature: "s" } }),
  ],
  ["plain text of Claude", "anthropic/c", [plain("a")], ""],
  ["plain text of Gemini", "google/g", [plain("a")], ""],
  [
    "plain text of another vendor",
    "z-ai/g",
    [plain("a", "reasoning_content")],
    envelope({ family: "z-ai", field: "reasoning_content", text: "a" }),
  ],
  ["thinking parts", "mistralai/m", [plain("a", "content")], ""],
  ["an empty list", "z-ai/g", [EMPTY], envelope({ family: "z-ai", isEmptyList: true })],
];

for (const [about, model, pieces, visible, hidden = visible] of ENCODED) {
  Deno.test(`encodeReasoning encodes ${about}`, () => {
    assertEquals(encodeReasoning(pieces, { model, isHidden: false }), visible);
    assertEquals(encodeReasoning(pieces, { model, isHidden: true }), hidden);
  });
}

/** The format of an entry → the vendor it is sent back to, if the model's id names none. */
const FORMATS: [format: string | null, vendor: string][] = [
  [CLAUDE, "anthropic"],
  [GEMINI, "google"],
  ["openai-responses-v1", "openai"],
  ["azure-openai-responses-v1", "openai"],
  ["xai-responses-v1", "x-ai"],
  ["unknown", ""],
  [null, ""],
];

for (const [format, family] of FORMATS) {
  Deno.test(`encodeReasoning names the vendor ${JSON.stringify(family)} for the format ${format} of a preset`, () => {
    const detail = { ...encrypted, format };
    const encoded = encodeReasoning([{ detail }], { model: "@preset/mine", isHidden: false });
    assertEquals(encoded, envelope({ family, detail }));
  });
}

Deno.test("sharesEnvelope keeps visible Claude entries apart: their signatures are sent unchanged", () => {
  const [block, other] = [claude, claudeData].map((detail) => ({ detail }));
  const shares = (model: string, isHidden: boolean) =>
    sharesEnvelope(block ?? EMPTY, other ?? EMPTY, { model, isHidden });
  assertEquals([shares("anthropic/c", false), shares("anthropic/c", true)], [false, true]);
  assertEquals(shares("openai/g", false), true);
  const options = { model: "openai/g", isHidden: false };
  assertEquals(sharesEnvelope(plain("a"), { detail: encrypted }, options), false);
  assertEquals(sharesEnvelope({ detail: encrypted }, EMPTY, options), false);
});

const thinking = (signature: string, text = "t"): anthropic.AssistantContent => ({
  type: "thinking",
  thinking: text,
  signature,
});
const redacted = (data: string): anthropic.AssistantContent => ({
  type: "redacted_thinking",
  data,
});

/** Blocks of the history → the fields that are sent to a model. */
const REPLAYED: [
  about: string,
  model: string,
  content: anthropic.AssistantContent[],
  fields: unknown,
][] = [
  ["text", "anthropic/c", [{ type: "text", text: "Hi" }], {}],
  ["unsigned thinking", "anthropic/c", [thinking("")], {}],
  ["Claude's signature for another vendor", "openai/g", [thinking("sig"), redacted("ENC")], {}],
  [
    "Claude's blocks by position",
    "anthropic/c",
    [thinking("sig", "a"), { type: "text", text: "Hi" }, redacted("ENC")],
    {
      reasoning_details: [
        { type: "reasoning.text", text: "a", signature: "sig", format: CLAUDE, index: 0 },
        { type: "reasoning.encrypted", data: "ENC", format: CLAUDE, index: 1 },
      ],
    },
  ],
  ["an envelope of another vendor", "openai/g", [
    redacted(envelope({ family: "google", detail: encrypted })),
  ], {}],
  ["an envelope for a preset", "@preset/mine", [
    redacted(envelope({ family: "google", detail: encrypted })),
  ], { reasoning_details: [encrypted] }],
  ["an envelope in a signature", "openai/g", [
    thinking(envelope({ family: "openai", detail: encrypted })),
  ], { reasoning_details: [encrypted] }],
  ["an envelope that is not at the start", "openai/g", [
    thinking(`x${envelope({ family: "openai", detail: encrypted })}`),
  ], {}],
  ["several pieces, some invalid", "openai/g", [
    redacted(
      envelope({ family: "openai", pieces: [null, 7, {}, { detail: encrypted }, plain("a")] }),
    ),
  ], { reasoning_details: [encrypted], reasoning: "a" }],
  ["an empty list", "z-ai/g", [redacted(envelope({ family: "z-ai", isEmptyList: true }))], {
    reasoning_details: [],
  }],
  ["a wrong value for an empty list", "z-ai/g", [
    redacted(envelope({ family: "z-ai", isEmptyList: 1 })),
  ], {}],
  ["both plain fields", "z-ai/g", [
    thinking(envelope({ family: "z-ai", field: "reasoning", text: "a" })),
    thinking(envelope({ family: "z-ai", field: "reasoning_content", text: "b" })),
  ], { reasoning: "a", reasoning_content: "b" }],
  ["a field that is not known", "z-ai/g", [
    thinking(envelope({ family: "z-ai", field: "content", text: "a" })),
  ], {}],
  ["a plain field without text", "z-ai/g", [
    thinking(envelope({ family: "z-ai", field: "reasoning", text: 7 })),
  ], {}],
  ["unsigned Gemini text of a preset", "google/g", [
    redacted(envelope({ family: "google", detail: geminiText })),
  ], {}],
];

for (const [about, model, content, fields] of REPLAYED) {
  Deno.test(`replayReasoning sends back ${about}`, () => {
    assertEquals<unknown>(replayReasoning(content, model), fields);
  });
}

Deno.test("renameCalls replaces only the ids of calls that are sent under another id", () => {
  const details = [{ id: "a" }, { id: "b" }, { id: "c", data: "x" }, { id: null }, {}];
  const fields = { reasoning: "r", reasoning_details: details };
  const ids = new Map([["a", "a"], ["c", "c_r2"], ["", "none"]]);
  assertEquals(renameCalls(fields, new Map()), fields);
  assertEquals(renameCalls({ reasoning: "r" }, ids), { reasoning: "r" });
  ids.delete("");
  assertEquals(renameCalls(fields, ids), {
    reasoning: "r",
    reasoning_details: [{ id: "a" }, { id: "b" }, { id: "c_r2", data: "x" }, { id: null }, {}],
  });
});
