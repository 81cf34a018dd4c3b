/** Removal of earlier thinking: which turns keep theirs, and what is reported. @module */

import { assertEquals } from "@std/assert";
import type * as anthropic from "../../../lib/anthropic/types.ts";
import { clearThinking } from "../../../lib/translate/request/clear_thinking.ts";

type Message = anthropic.MessageParam;

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const result: Message = {
  role: "user",
  content: [{ type: "tool_result", tool_use_id: "c", content: "x" }],
};
const text = (words: string): anthropic.AssistantContent => ({ type: "text", text: words });
const thinking = (words: string): anthropic.AssistantContent => ({
  type: "thinking",
  thinking: words,
  signature: "s",
});
const redacted: anthropic.AssistantContent = { type: "redacted_thinking", data: "x".repeat(99) };
const call: anthropic.AssistantContent = { type: "tool_use", id: "c", name: "Read", input: {} };
const assistant = (...content: anthropic.AssistantContent[]): Message => ({
  role: "assistant",
  content,
});

/** Three turns; the second has a call, and thinking before and after it. */
const MESSAGES = [
  user("one"),
  assistant(thinking("12345"), text("1")),
  user("two"),
  assistant(thinking("1234"), redacted, call),
  result,
  assistant(text("2"), thinking("12345678")),
  user("three"),
  assistant(thinking("1234567890"), text("3")),
];

/** The thinking that remains, by message. */
const remains = (messages: readonly Message[]) =>
  messages.flatMap(({ content }) =>
    content.flatMap((block) =>
      block.type === "thinking"
        ? [block.thinking.length]
        : block.type === "redacted_thinking"
        ? [0]
        : []
    )
  );

/** Turns to keep → lengths of the thinking that remains, turns and tokens that are cleared. */
const KEPT: [turns: number, remains: number[], cleared: number, tokens: number][] = [
  [0, [], 3, 7],
  [1, [10], 2, 5],
  [2, [4, 0, 8, 10], 1, 2],
  [3, [5, 4, 0, 8, 10], 0, 0],
  [4, [5, 4, 0, 8, 10], 0, 0],
  [Infinity, [5, 4, 0, 8, 10], 0, 0],
];

for (const [turns, lengths, cleared, tokens] of KEPT) {
  Deno.test(`clearThinking keeps the thinking of the last ${turns} of three turns`, () => {
    const { messages, context } = clearThinking(MESSAGES, turns);
    assertEquals(remains(messages), lengths);
    assertEquals(messages.map(({ role }) => role), MESSAGES.map(({ role }) => role));
    assertEquals(
      context.applied_edits,
      cleared === 0 ? [] : [{
        type: "clear_thinking_20251015",
        cleared_thinking_turns: cleared,
        cleared_input_tokens: tokens,
      }],
    );
  });
}

Deno.test("clearThinking keeps everything else, in order", () => {
  assertEquals(clearThinking(MESSAGES, 0).messages, [
    user("one"),
    assistant(text("1")),
    user("two"),
    assistant(call),
    result,
    assistant(text("2")),
    user("three"),
    assistant(text("3")),
  ]);
  assertEquals(clearThinking(MESSAGES, 3).messages, MESSAGES);
});

Deno.test("clearThinking does not count turns without thinking", () => {
  const messages = [
    user("one"),
    assistant(thinking("1234")),
    user("two"),
    assistant(text("2")),
    user("three"),
    assistant(text("3")),
  ];
  assertEquals(remains(clearThinking(messages, 1).messages), [4]);
  assertEquals(clearThinking(messages, 0).context.applied_edits.length, 1);
});

Deno.test("clearThinking begins a turn at a result beside text, but not at results alone or system turns", () => {
  const system: Message = { role: "system", content: [{ type: "text", text: "Note" }] };
  const between = (message: Message) => [
    user("one"),
    assistant(thinking("1"), call),
    message,
    assistant(thinking("22")),
  ];
  const both: Message = {
    role: "user",
    content: [...result.content, ...user("Go on").content] as never,
  };
  assertEquals(remains(clearThinking(between(result), 1).messages), [1, 2]);
  assertEquals(remains(clearThinking(between(system), 1).messages), [1, 2]);
  assertEquals(remains(clearThinking(between(both), 1).messages), [2]);
  assertEquals(remains(clearThinking(between({ role: "user", content: [] }), 1).messages), [1, 2]);
});

Deno.test("clearThinking clears a first turn that has no message of the user", () => {
  const messages = [assistant(thinking("1234")), user("two"), assistant(redacted)];
  const { context } = clearThinking(messages, 1);
  assertEquals(context.applied_edits, [{
    type: "clear_thinking_20251015",
    cleared_thinking_turns: 1,
    cleared_input_tokens: 1,
  }]);
  assertEquals(clearThinking([assistant(thinking("1"))], 1).context.applied_edits, []);
});
