/**
 * Round trips of reasoning: upstream gets in the next request what it sent in a response, through a client that knows
 * only thinking and redacted_thinking.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Message } from "../../lib/anthropic/types.ts";
import { parseMessagesRequest } from "../../lib/anthropic/parse_request.ts";
import type * as openrouter from "../../lib/openrouter/types.ts";
import { collectMessage, translateResponse } from "../../lib/translate/response/message.ts";
import { continues, readReasoning, sharesEnvelope } from "../../lib/translate/reasoning.ts";
import { isClaude, vendorOf } from "../../lib/openrouter/model_mapping.ts";
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
    model: "claude-sonnet-4-5",
    inputTokens: 1,
    newCallId: () => "toolu_1",
  };
  return new StreamTranslator({ ...options, target: model, hidesThinking });
}

/** The message from a stream of these deltas and a call. */
function stream(model: string, deltas: openrouter.Delta[], hidesThinking = false): Message {
  const translator = createTranslator(model, hidesThinking);
  const all = [...deltas, { tool_calls: [CALL] }];
  const events = all.flatMap((delta) => translator.push({ model, choices: [{ delta }] }));
  const end = { choices: [{ delta: {}, finish_reason: "tool_calls" }] };
  return collectMessage([...events, ...translator.push(end), ...translator.finish()]);
}

/** The assistant message that is sent upstream when the client sends a message back. */
function replay(message: Message, model: string): Record<string, unknown> {
  const result = { type: "tool_result", tool_use_id: "call_a", content: "x" };
  const request = parseMessagesRequest(JSON.parse(JSON.stringify({
    model,
    max_tokens: 100,
    messages: [
      { role: "user", content: "Hello" },
      { role: "assistant", content: message.content },
      { role: "user", content: [result] },
    ],
  })));
  const { body } = translateRequest(request, { models: [model] });
  return { ...body.messages.find(({ role }) => role === "assistant") };
}

const detailsOf = (message: Message, model: string) => replay(message, model)["reasoning_details"];
const delta = (...details: Detail[]): openrouter.Delta => ({ reasoning_details: details });

interface Turn {
  name: string;
  model: string;
  /** The thinking that the client sees. */
  visible: string;
  deltas: openrouter.Delta[];
  details: Detail[];
}

/** Deltas of one turn → the details that must be sent back to the same model. */
const TURNS: Turn[] = [
  {
    name: "Claude: text in several deltas, then a signature",
    model: "anthropic/claude-opus-5",
    visible: "40 km",
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
    name: "Claude: two signed texts with an encrypted entry between them",
    model: "anthropic/claude-opus-5",
    visible: "OneTwo",
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
    name:
      "OpenAI: a summary in several deltas, all of index 0, then encrypted reasoning with its id",
    model: "openai/gpt-6",
    visible: "**Plan** Read.",
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
    name: "Gemini: unsigned text is not sent back, the encrypted signature of a call is",
    model: "google/gemini-3-pro",
    visible: "Hm",
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
    visible: "Hm",
    deltas: [
      delta({ type: "reasoning.text", text: "Hm", signature: "R0VN", format: GEMINI, index: 0 }),
    ],
    details: [
      { type: "reasoning.text", text: "Hm", signature: "R0VN", format: GEMINI, index: 0 },
    ],
  },
  {
    name: "other models: unsigned text, unknown keys and nulls",
    model: "z-ai/glm-5",
    visible: 'A 世界\n"b"',
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

for (const { name, model, visible, deltas, details } of TURNS) {
  for (const isHidden of [false, true]) {
    Deno.test(`reasoning is sent back to its model, ${isHidden ? "hidden" : "visible"}. ${name}`, () => {
      const message = stream(model, deltas, isHidden);
      const thinking = message.content.map((block) =>
        block.type === "thinking" ? block.thinking : ""
      );
      assertEquals(thinking.join(""), isHidden ? "" : visible);
      assertEquals(detailsOf(message, model), details);
    });
  }

  Deno.test(`reasoning is not sent to another vendor. ${name}`, () => {
    const other = model.startsWith("anthropic/") ? "openai/gpt-6" : "anthropic/claude-opus-5";
    assertFalse("reasoning_details" in replay(stream(model, deltas), other));
  });
}

Deno.test("entries of a JSON response are not merged, whatever their kind", () => {
  const model = "openai/gpt-6";
  const details = [
    { type: "reasoning.summary", summary: "One", format: OPENAI, index: 0 },
    { type: "reasoning.summary", summary: "Two", format: OPENAI, index: 1 },
    { type: "reasoning.encrypted", data: "Z0FB", id: "rs_1", format: OPENAI, index: 2 },
  ];
  const message = { content: null, reasoning_details: details, tool_calls: [CALL] };
  const choices = [{ message, finish_reason: "tool_calls" }];
  const translated = translateResponse({ model, choices }, createTranslator(model));
  assertEquals(detailsOf(translated, model), details);
});

Deno.test("an empty list is sent back as an empty list, but not to another vendor", () => {
  const message = stream("deepseek/deepseek-v4", [{ reasoning_details: [], content: "Hm" }]);
  assertEquals(message.content[0], { type: "text", text: "Hm" });
  assertEquals(detailsOf(message, "deepseek/deepseek-v4"), []);
  assertFalse("reasoning_details" in replay(message, "openai/gpt-6"));
});

Deno.test("without reasoning_details in the response none are sent back", () => {
  const message = stream("deepseek/deepseek-v4", [{ content: "Hm" }]);
  assertFalse("reasoning_details" in replay(message, "deepseek/deepseek-v4"));
});

for (const field of ["reasoning", "reasoning_content"] as const) {
  Deno.test(`plain ${field} is sent back under its own name, to models without signatures`, () => {
    const deltas = [{ [field]: "Deep " }, { [field]: "thought" }];
    const message = stream("moonshotai/kimi-k3", deltas);
    assertEquals(message.content[0]?.type, "thinking");
    const sent = replay(message, "moonshotai/kimi-k3");
    assertEquals([sent[field], sent["reasoning_details"]], ["Deep thought", undefined]);
    const unsigned = replay(stream("anthropic/claude-opus-5", deltas), "anthropic/claude-opus-5");
    assertFalse(field in unsigned);
  });
}

Deno.test("reasoning is sent back to its model after switching to another model and back", () => {
  const own = stream("openai/gpt-6", TURNS[2]?.deltas ?? []);
  assertFalse("reasoning_details" in replay(own, "google/gemini-3-pro"));
  assertEquals(detailsOf(own, "openai/gpt-6"), TURNS[2]?.details);
  assertEquals(detailsOf(own, "openai/gpt-6-mini"), TURNS[2]?.details);
});

Deno.test("encrypted reasoning is encoded in the signature of its text, as some clients drop redacted blocks", () => {
  for (const { model, deltas, details } of TURNS.filter((turn) => !turn.model.startsWith("anth"))) {
    const message = stream(model, deltas);
    const content = message.content.filter(({ type }) => type !== "redacted_thinking");
    assertEquals(content.length, message.content.length);
    assertEquals(detailsOf({ ...message, content }, model), details);
  }
});

Deno.test("Claude's redacted thinking is a separate block, as Anthropic sends it", () => {
  const { model = "", deltas = [] } = TURNS[1] ?? {};
  const types = stream(model, deltas).content.map(({ type }) => type);
  assertEquals(types, ["thinking", "redacted_thinking", "thinking", "tool_use"]);
});

Deno.test("an entry that belongs to a call has the id under which the call is sent", () => {
  const model = "google/gemini-3-pro";
  const call = { ...CALL, id: "tool_0_Bash" };
  const entry = {
    type: "reasoning.encrypted",
    data: "U0lH",
    id: call.id,
    format: GEMINI,
    index: 0,
  };
  const respond = (takenCallIds: string[]) => {
    const options = {
      messageId: "msg_1",
      model: "claude-sonnet-4-5",
      inputTokens: 1,
      newCallId: () => "x",
    };
    const translator = new StreamTranslator({ ...options, target: model, takenCallIds });
    const delta = { reasoning_details: [entry], tool_calls: [call] };
    const events = translator.push({ model, choices: [{ delta, finish_reason: "stop" }] });
    return collectMessage([...events, ...translator.finish()]);
  };
  const first = respond([]);
  const second = respond(["tool_0_Bash"]);
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

Deno.test("all reasoning is sent back to a preset, as its id names no vendor", () => {
  const message = stream("openai/gpt-6", TURNS[2]?.deltas ?? []);
  assertEquals(detailsOf(message, "@preset/mine"), TURNS[2]?.details);
});

Deno.test("an invalid envelope is omitted", () => {
  for (const json of ["", "{", "[]", '{"family":"openai"}', '{"family":"openai","detail":7}']) {
    const block = { type: "redacted_thinking" as const, data: `claudeproxy-reasoning-v1:${json}` };
    const message = { ...stream("openai/gpt-6", []), content: [block] };
    assertFalse("reasoning_details" in replay(message, "openai/gpt-6"));
  }
});

Deno.test("reasoning entries that all have different keys take linear time", () => {
  const start = performance.now();
  const model = "z-ai/glm-5";
  const deltas = Array.from(
    { length: 20_000 },
    (_, n) => delta({ type: "reasoning.text", text: "x", [`key_${n}`]: n }),
  );
  const [block] = stream(model, deltas).content;
  // About 200 ms; copying each entry into the next would take more than a minute.
  assert(performance.now() - start < 5000);
  assert(block?.type === "thinking" && block.thinking.length === 20_000);
});

Deno.test("entries with fields of unexpected types cause no error", () => {
  for (const value of [7, true, {}, ["x"], null]) {
    for (const key of ["format", "signature", "id", "text", "data", "index"]) {
      for (const type of ["reasoning.text", "reasoning.encrypted"]) {
        const details = JSON.parse(JSON.stringify({ type, text: "x", data: "x", [key]: value }));
        replay(stream("z-ai/glm-5", [delta(details), delta(details)]), "z-ai/glm-5");
      }
    }
  }
});

Deno.test("readReasoning returns plain text and the encrypted entries next to it", () => {
  const detail = { type: "reasoning.encrypted", data: "abc" };
  assertEquals(readReasoning({ reasoning: "Hm.", reasoning_details: [detail] }), [
    { field: "reasoning", text: "Hm." },
    { detail },
  ]);
});

Deno.test("continues compares ids only if both pieces have one", () => {
  const piece = (id?: string) => ({ detail: { type: "reasoning.text", ...(id && { id }) } });
  assertEquals(continues(piece("a"), piece("a")), true);
  assertEquals(continues(piece("a"), piece()), true);
  assertEquals(continues(piece(), piece("a")), true);
  assertEquals(continues(piece("a"), piece("b")), false);
});

Deno.test("sharesEnvelope treats missing and null formats as equal", () => {
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
  assertEquals([shares("", ""), shares(""), shares(null, "")], [true, false, false]);
});

Deno.test("a text entry is continued by plain text until it is signed", () => {
  const plain = { field: "reasoning", text: "b" } as const;
  const entry = { detail: { type: "reasoning.text", text: "a" } };
  assertEquals(continues(entry, plain), true);
  assertEquals(continues({ detail: { ...entry.detail, signature: "s" } }, plain), false);
  assertEquals(continues(plain, { ...plain, field: "reasoning_content" }), false);
  assertEquals(continues(plain, entry), false);
  assertEquals(continues(entry, { isEmptyList: true }), false);
});

Deno.test("vendorOf is empty for ids that name no vendor", () => {
  const vendors = Object.entries({
    "anthropic/claude-opus-5": "anthropic",
    "~anthropic/claude-opus-5": "anthropic",
    "openrouter/auto": "",
    "openrouter": "openrouter",
    "@preset/mine": "",
    "qwen3": "qwen3",
  });
  for (const [model, vendor] of vendors) assertEquals(vendorOf(model), vendor, model);
  assertEquals(["anthropic/x", "anthropic", "openai/x"].map(isClaude), [true, false, false]);
});
