/** Tests the arguments of a tool call: lib/translate/response/tool_arguments.ts. @module */

import { assertEquals } from "@std/assert";
import {
  type ArgumentsState,
  parseInput,
  ToolArguments,
} from "../../../lib/translate/response/tool_arguments.ts";

/** Arguments → their state, the text that is streamed, the input in a complete message. */
const CASES: readonly (readonly [string, ArgumentsState, string, unknown])[] = [
  ['{"a":1}', "object", '{"a":1}', { a: 1 }],
  [' \n{"a":1}\n', "object", '{"a":1}\n', { a: 1 }],
  ["{}", "object", "{}", {}],
  ['{"a":"\\"}"}', "object", '{"a":"\\"}"}', { a: '"}' }],
  ['{"a":"\\\\"}', "object", '{"a":"\\\\"}', { a: "\\" }],
  ['{"a":[{}]}', "object", '{"a":[{}]}', { a: [{}] }],
  ["", "empty", "", {}],
  [" \n", "empty", "", {}],
  ["null", "empty", "", {}],
  ["[1]", "not_an_object", "[1]}", { INVALID_JSON: "[1]" }],
  ["42", "not_an_object", "42}", { INVALID_JSON: "42" }],
  ['"x"', "not_an_object", '"x"}', { INVALID_JSON: '"x"' }],
  ["true", "not_an_object", "true}", { INVALID_JSON: "true" }],
  ["{'a': 1}", "invalid", "{'a': 1}", { INVALID_JSON: "{'a': 1}" }],
  ['{"a":1}}', "invalid", '{"a":1}}', { INVALID_JSON: '{"a":1}}' }],
  ['{"a":1}{"b":2}', "invalid", '{"a":1}{"b":2}', { INVALID_JSON: '{"a":1}{"b":2}' }],
  ["ls -la", "invalid", "ls -la", { INVALID_JSON: "ls -la" }],
  ['{"a":"}', "unclosed", '{"a":"}', { INVALID_JSON: '{"a":"}' }],
  ['{"a":1,', "unclosed", '{"a":1,', { INVALID_JSON: '{"a":1,' }],
  ['{"a":"\\"', "unclosed", '{"a":"\\"', { INVALID_JSON: '{"a":"\\"' }],
  ['{"a":1}{"b":', "unclosed", '{"a":1}{"b":', { INVALID_JSON: '{"a":1}{"b":' }],
  ["[1", "unclosed", "[1", { INVALID_JSON: "[1" }],
  ["[[1]", "unclosed", "[[1]", { INVALID_JSON: "[[1]" }],
  ['"x', "unclosed", '"x', { INVALID_JSON: '"x' }],
  ["]", "invalid", "]", { INVALID_JSON: "]" }],
];

for (const [text, state, streamed, input] of CASES) {
  Deno.test(`arguments ${JSON.stringify(text)} are ${state}, however they are cut`, () => {
    for (const pieces of [[text], [...text], [text.slice(0, 3), text.slice(3)]]) {
      const all = new ToolArguments();
      let sent = "";
      for (const piece of pieces) {
        all.add(piece);
        all.isObject();
        sent += all.takePending();
      }
      assertEquals([all.finalState(), sent + all.takeRest()], [state, streamed]);
    }
    assertEquals(parseInput(streamed), input);
  });
}

Deno.test("ToolArguments holds text that does not begin like an object until the end", () => {
  const [object, other] = [new ToolArguments(), new ToolArguments()];
  object.add(' {"a"');
  assertEquals(object.takePending(), '{"a"');
  object.add(":1}");
  assertEquals([object.takePending(), object.takeRest()], [":1}", ""]);
  other.add('["a"');
  assertEquals(other.takePending(), "");
});
