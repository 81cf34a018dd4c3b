/**
 * Upstream responses that are not in the recordings or that matter most to clients, read by the official SDK:
 * invalid and truncated tool calls, unusual endings and ids. The replay of recorded traffic has the same rules.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { compare } from "../replay/compare.ts";
import { type Expected, expectResponse } from "../replay/expected.ts";
import { byByte, byEvent, whole } from "../replay/pieces.ts";
import { send, type Setup } from "../replay/proxy.ts";
import { parseResponse } from "../replay/reference.ts";

/** One shape: what upstream says, and what a client must get for it, streamed and whole. */
interface Shape {
  name: string;
  /** `tool_calls[].function.arguments`, each a call of its own. */
  calls?: string[];
  text?: string;
  finish: string | null;
  native?: string;
  /** What both must get, or each. */
  stopReason?: string;
  /** Set where the answer is an error. */
  fails?: true;
  /** The inputs that a client sees which did not ask for a stream. */
  inputs?: unknown[];
}

const SHAPES: readonly Shape[] = [
  { name: "text", text: "Hi", finish: "stop", stopReason: "end_turn" },
  {
    name: "a call",
    calls: ['{"a":1}'],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{ a: 1 }],
  },
  {
    name: "closed arguments that are not valid JSON",
    calls: ['{"a": tru}'],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{ INVALID_JSON: '{"a": tru}' }],
  },
  {
    name: "a call before a broken one",
    text: "Both",
    calls: ['{"a":1}', "{'b':2}"],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{ a: 1 }, { INVALID_JSON: "{'b':2}" }],
  },
  {
    name: "arguments that are a list",
    calls: ['["x"]'],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{ INVALID_JSON: '["x"]' }],
  },
  {
    name: "arguments that are a number",
    calls: ["42"],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{ INVALID_JSON: "42" }],
  },
  {
    name: "arguments null",
    calls: ["null"],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{}],
  },
  { name: "no arguments", calls: [""], finish: "tool_calls", stopReason: "tool_use", inputs: [{}] },
  {
    name: "arguments that end in the middle, whatever the finish reason",
    calls: ['{"a": "b'],
    finish: "tool_calls",
    stopReason: "max_tokens",
    inputs: [],
  },
  {
    name: "a call that the limit cut, behind OpenRouter's word for a call",
    calls: ['{"a": "b'],
    finish: "tool_calls",
    native: "max_output_tokens",
    stopReason: "max_tokens",
    inputs: [],
  },
  {
    name: "a call that the limit cut after text and a whole call",
    text: "Both",
    calls: ['{"a":1}', '{"b": "c'],
    finish: "length",
    stopReason: "max_tokens",
    inputs: [{ a: 1 }],
  },
  { name: "text that the limit cut", text: "Hi", finish: "length", stopReason: "max_tokens" },
  { name: "an unknown finish reason", text: "Hi", finish: "finished", stopReason: "end_turn" },
  {
    name: "an unknown finish reason after a call",
    calls: ['{"a":1}'],
    finish: "finished",
    stopReason: "tool_use",
    inputs: [{ a: 1 }],
  },
  {
    name: "Mistral's word for the limit",
    text: "Hi",
    finish: "model_length",
    stopReason: "max_tokens",
  },
  { name: "Z.ai's word for a refusal", text: "Hi", finish: "sensitive", stopReason: "refusal" },
  { name: "no finish reason", text: "Hi", finish: null, stopReason: "end_turn" },
  {
    name: "no finish reason after a call",
    calls: ['{"a":1}'],
    finish: null,
    stopReason: "tool_use",
    inputs: [{ a: 1 }],
  },
  ...["error", "abort", "cancelled", "timeout", "network_error", "insufficient_system_resource"]
    .map((finish): Shape => ({
      name: `the finish reason ${finish}`,
      text: "Hi",
      finish,
      fails: true,
    })),
];

const SETUP: Setup = { dialect: "openrouter", target: "moonshotai/kimi-k2" };
const PARAMS = {
  model: "claude-sonnet-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "Hello" }],
  tools: [{ name: "act", input_schema: { type: "object" } }],
};

for (const shape of SHAPES) {
  Deno.test(`the SDK reads a stream: ${shape.name}`, async () => {
    const body = toStream(shape);
    for (const cut of [whole, byEvent, byByte]) {
      const recording = { status: 200, contentType: "text/event-stream", pieces: cut(body) };
      const seen = await send({ ...PARAMS, stream: true }, recording, SETUP);
      assertEquals(compare(seen, expect(shape, body, true)), []);
      if (!shape.fails) assertEquals(seen.message?.stop_reason, shape.stopReason);
    }
  });

  Deno.test(`the SDK reads a message: ${shape.name}`, async () => {
    const body = JSON.stringify(toCompletion(shape));
    const recording = { status: 200, contentType: "application/json", pieces: whole(body) };
    const seen = await send(PARAMS, recording, SETUP);
    assertEquals(compare(seen, expect(shape, body, false)), []);
    if (shape.fails) return;
    assertEquals(seen.message?.stop_reason, shape.stopReason);
    const calls = seen.message?.content.filter((block) => block.type === "tool_use") ?? [];
    assertEquals(calls.map(({ input }) => input), shape.inputs ?? []);
  });
}

Deno.test("the SDK reports a stream that is cut off", async () => {
  const body = toStream({ name: "", text: "Hi", finish: null }).replace("data: [DONE]\n\n", "");
  const recording = { status: 200, contentType: "text/event-stream", pieces: whole(body) };
  const seen = await send({ ...PARAMS, stream: true }, recording, SETUP);
  assertEquals(seen.message, null);
  assertEquals(seen.events.at(-1)?.type, "error");
});

function expect(shape: Shape, body: string, isStreamed: boolean): Expected {
  return shape.fails ? { error: "" } : expectResponse(parseResponse(body), isStreamed);
}

function toCompletion({ text, calls = [], finish, native }: Shape): JsonObject {
  const tool_calls = calls.map((_call, index) => toCall(calls, index));
  return {
    model: SETUP.target,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: text ?? null,
        ...(calls.length > 0 && { tool_calls }),
      },
      finish_reason: finish,
      ...(native !== undefined && { native_finish_reason: native }),
    }],
  };
}

/** Text, then each call as a head and its arguments, then the finish reason. */
function toStream({ text, calls = [], finish, native }: Shape): string {
  const deltas: JsonObject[] = [
    { role: "assistant", content: "" },
    ...(text === undefined ? [] : [{ content: text }]),
    ...calls.flatMap((call, index) => [
      { tool_calls: [{ ...toCall(calls.map(() => ""), index), index }] },
      ...(call === "" ? [] : [{ tool_calls: [{ index, function: { arguments: call } }] }]),
    ]),
  ];
  const ending = { index: 0, delta: {}, finish_reason: finish, native_finish_reason: native };
  const choices = [...deltas.map((delta) => ({ index: 0, delta, finish_reason: null })), ending];
  return choices.map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`).join("") +
    "data: [DONE]\n\n";
}

function toCall(calls: readonly string[], index: number): JsonObject {
  return {
    id: `functions.act:${index}`,
    type: "function",
    function: { name: "act", arguments: calls[index] },
  };
}
