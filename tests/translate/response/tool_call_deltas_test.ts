/**
 * Tests tool calls that arrive in several deltas: lib/translate/response/tool_call_tracker.ts, tool_call_blocks.ts,
 * tool_arguments.ts.
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import type { StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import type { ToolCallDelta } from "../../../lib/openrouter/types.ts";
import { collectMessage } from "../../../lib/translate/response/message.ts";
import type { StreamTranslator } from "../../../lib/translate/response/stream_translator.ts";
import { createTranslator, translateChunks } from "../../helpers/translator.ts";

interface Piece {
  index?: number;
  id?: string;
  name?: string;
  arguments?: string;
}

function send(translator: StreamTranslator, { name, arguments: text, ...rest }: Piece) {
  const call = { ...rest, function: { name, arguments: text } };
  return translator.push({ choices: [{ delta: { tool_calls: [call] } }] });
}

/** The names and inputs of the calls that a client receives. */
function receive(pieces: readonly Piece[], names: string[] = []) {
  const translator = createTranslator({ names });
  const events: StreamEvent[] = pieces.flatMap((piece) => send(translator, piece));
  events.push(...translator.push({ choices: [{ delta: {}, finish_reason: "tool_calls" }] }));
  const { content } = collectMessage([...events, ...translator.finish()]);
  return content.map((block) => block.type === "tool_use" ? [block.name, block.input] : block);
}

/** A first call that stays open, so that the second one waits for it and can still be renamed. */
const OPEN: Piece = { index: 0, id: "call_0", name: "Read", arguments: '{"a":' };
const CLOSE: Piece = { index: 0, arguments: "1}" };
const READ = ["Read", { a: 1 }];

Deno.test("ToolCallTracker does not append to a name that is one of the request's tools", () => {
  const second = { index: 1, id: "call_1", name: "Read", arguments: "" };
  const more = { index: 1, name: "File", arguments: "{}" };
  assertEquals(receive([OPEN, second, more, CLOSE], ["Read"]), [READ, ["Read", {}]]);
});

Deno.test("ToolCallTracker appends to an unknown name, but not once arguments have arrived", () => {
  const [early, late] = ["", "{"].map((text) => [
    { index: 1, id: "call_1", name: "Wri", arguments: text },
    { index: 1, name: "te", arguments: text === "" ? "{}" : "}" },
  ]);
  const names = ["Read", "Write"];
  assertEquals(receive([OPEN, ...early ?? [], CLOSE], names), [READ, ["Write", {}]]);
  assertEquals(receive([OPEN, ...late ?? [], CLOSE], names), [READ, ["Wri", {}]]);
});

Deno.test("arguments are complete wherever they are cut, even after a backslash", () => {
  const input = { text: 'a "quoted\\" }]{[ \\\\', list: [{ "}": "{" }, []] };
  const json = JSON.stringify(input);
  for (let at = 0; at <= json.length; at++) {
    const pieces = [json.slice(0, at), json.slice(at)].map((text) => ({
      index: 0,
      arguments: text,
    }));
    const head = { index: 0, id: "call_0", name: "Read" };
    assertEquals(receive([head, ...pieces]), [["Read", input]], `cut at ${at}`);
  }
});

Deno.test("a delta of a call that has ended is an upstream error (502)", () => {
  const translator = createTranslator();
  send(translator, { index: 0, id: "call_0", name: "Read", arguments: "{}" });
  send(translator, { index: 1, id: "call_1", name: "Read", arguments: "{}" });
  const more = { index: 0, arguments: "more" };
  const error = assertThrows(() => send(translator, more), ApiError);
  assertEquals([error.type, error.status], ["api_error", 502]);
});

Deno.test("deltas with only an id are assigned to its call, without an index or with another one", () => {
  const heads = ["a", "b"].map((id) => ({ id, name: "Read", arguments: '{"a":' }));
  const tails = ["a", "b"].map((id) => ({ id, arguments: "1}" }));
  assertEquals(receive([...heads, ...tails]), [READ, READ]);
  const [first, second] = heads.map((head, index) => ({ ...head, index }));
  const [tail, last] = tails.map((one, index) => ({ ...one, index: 2 + index }));
  assertEquals(receive([first ?? {}, second ?? {}, tail ?? {}, last ?? {}]), [READ, READ]);
});

/** Tool calls translated from deltas, one delta per chunk, as `id name input`. */
function translateDeltas(...deltas: ToolCallDelta[]): string[] {
  const chunks = deltas.map((delta) => ({
    choices: [{ delta: { tool_calls: [delta] } }],
  }));
  const { content } = translateChunks(...chunks, {
    choices: [{ delta: {}, finish_reason: "tool_calls" }],
  });
  return content.map((block) =>
    block.type === "tool_use"
      ? `${block.id} ${block.name} ${JSON.stringify(block.input)}`
      : block.type
  );
}

Deno.test("StreamTranslator separates tool calls with the same id while the first is incomplete", () => {
  const calls = translateDeltas(
    { index: 0, id: "x", function: { name: "Read", arguments: '{"a":' } },
    { index: 1, id: "x", function: { name: "Write", arguments: '{"b":2}' } },
    { index: 0, function: { arguments: "1}" } },
  );
  assertEquals(calls, ['x Read {"a":1}', 'or-x Write {"b":2}']);
});

Deno.test("StreamTranslator continues a tool call whose deltas repeat the name without id and index", () => {
  const calls = translateDeltas(
    { function: { name: "Read", arguments: '{"a":' } },
    { function: { name: "Read", arguments: "1}" } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}']);
});

Deno.test("StreamTranslator starts a second tool call for an equal delta without id and index", () => {
  const calls = translateDeltas(
    { function: { name: "Read", arguments: '{"a":1}' } },
    { function: { name: "Read", arguments: '{"a":1}' } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}', 'toolu_made_2 Read {"a":1}']);
});

Deno.test("StreamTranslator assigns a late id without an index to the tool call that has no id", () => {
  const calls = translateDeltas(
    { function: { name: "Read", arguments: '{"a":' } },
    { id: "late", function: { arguments: "1}" } },
  );
  assertEquals(calls, ['late Read {"a":1}']);
});

Deno.test("StreamTranslator does not end a string in arguments at an escaped quote", () => {
  const json = '{"a":"\\"{","b":"}\\\\"}';
  const pieces = [...json].map((text) => ({ index: 0, function: { arguments: text } }));
  const calls = translateDeltas({ index: 0, id: "x", function: { name: "Read" } }, ...pieces);
  assertEquals(calls, [`x Read ${json}`]);
});
