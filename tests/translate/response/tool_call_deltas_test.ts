/**
 * Tests tool calls that arrive in several deltas: lib/translate/response/tool_call_tracker.ts, tool_call_blocks.ts,
 * tool_arguments.ts.
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import type { StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import { collectMessage } from "../../../lib/translate/response/message.ts";
import type { StreamTranslator } from "../../../lib/translate/response/stream_translator.ts";
import { createTranslator } from "../../helpers/translator.ts";

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
