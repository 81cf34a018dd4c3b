/** Which call a delta belongs to, for the many forms in which upstreams send calls. @module */

import { assertEquals } from "@std/assert";
import type { ToolCallDelta } from "../../../lib/openrouter/types.ts";
import type { ToolUseBlockBuilder } from "../../../lib/translate/response/block_builders.ts";
import { ToolCallTracker } from "../../../lib/translate/response/tool_call_tracker.ts";

/** A delta: index, id, name, arguments. */
type Piece = [index: number | null, id?: string, name?: string, text?: unknown];

/** The calls of a response: id, name and arguments. The request's tools are Read and Write. */
function track(pieces: readonly Piece[]): string[] {
  const tracker = new ToolCallTracker({
    identify: () => ({ id: "", name: "" }),
    isKnownName: (name) => name === "Read" || name === "Write",
  });
  const calls: ToolUseBlockBuilder[] = [];
  for (const [index, id, name, text] of pieces) {
    const json = JSON.stringify({ index, id, function: { name, arguments: text } });
    const delta: ToolCallDelta = JSON.parse(json);
    const assigned = tracker.assign(delta);
    if (assigned.isNew) calls.push(assigned.call);
    assigned.call.arguments.add(assigned.text);
  }
  return calls.map((call) => `${call.upstreamId} ${call.upstreamName} ${call.arguments.text}`);
}

const CASES: [about: string, pieces: Piece[], calls: string[]][] = [
  // Indexes.
  ["a call in several deltas", [[0, "a", "Read"], [0, "", "", '{"x":'], [0, "", "", "1}"]], [
    'a Read {"x":1}',
  ]],
  ["interleaved calls without ids", [
    [0, "", "Read", "{"],
    [1, "", "Write", '{"x":'],
    [0, "", "", "}"],
    [1, "", "", "1}"],
  ], [" Read {}", ' Write {"x":1}']],
  ["a tail with an index that no call has", [[0, "a", "Read", "{"], [5, "", "", "}"]], [
    "a Read {}",
  ]],
  ["a named delta with an index that no call has", [
    [null, "", "Read", '{"x'],
    [1, "", "Read", "{}"],
  ], [' Read {"x', " Read {}"]],
  ["a tail before any call", [[null, "", "", "{}"]], ["  {}"]],
  // Ids.
  ["an id that comes later, at the same index", [[0, "", "Read"], [0, "a"], [0, "", "", "{}"]], [
    "a Read {}",
  ]],
  ["an id that comes later, without an index", [[null, "", "Read", "{"], [null, "a", "", "}"]], [
    "a Read {}",
  ]],
  ["an id at another index than the call without one", [
    [null, "", "Read", "{"],
    [1, "a", "Write", "{"],
  ], [" Read {", "a Write {"]],
  ["an id repeated in every delta", [[0, "a", "Read", "{"], [0, "a", "", "}"]], ["a Read {}"]],
  ["an id and a name repeated in every delta", [
    [null, "a", "Read", "{"],
    [null, "a", "Read", "}"],
  ], ["a Read {}"]],
  ["an id repeated with a name, but without the index", [
    [0, "a", "Read", "{"],
    [null, "a", "Read", "}"],
  ], ["a Read {}"]],
  ["an id repeated with a name and a late index", [
    [null, "a", "Read", "{"],
    [1, "a", "Read", "}"],
  ], ["a Read {}"]],
  ["an id repeated at another index", [[0, "a", "Read", "{"], [2, "a", "", "}"]], ["a Read {}"]],
  ["an id repeated with its name at another index, which is another call", [
    [0, "a", "Read", '{"x":'],
    [1, "a", "Read", '{"y":'],
    [0, "a", "", "1}"],
    [1, "a", "", "2}"],
  ], ['a Read {"x":1}', 'a Read {"y":2}']],
  ["a tail without an index of an id that two calls share", [
    [0, "a", "Read", '{"x":'],
    [1, "a", "Read", '{"y":'],
    [0, "a", "", "1}"],
    [null, "a", "", "2}"],
  ], ['a Read {"x":1}', 'a Read {"y":2}']],
  ["an id that contradicts the index", [
    [0, "a", "Read", "{"],
    [1, "b", "Write", "{"],
    [0, "b", "", "}"],
  ], ["a Read {", "b Write {}"]],
  ["several ids at index 0", [
    [0, "a", "Read", '{"x":'],
    [0, "b", "Read", "{}"],
    [0, "c", "Read", '{"y":1}'],
  ], ['a Read {"x":', "b Read {}", 'c Read {"y":1}']],
  ["several ids without an index", [[null, "a", "Read", "{"], [null, "b", "Read", "{}"]], [
    "a Read {",
    "b Read {}",
  ]],
  ["an id that is a number", [[0, JSON.parse("7"), "Read", "{}"]], ["7 Read {}"]],
  // Neither an index nor an id.
  [
    "a tail",
    [[null, "", "Read", '{"x"'], [null, "", "", ":1}"]],
    [' Read {"x":1}'],
  ],
  ["a name that is repeated in every delta", [
    [null, "", "Read", '{"x"'],
    [null, "", "Read", ":1}"],
  ], [' Read {"x":1}']],
  ["the name of a complete call again", [
    [null, "", "Read", "{}"],
    [null, "", "Read", '{"x":1}'],
  ], [" Read {}", ' Read {"x":1}']],
  ["another name while a call is open", [
    [null, "", "Read", '{"x"'],
    [null, "", "Write", "{}"],
  ], [' Read {"x"', " Write {}"]],
  // Complete calls.
  ["arguments after complete ones, at the same index", [
    [0, "a", "Read", "{}"],
    [0, "", "", '\n{"x":1}'],
  ], ["a Read {}", ' Read \n{"x":1}']],
  ["another name after complete arguments, at the same index", [
    [0, "a", "Read", "{}"],
    [0, "", "Write"],
  ], ["a Read {}", " Write "]],
  ["another name before the arguments are complete, at the same index", [
    [0, "a", "Read", '{"x":'],
    [0, "", "Write", "1}"],
  ], ['a Read {"x":1}']],
  ["a name after the complete arguments of a call without one", [
    [0, "a", "", "{}"],
    [0, "", "Read"],
  ], ["a Read {}"]],
  ["text after complete arguments that only contains a brace", [
    [0, "a", "Read", "{}"],
    [0, "", "", "}{"],
  ], ["a Read {}}{"]],
  ["arguments repeated at the end", [[0, "a", "Read", '{"x":1}'], [0, "", "", '{"x":1}']], [
    'a Read {"x":1}',
  ]],
  ["arguments and name repeated at the end", [
    [0, "a", "Read", '{"x":1}'],
    [0, "a", "Read", '{"x":1}'],
  ], ['a Read {"x":1}']],
  ["arguments repeated with white space", [
    [0, "a", "Read", '{"x":1}'],
    [0, "", "", ' {"x":1}\n'],
  ], ['a Read {"x":1}']],
  ["arguments with white space, repeated without", [
    [0, "a", "Read", ' {"x":1}\n'],
    [0, "", "", '{"x":1}'],
  ], ['a Read  {"x":1}\n']],
  ["the same arguments for another tool", [[0, "a", "Read", "{}"], [0, "", "Write", "{}"]], [
    "a Read {}",
    " Write {}",
  ]],
  ["incomplete arguments that repeat themselves", [
    [0, "a", "Read", '{"a'],
    [0, "", "", '{"a'],
    [0, "", "", '":1}'],
  ], ['a Read {"a{"a":1}']],
  // Names.
  ["a name in several deltas", [[0, "a", "Wri"], [0, "", "te"], [0, "", "", "{}"]], [
    "a Write {}",
  ]],
  ["a name after the known one", [[0, "a", "Read"], [0, "", "File"]], ["a Read "]],
  ["a part of a name after the arguments began", [[0, "a", "Wri", "{"], [0, "", "te", "}"]], [
    "a Wri {}",
  ]],
  ["an unknown name that is repeated", [[0, "a", "Foo"], [0, "", "Foo"]], ["a Foo "]],
  ["the end of an unknown name again", [[0, "a", "FooBar"], [0, "", "Bar"]], ["a FooBar "]],
  ["a part that the name begins with", [[0, "a", "Foo"], [0, "", "Bar"], [0, "", "Foo"]], [
    "a FooBarFoo ",
  ]],
  ["a name of 255 characters, and more", [[0, "a", "x".repeat(255)], [0, "", "yz"], [0, "", "q"]], [
    `a ${"x".repeat(255)}yz `,
  ]],
  ["a name of 256 characters, and more", [[0, "a", "x".repeat(256)], [0, "", "yz"]], [
    `a ${"x".repeat(256)} `,
  ]],
  // Types.
  ["arguments that are an object", [[0, "a", "Read", { x: [1] }]], ['a Read {"x":[1]}']],
  ["arguments that are null", [[0, "a", "Read", null], [0, "", "", "{}"]], ["a Read {}"]],
];

for (const [about, pieces, calls] of CASES) {
  Deno.test(`ToolCallTracker assigns ${about}`, () => assertEquals(track(pieces), calls));
}

Deno.test("ToolCallTracker accepts deltas with null or missing fields", () => {
  const identify = () => ({ id: "", name: "" });
  const tracker = new ToolCallTracker({ identify, isKnownName: () => true });
  const odd = [{}, { id: null, function: null }, { function: { name: null, arguments: null } }];
  for (const delta of JSON.parse(JSON.stringify(odd))) {
    const { call, text } = tracker.assign(delta);
    assertEquals([call.upstreamId, call.upstreamName, text, call.index], ["", "", "", null]);
  }
});
