/**
 * Reasoning there and back: what upstream sent in an answer is what it gets in the next request, through a
 * client that knows only thinking and redacted_thinking.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Message } from "../../lib/anthropic/types.ts";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import type * as openrouter from "../../lib/openrouter/types.ts";
import { collectMessage, translateResponse } from "../../lib/translate/response/message.ts";
import {
  continues,
  isClaude,
  readReasoning,
  sharesEnvelope,
  vendorOf,
} from "../../lib/translate/reasoning.ts";
import { translateRequest } from "../../lib/translate/request/request.ts";
import { StreamTranslator } from "../../lib/translate/response/stream_translator.ts";

type Detail = openrouter.ReasoningDetail & Record<string, unknown>;

const CLAUDE = "anthropic-claude-v1";
const GEMINI = "google-gemini-v1";
const OPENAI = "openai-responses-v1";
const CALL = { index: 0, id: "call_a", function: { name: "Read", arguments: '{"path":"a"}' } };

function createTranslator(model: string, hidesThinking = false): StreamTranslator {
  const options = {
    messageId: "msg_1",
    model: "asked",
    inputTokens: 1,
    newCallId: () => "toolu_1",
  };
  return new StreamTranslator({ ...options, target: model, hidesThinking });
}

/** An answer as a stream of these deltas, then a call, as the client has it at the end. */
function stream(model: string, deltas: openrouter.Delta[], hidesThinking = false): Message {
  const translator = createTranslator(model, hidesThinking);
  const all = [...deltas, { tool_calls: [CALL] }];
  const events = all.flatMap((delta) => translator.push({ model, choices: [{ delta }] }));
  const end = { choices: [{ delta: {}, finish_reason: "tool_calls" }] };
  return collectMessage([...events, ...translator.push(end), ...translator.finish()]);
}

/** The assistant message that goes upstream when the client brings an answer back. */
function replay(answer: Message, model: string): Record<string, unknown> {
  const result = { type: "tool_result", tool_use_id: "call_a", content: "x" };
  const request = parseMessagesRequest(JSON.parse(JSON.stringify({
    model,
    max_tokens: 100,
    messages: [
      { role: "user", content: "Hello" },
      { role: "assistant", content: answer.content },
      { role: "user", content: [result] },
    ],
  })));
  const { body } = translateRequest(request, { models: [model] });
  const message = body.messages.find(({ role }) => role === "assistant");
  return { ...message };
}

const detailsOf = (answer: Message, model: string) => replay(answer, model)["reasoning_details"];
const delta = (...details: Detail[]): openrouter.Delta => ({ reasoning_details: details });

interface Turn {
  name: string;
  model: string;
  /** The thinking that the client reads. */
  shown: string;
  deltas: openrouter.Delta[];
  details: Detail[];
}

/** Deltas of one turn → the details that must come back to the same model. */
const TURNS: Turn[] = [
  {
    name: "Claude: text in pieces, then a signature alone",
    model: "anthropic/claude-opus-5",
    shown: "40 km",
    deltas: [
      {
        reasoning: "40",
        ...delta({ type: "reasoning.text", text: "40", format: CLAUDE, index: 0 }),
      },
      {
        reasoning: " km",
        ...delta({ type: "reasoning.text", text: " km", format: CLAUDE, index: 0 }),
      },
      delta({ type: "reasoning.text", signature: "Q0FJUw==", format: CLAUDE, index: 0 }),
    ],
    details: [
      { type: "reasoning.text", text: "40 km", signature: "Q0FJUw==", format: CLAUDE, index: 0 },
    ],
  },
  {
    name: "Claude: two signed thoughts and an encrypted one between them",
    model: "anthropic/claude-opus-5",
    shown: "OneTwo",
    deltas: [
      delta({ type: "reasoning.text", text: "One", format: CLAUDE, index: 0 }),
      delta({ type: "reasoning.text", signature: "QQ==", format: CLAUDE, index: 0 }),
      delta({ type: "reasoning.encrypted", data: "RU5D", format: CLAUDE, index: 1 }),
      delta({ type: "reasoning.text", text: "Two", format: CLAUDE, index: 2 }),
      delta({ type: "reasoning.text", signature: "Qg==", format: CLAUDE, index: 2 }),
    ],
    details: [
      { type: "reasoning.text", text: "One", signature: "QQ==", format: CLAUDE, index: 0 },
      { type: "reasoning.encrypted", data: "RU5D", format: CLAUDE, index: 1 },
      { type: "reasoning.text", text: "Two", signature: "Qg==", format: CLAUDE, index: 2 },
    ],
  },
  {
    name: "OpenAI: a summary in pieces, all of index 0, then encrypted reasoning with its id",
    model: "openai/gpt-6",
    shown: "**Plan** Read.",
    deltas: [
      delta({ type: "reasoning.summary", summary: "**Plan**", format: OPENAI, index: 0 }),
      delta({ type: "reasoning.summary", summary: " Read.", format: OPENAI, index: 0 }),
      delta({ type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", format: OPENAI, index: 0 }),
    ],
    details: [
      { type: "reasoning.summary", summary: "**Plan** Read.", format: OPENAI, index: 0 },
      { type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", format: OPENAI, index: 0 },
    ],
  },
  {
    name:
      "Gemini: unsigned text stays away, the call's encrypted signature comes back with the call",
    model: "google/gemini-3-pro",
    shown: "Hm",
    deltas: [
      delta({ type: "reasoning.text", text: "Hm", format: GEMINI, index: 0 }),
      delta({ type: "reasoning.encrypted", data: "U0lH", id: "call_a", format: GEMINI, index: 1 }),
    ],
    details: [
      { type: "reasoning.encrypted", data: "U0lH", id: "call_a", format: GEMINI, index: 1 },
    ],
  },
  {
    name: "Gemini: signed text",
    model: "google/gemini-3-pro",
    shown: "Hm",
    deltas: [
      delta({ type: "reasoning.text", text: "Hm", signature: "R0VN", format: GEMINI, index: 0 }),
    ],
    details: [
      { type: "reasoning.text", text: "Hm", signature: "R0VN", format: GEMINI, index: 0 },
    ],
  },
  {
    name: "another model: unsigned text, unknown keys and nulls",
    model: "z-ai/glm-5",
    shown: 'A 世界\n"b"',
    deltas: [
      delta({
        type: "reasoning.text",
        text: "A 世界",
        format: "unknown",
        index: 0,
        id: null,
        extra: 1,
      }),
      delta({ type: "reasoning.text", text: '\n"b"', format: "unknown", index: 0 }),
    ],
    details: [
      {
        type: "reasoning.text",
        text: 'A 世界\n"b"',
        format: "unknown",
        index: 0,
        id: null,
        extra: 1,
      },
    ],
  },
];

for (const { name, model, shown, deltas, details } of TURNS) {
  for (const isHidden of [false, true]) {
    Deno.test(`reasoning comes back to its model, ${isHidden ? "hidden" : "shown"}. ${name}`, () => {
      const answer = stream(model, deltas, isHidden);
      const thinking = answer.content.map((block) =>
        block.type === "thinking" ? block.thinking : ""
      );
      assertEquals(thinking.join(""), isHidden ? "" : shown);
      assertEquals(detailsOf(answer, model), details);
    });
  }

  Deno.test(`reasoning stays away from another family. ${name}`, () => {
    const other = model.startsWith("anthropic/") ? "openai/gpt-6" : "anthropic/claude-opus-5";
    assertFalse("reasoning_details" in replay(stream(model, deltas), other));
  });
}

Deno.test("a whole answer's entries are not merged, whatever their kind", () => {
  const model = "openai/gpt-6";
  const details = [
    { type: "reasoning.summary", summary: "One", format: OPENAI, index: 0 },
    { type: "reasoning.summary", summary: "Two", format: OPENAI, index: 1 },
    { type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", format: OPENAI, index: 2 },
  ];
  const message = { content: null, reasoning_details: details, tool_calls: [CALL] };
  const choices = [{ message, finish_reason: "tool_calls" }];
  const answer = translateResponse({ model, choices }, createTranslator(model));
  assertEquals(detailsOf(answer, model), details);
});

Deno.test("an empty list comes back as an empty list, but not to another family", () => {
  const answer = stream("deepseek/deepseek-v4", [{ reasoning_details: [], content: "Hm" }]);
  assertEquals(answer.content[0], { type: "text", text: "Hm" });
  assertEquals(detailsOf(answer, "deepseek/deepseek-v4"), []);
  assertFalse("reasoning_details" in replay(answer, "openai/gpt-6"));
});

Deno.test("no list comes back as no list", () => {
  const answer = stream("deepseek/deepseek-v4", [{ content: "Hm" }]);
  assertFalse("reasoning_details" in replay(answer, "deepseek/deepseek-v4"));
});

for (const field of ["reasoning", "reasoning_content"] as const) {
  Deno.test(`plain ${field} comes back under its own name, to models that sign nothing`, () => {
    const deltas = [{ [field]: "Deep " }, { [field]: "thought" }];
    const answer = stream("moonshotai/kimi-k3", deltas);
    assertEquals(answer.content[0]?.type, "thinking");
    const message = replay(answer, "moonshotai/kimi-k3");
    assertEquals([message[field], message["reasoning_details"]], ["Deep thought", undefined]);
    const unsigned = replay(stream("anthropic/claude-opus-5", deltas), "anthropic/claude-opus-5");
    assertFalse(field in unsigned);
  });
}

Deno.test("a model switched to and fro gets its own reasoning back each time", () => {
  const own = stream("openai/gpt-6", TURNS[2]?.deltas ?? []);
  assertFalse("reasoning_details" in replay(own, "google/gemini-3-pro"));
  assertEquals(detailsOf(own, "openai/gpt-6"), TURNS[2]?.details);
  assertEquals(detailsOf(own, "openai/gpt-6-mini"), TURNS[2]?.details);
});

Deno.test("encrypted reasoning shares the signature of its text: some clients drop redacted blocks", () => {
  for (const { model, deltas, details } of TURNS.filter((turn) => !turn.model.startsWith("anth"))) {
    const answer = stream(model, deltas);
    const content = answer.content.filter(({ type }) => type !== "redacted_thinking");
    assertEquals(content.length, answer.content.length);
    assertEquals(detailsOf({ ...answer, content }, model), details);
  }
});

Deno.test("Claude's redacted thinking stays a block of its own, as Anthropic sends it", () => {
  const { model = "", deltas = [] } = TURNS[1] ?? {};
  const types = stream(model, deltas).content.map(({ type }) => type);
  assertEquals(types, ["thinking", "redacted_thinking", "thinking", "tool_use"]);
});

Deno.test("a thought that belongs to a call keeps its id, and is renamed with a call that is", () => {
  const model = "google/gemini-3-pro";
  const call = { ...CALL, id: "tool_0_Bash" };
  const entry = {
    type: "reasoning.encrypted",
    data: "U0lH",
    id: call.id,
    format: GEMINI,
    index: 0,
  };
  const answer = (takenCallIds: string[]) => {
    const options = { messageId: "msg_1", model: "asked", inputTokens: 1, newCallId: () => "x" };
    const translator = new StreamTranslator({ ...options, target: model, takenCallIds });
    const delta = { reasoning_details: [entry], tool_calls: [call] };
    const events = translator.push({ model, choices: [{ delta, finish_reason: "stop" }] });
    return collectMessage([...events, ...translator.finish()]);
  };
  const first = answer([]);
  const second = answer(["tool_0_Bash"]);
  const turns = [first, second].flatMap((one) => {
    const id = one.content.flatMap((block) => block.type === "tool_use" ? [block.id] : [])[0];
    const result = { type: "tool_result", tool_use_id: id, content: "x" };
    return [{ role: "assistant", content: one.content }, { role: "user", content: [result] }];
  });
  const messages = [{ role: "user", content: "Hello" }, ...turns];
  const request = parseMessagesRequest({ model, max_tokens: 100, messages });
  const sent = translateRequest(request, { models: [model] }).body.messages;
  const ids = sent.flatMap((message) =>
    message.role === "assistant"
      ? [[message.tool_calls?.[0]?.id, message.reasoning_details?.[0]?.id]]
      : []
  );
  assertEquals(ids, [["tool_0_Bash", "tool_0_Bash"], ["tool_0_Bash_r2", "tool_0_Bash_r2"]]);
});

Deno.test("a preset does not tell its family, so everything is brought back to it", () => {
  const answer = stream("openai/gpt-6", TURNS[2]?.deltas ?? []);
  assertEquals(detailsOf(answer, "@preset/mine"), TURNS[2]?.details);
});

Deno.test("an envelope that a client has broken is left out", () => {
  for (const seal of ["", "{", "[]", '{"family":"openai"}', '{"family":"openai","detail":7}']) {
    const block = { type: "redacted_thinking" as const, data: `claudeproxy-reasoning-v1:${seal}` };
    const answer = { ...stream("openai/gpt-6", []), content: [block] };
    assertFalse("reasoning_details" in replay(answer, "openai/gpt-6"));
  }
});

Deno.test("reasoning entries with ever new keys take linear time", () => {
  const begin = performance.now();
  const model = "z-ai/glm-5";
  const deltas = Array.from(
    { length: 20_000 },
    (_, n) => delta({ type: "reasoning.text", text: "x", [`key_${n}`]: n }),
  );
  const [block] = stream(model, deltas).content;
  // Some 200 ms; each entry copied into the next one it takes more than a minute.
  assert(performance.now() - begin < 5000);
  assert(block?.type === "thinking" && block.thinking.length === 20_000);
});

Deno.test("entries with fields of odd types end no answer", () => {
  const odd = [7, true, {}, ["x"], null];
  for (const value of odd) {
    for (const key of ["format", "signature", "id", "text", "data", "index"]) {
      for (const type of ["reasoning.text", "reasoning.encrypted"]) {
        const details = JSON.parse(JSON.stringify({ type, text: "x", data: "x", [key]: value }));
        const answer = stream("z-ai/glm-5", [delta(details), delta(details)]);
        replay(answer, "z-ai/glm-5");
      }
    }
  }
});

Deno.test("readReasoning keeps encrypted entries beside the plain text they belong to", () => {
  const detail = { type: "reasoning.encrypted", data: "abc" };
  assertEquals(readReasoning({ reasoning: "Hm.", reasoning_details: [detail] }), [
    { field: "reasoning", text: "Hm." },
    { detail },
  ]);
});

Deno.test("isContinued compares ids only where both pieces have one", () => {
  const piece = (id?: string) => ({ detail: { type: "reasoning.text", ...(id && { id }) } });
  assertEquals(continues(piece("a"), piece("a")), true);
  assertEquals(continues(piece("a"), piece()), true);
  assertEquals(continues(piece(), piece("a")), true);
  assertEquals(continues(piece("a"), piece("b")), false);
});

Deno.test("sharesEnvelope takes a format that is not named for the same as another that is not", () => {
  const piece = (type: string, format?: string | null) => ({
    detail: { type, ...(format !== undefined && { format }) },
  });
  const shares = (one?: string | null, other?: string | null) =>
    sharesEnvelope(piece("reasoning.text", one), piece("reasoning.encrypted", other), {
      model: "openai/gpt-5",
      isHidden: false,
    });
  assertEquals([shares(), shares(null), shares(undefined, null)], [true, true, true]);
  assertEquals([shares("a", "a"), shares("a"), shares("a", "b")], [true, false, false]);
});

Deno.test("a text that goes on in the other form is continued until it is signed", () => {
  const plain = { field: "reasoning", text: "b" } as const;
  const entry = { detail: { type: "reasoning.text", text: "a" } };
  assertEquals(continues(entry, plain), true);
  assertEquals(continues({ detail: { ...entry.detail, signature: "s" } }, plain), false);
  assertEquals(continues(plain, { ...plain, field: "reasoning_content" }), false);
  assertEquals(continues(plain, entry), false);
  assertEquals(continues(entry, { isEmptyList: true }), false);
});

Deno.test("toFamily is the vendor, unless the id names a way to choose a model", () => {
  const families = Object.entries({
    "anthropic/claude-opus-5": "anthropic",
    "~anthropic/claude-opus-5": "anthropic",
    "openrouter/auto": "",
    "openrouter": "openrouter",
    "@preset/mine": "",
    "qwen3": "qwen3",
  });
  for (const [model, family] of families) assertEquals(vendorOf(model), family, model);
  assertEquals(["anthropic/x", "anthropic", "openai/x"].map(isClaude), [true, false, false]);
});
