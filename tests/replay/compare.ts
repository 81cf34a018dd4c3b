/**
 * What a client got beside what it had to get. Differences are sentences, one each.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseJson } from "../../lib/json.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import type { Expected, ExpectedCall } from "./expected.ts";
import type { Seen } from "./proxy.ts";
import { findDifference } from "./verdict.ts";

type Answer = Exclude<Expected, { error: string }>;

/** What a client sees of a call: the text only where it was streamed. */
interface SeenCall {
  name: string;
  input: unknown;
  text: string;
}

/** Every way in which an answer differs from what it must be; none where it is right. */
export function compare(seen: Seen, expected: Expected): string[] {
  const differences: string[] = [];
  const check = (what: string, run: () => void) => {
    differences.push(...findDifference(run).map((difference) => `${what}: ${difference}`));
  };
  if (seen.events.length > 0) check("grammar", () => checkGrammar(seen.events));
  if ("error" in expected) checkError(seen, expected.error, differences);
  else if (seen.error !== null) differences.push(`error: ${seen.error.message}`);
  else checkMessage(seen, expected, check);
  return differences;
}

/** An error, before the stream or within it, in upstream's words. */
function checkError({ error, message }: Seen, words: string, differences: string[]): void {
  if (error === null) differences.push(`no error, but ${message?.stop_reason}`);
  else if (!error.message.includes(JSON.stringify(words).slice(1, -1))) {
    differences.push(`the error "${error.message}" must say "${words}"`);
  }
}

function checkMessage(
  seen: Seen,
  expected: Answer,
  check: (what: string, run: () => void) => void,
): void {
  const { message } = seen;
  if (message === null) return check("message", () => assertEquals(message, {}));
  const { content, usage } = message;
  const text = content.map((block) => block.type === "text" ? block.text : "").join("");
  const thinking = content.map((block) => block.type === "thinking" ? block.thinking : "").join("");
  check("text", () => assertEquals(text, expected.text));
  check("thinking", () => assertEquals(thinking, expected.thinking));
  check("stop reason", () => assertEquals(message.stop_reason, expected.stopReason));
  const calls = listCalls(seen);
  check("number of calls", () => assertEquals(calls.length, expected.calls.length));
  // Cut arguments can be completed by the SDK's parser, so only closed ones make it give up.
  if (expected.calls.every(({ broken }) => broken === undefined)) {
    check("parsing", () => assertEquals(seen.isUnparsable, false));
  }
  calls.forEach((call, position) => {
    const wanted = expected.calls[position];
    if (wanted !== undefined) check(`call ${position}`, () => checkCall(call, wanted));
  });
  if (expected.usage === null) {
    return check(
      "usage",
      () => assertEquals(usage.input_tokens > 0 && usage.output_tokens > 0, true),
    );
  }
  const { input, output, read, written } = expected.usage;
  check("usage", () =>
    assertEquals({
      input: usage.input_tokens,
      output: usage.output_tokens,
      read: usage.cache_read_input_tokens,
      written: usage.cache_creation_input_tokens,
    }, { input, output, read, written }));
}

function checkCall({ name, input, text }: SeenCall, wanted: ExpectedCall): void {
  assertEquals(name, wanted.name);
  if (wanted.broken === undefined) return assertEquals(input, wanted.input);
  const { text: broken, isExact } = wanted.broken;
  if (isExact) return assertEquals(text, broken.trimStart());
  assertEquals(text.startsWith(broken.trimStart()), true, `${text} must begin with ${broken}`);
  assertEquals(parseJson(text), undefined, `${text} must not be valid JSON`);
}

/** The calls as the SDK has them, with their text where there is a stream. */
function listCalls({ message, events, isUnparsable }: Seen): SeenCall[] {
  const texts = new Map<number, string>();
  for (const event of events) {
    if (event.type !== "content_block_delta" || event.delta.type !== "input_json_delta") continue;
    texts.set(event.index, (texts.get(event.index) ?? "") + event.delta.partial_json);
  }
  return (message?.content ?? []).flatMap((block, position) => {
    if (block.type !== "tool_use") return [];
    const text = texts.get(position) ?? "";
    const input = isUnparsable && text !== "" ? parseJson(text) : block.input;
    return [{ name: block.name, input, text }];
  });
}
