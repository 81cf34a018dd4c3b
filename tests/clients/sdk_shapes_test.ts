/**
 * The official SDK reads upstream responses that the recordings lack or that matter most to clients: invalid and
 * truncated tool calls, unusual finish reasons and ids. The expectations are those of the replay of recorded traffic.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import { compare } from "../replay/compare.ts";
import { type Expected, expectResponse } from "../replay/expected.ts";
import { byByte, byEvent, whole } from "../replay/pieces.ts";
import { send, type Setup } from "../replay/proxy.ts";
import { parseResponse } from "../replay/reference.ts";

/** An upstream response and the expected result, streamed and as JSON. */
interface Shape {
  name: string;
  /** The arguments of each call. */
  calls?: string[];
  text?: string;
  finish: string | null;
  native?: string;
  /** The expected stop reason. */
  stopReason?: string;
  /** The expected result is an error. */
  fails?: true;
  /** The expected tool inputs of the JSON response. */
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
    name: "a valid call before an invalid one",
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
    name: "arguments that are null",
    calls: ["null"],
    finish: "tool_calls",
    stopReason: "tool_use",
    inputs: [{}],
  },
  { name: "no arguments", calls: [""], finish: "tool_calls", stopReason: "tool_use", inputs: [{}] },
  {
    name: "truncated arguments with the finish reason tool_calls",
    calls: ['{"a": "b'],
    finish: "tool_calls",
    stopReason: "max_tokens",
    inputs: [],
  },
  {
    name: "a call truncated by the limit, with only a native finish reason for it",
    calls: ['{"a": "b'],
    finish: "tool_calls",
    native: "max_output_tokens",
    stopReason: "max_tokens",
    inputs: [],
  },
  {
    name: "a call truncated by the limit after text and a complete call",
    text: "Both",
    calls: ['{"a":1}', '{"b": "c'],
    finish: "length",
    stopReason: "max_tokens",
    inputs: [{ a: 1 }],
  },
  { name: "text truncated by the limit", text: "Hi", finish: "length", stopReason: "max_tokens" },
  { name: "an unknown finish reason", text: "Hi", finish: "finished", stopReason: "end_turn" },
  {
    name: "an unknown finish reason after a call",
    calls: ['{"a":1}'],
    finish: "finished",
    stopReason: "tool_use",
    inputs: [{ a: 1 }],
  },
  {
    name: "Mistral's finish reason for the limit",
    text: "Hi",
    finish: "model_length",
    stopReason: "max_tokens",
  },
  {
    name: "Z.ai's finish reason for a refusal",
    text: "Hi",
    finish: "sensitive",
    stopReason: "refusal",
  },
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
      const result = await send({ ...PARAMS, stream: true }, recording, SETUP);
      assertEquals(compare(result, expect(shape, body, true)), []);
      if (!shape.fails) assertEquals(result.message?.stop_reason, shape.stopReason);
    }
  });

  Deno.test(`the SDK reads a message: ${shape.name}`, async () => {
    const body = JSON.stringify(toCompletion(shape));
    const recording = { status: 200, contentType: "application/json", pieces: whole(body) };
    const result = await send(PARAMS, recording, SETUP);
    assertEquals(compare(result, expect(shape, body, false)), []);
    if (shape.fails) return;
    assertEquals(result.message?.stop_reason, shape.stopReason);
    const calls = result.message?.content.filter((block) => block.type === "tool_use") ?? [];
    assertEquals(calls.map(({ input }) => input), shape.inputs ?? []);
  });
}

Deno.test("the SDK reports a stream that is cut off", async () => {
  const body = toStream({ name: "", text: "Hi", finish: null }).replace("data: [DONE]\n\n", "");
  const recording = { status: 200, contentType: "text/event-stream", pieces: whole(body) };
  const result = await send({ ...PARAMS, stream: true }, recording, SETUP);
  assertEquals(result.message, null);
  assertEquals(result.events.at(-1)?.type, "error");
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
        tool_calls: calls.length > 0 ? tool_calls : undefined,
      },
      finish_reason: finish,
      native_finish_reason: native,
    }],
  };
}

/** Text, then for each call its first delta and its arguments, then the finish reason. */
function toStream({ text, calls = [], finish, native }: Shape): string {
  const deltas: JsonObject[] = [
    { role: "assistant", content: "" },
    ...(text === undefined ? [] : [{ content: text }]),
    ...calls.flatMap((call, index) => [
      { tool_calls: [{ ...toCall(calls.map(() => ""), index), index }] },
      ...(call === "" ? [] : [{ tool_calls: [{ index, function: { arguments: call } }] }]),
    ]),
  ];
  const lastChoice = { index: 0, delta: {}, finish_reason: finish, native_finish_reason: native };
  const choices = [
    ...deltas.map((delta) => ({ index: 0, delta, finish_reason: null })),
    lastChoice,
  ];
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
