/**
 * Compares a client's result with the expected response. Each difference is one sentence.
 * @module
 */

import { assertEquals } from "@std/assert";
import { parseJson } from "../../lib/json.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import type { Expected, ExpectedCall } from "./expected.ts";
import type { ReplayResult } from "./proxy.ts";
import { findDifference } from "./verdict.ts";

type ExpectedMessage = Exclude<Expected, { error: string }>;

/** A tool call as the client receives it; the text only if it was streamed. */
interface ReceivedCall {
  name: string;
  input: unknown;
  text: string;
}

/** All differences between a result and the expected response; empty if they agree. */
export function compare(result: ReplayResult, expected: Expected): string[] {
  const differences: string[] = [];
  const check = (subject: string, run: () => void) => {
    differences.push(...findDifference(run).map((difference) => `${subject}: ${difference}`));
  };
  if (result.events.length > 0) check("grammar", () => checkGrammar(result.events));
  if ("error" in expected) checkError(result, expected.error, differences);
  else if (result.error !== null) differences.push(`error: ${result.error.message}`);
  else checkMessage(result, expected, check);
  return differences;
}

/** Checks that the error, before or within the stream, quotes upstream's message. */
function checkError(
  { error, message }: ReplayResult,
  expected: string,
  differences: string[],
): void {
  if (error === null) differences.push(`no error, but ${message?.stop_reason}`);
  else if (!error.message.includes(JSON.stringify(expected).slice(1, -1))) {
    differences.push(`the error "${error.message}" must include "${expected}"`);
  }
}

function checkMessage(
  result: ReplayResult,
  expected: ExpectedMessage,
  check: (subject: string, run: () => void) => void,
): void {
  const { message } = result;
  if (message === null) return check("message", () => assertEquals(message, {}));
  const { content, usage } = message;
  const text = content.map((block) => block.type === "text" ? block.text : "").join("");
  const thinking = content.map((block) => block.type === "thinking" ? block.thinking : "").join("");
  check("text", () => assertEquals(text, expected.text));
  check("thinking", () => assertEquals(thinking, expected.thinking));
  check("stop reason", () => assertEquals(message.stop_reason, expected.stopReason));
  const calls = listCalls(result);
  check("number of calls", () => assertEquals(calls.length, expected.calls.length));
  // The SDK's parser completes cut arguments; it gives up only on closed ones that are invalid.
  if (expected.calls.every(({ broken }) => broken === undefined)) {
    check("parsing", () => assertEquals(result.isUnparsable, false));
  }
  calls.forEach((call, position) => {
    const expectedCall = expected.calls[position];
    if (expectedCall !== undefined) check(`call ${position}`, () => checkCall(call, expectedCall));
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

function checkCall({ name, input, text }: ReceivedCall, expected: ExpectedCall): void {
  assertEquals(name, expected.name);
  if (expected.broken === undefined) return assertEquals(input, expected.input);
  const { text: broken, isExact } = expected.broken;
  if (isExact) return assertEquals(text, broken.trimStart());
  assertEquals(text.startsWith(broken.trimStart()), true, `${text} must begin with ${broken}`);
  assertEquals(parseJson(text), undefined, `${text} must not be valid JSON`);
}

/** The calls as the SDK returns them, with their streamed text. */
function listCalls({ message, events, isUnparsable }: ReplayResult): ReceivedCall[] {
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
