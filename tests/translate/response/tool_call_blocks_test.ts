/** Calls at the end of a response: complete, cut off, without a name, or continued after their end. @module */

import { assertEquals, assertThrows } from "@std/assert";
import type { StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import { collectMessage, translateResponse } from "../../../lib/translate/response/message.ts";
import { createTranslator } from "../../helpers/translator.ts";

/** A call: name and arguments. */
type Call = [name: string, text: string];

const toCalls = (calls: readonly Call[]) =>
  calls.map(([name, text], index) => ({
    index,
    id: `call_${index}`,
    function: { name, arguments: text },
  }));

/** Blocks and stop reason of a stream in which each call is one delta. */
function stream(calls: readonly Call[], finish_reason: string) {
  const translator = createTranslator({ names: ["Read"] });
  const events: StreamEvent[] = toCalls(calls).flatMap((call) =>
    translator.push({ choices: [{ delta: { tool_calls: [call] } }] })
  );
  events.push(...translator.push({ choices: [{ delta: {}, finish_reason }] }));
  return summarize([...events, ...translator.finish()]);
}

function complete(calls: readonly Call[], finish_reason: string) {
  const message = { tool_calls: toCalls(calls) };
  const completion = { choices: [{ message, finish_reason }] };
  return toSummary(translateResponse(completion, createTranslator({ names: ["Read"] })));
}

const summarize = (events: readonly StreamEvent[]) => toSummary(collectMessage(events));

function toSummary({ content, stop_reason }: ReturnType<typeof collectMessage>) {
  return [
    ...content.map((block) => block.type === "tool_use" ? JSON.stringify(block.input) : block.type),
    stop_reason,
  ];
}

const CUT = '{"INVALID_JSON":"{"}';

/** Calls and finish reason → inputs and stop reason of a stream; of a completion, if they differ. */
const ENDS: [
  about: string,
  calls: Call[],
  finishReason: string,
  streamed: unknown[],
  completed?: unknown[],
][] = [
  ["a complete call", [["Read", '{"x":1}']], "tool_calls", ['{"x":1}', "tool_use"]],
  ["a complete call at the limit", [["Read", "{}"]], "length", ["{}", "max_tokens"]],
  ["a call without arguments", [["Read", ""]], "tool_calls", ["{}", "tool_use"]],
  ["two calls without arguments", [["Read", ""], ["Read", ""]], "stop", ["{}", "{}", "tool_use"]],
  [
    "an unclosed call",
    [["Read", "{"]],
    "tool_calls",
    [CUT, "max_tokens"],
    ["max_tokens"],
  ],
  ["an unclosed call after another", [["Read", "{}"], ["Read", "{"]], "length", [
    "{}",
    CUT,
    "max_tokens",
  ], ["{}", "max_tokens"]],
  ["an unclosed call before another", [["Read", "{"], ["Read", "{}"]], "stop", [
    CUT,
    "{}",
    "max_tokens",
  ], ["{}", "max_tokens"]],
  ["a call that the limit cut before its arguments", [["Read", ""]], "length", [
    CUT,
    "max_tokens",
  ], ["max_tokens"]],
  [
    "a waiting call that the limit cut before its arguments",
    [["Read", "{"], ["Read", ""]],
    "stop",
    [
      CUT,
      "max_tokens",
    ],
    ["max_tokens"],
  ],
  [
    "a call without arguments before one that the limit cut",
    [["Read", ""], ["Read", ""]],
    "length",
    [
      "{}",
      "max_tokens",
    ],
  ],
  ["an unclosed call without a name", [["", "{"]], "length", ["max_tokens"]],
  ["a call with neither name nor arguments, cut by the limit", [["", ""]], "length", [
    "max_tokens",
  ]],
];

for (const [about, calls, finishReason, streamed, completed = streamed] of ENDS) {
  Deno.test(`a response ends with ${about}`, () => {
    assertEquals(stream(calls, finishReason), streamed);
    assertEquals(complete(calls, finishReason), completed);
  });
}

for (const text of ["{}", "", "[]"]) {
  Deno.test(`a call without a name and with the arguments '${text}' is an upstream error (502)`, () => {
    for (const translate of [stream, complete]) {
      const error = assertThrows(() => translate([["", text]], "tool_calls"), ApiError);
      assertEquals([error.type, error.status], ["api_error", 502]);
    }
  });
}

Deno.test("white space for a call that has ended is ignored", () => {
  const translator = createTranslator();
  const [first, second] = toCalls([["Read", "{}"], ["Read", '{"x":']]);
  const push = (call: unknown) =>
    translator.push({ choices: [{ delta: JSON.parse(JSON.stringify({ tool_calls: [call] })) }] });
  const events = [first, second, { index: 0, function: { arguments: " \n" } }].flatMap(push);
  events.push(...push({ index: 1, function: { arguments: "1}" } }));
  events.push(...translator.push({ choices: [{ delta: {}, finish_reason: "stop" }] }));
  assertEquals(summarize([...events, ...translator.finish()]), ["{}", '{"x":1}', "tool_use"]);
  assertEquals(translator.keptChars, 9);
});

Deno.test("a call without an id gets a generated one, and an unknown name is kept", () => {
  const translator = createTranslator({ names: ["a.b"] });
  const call = { function: { name: "Invented", arguments: "{}" } };
  const events = translator.push({
    choices: [{ delta: { tool_calls: [call] }, finish_reason: "stop" }],
  });
  const { content } = collectMessage([...events, ...translator.finish()]);
  const id = "toolu_made_1";
  assertEquals(content, [{ type: "tool_use", id, name: "Invented", input: {} }]);
});

Deno.test("without a list of tools the name upstream sent is kept", () => {
  const call = { id: "a", function: { name: "Invented", arguments: "{}" } };
  const completion = { choices: [{ message: { tool_calls: [call] }, finish_reason: "stop" }] };
  const { content } = translateResponse(completion, createTranslator());
  assertEquals(content, [{ type: "tool_use", id: "a", name: "Invented", input: {} }]);
});
