/** The blocks that reasoning becomes: lib/translate/response/reasoning_blocks.ts. @module */

import { assertEquals } from "@std/assert";
import type { Delta } from "../../../lib/openrouter/types.ts";
import { CompleteBlockBuilder } from "../../../lib/translate/response/block_builders.ts";
import { BlockQueue } from "../../../lib/translate/response/block_queue.ts";
import { ReasoningBlocks } from "../../../lib/translate/response/reasoning_blocks.ts";

function read(queue: BlockQueue): string[] {
  return queue.flush().flatMap((event) => {
    if (event.type === "content_block_start") return [event.content_block.type];
    if (event.type !== "content_block_delta") return [];
    return [String(Object.values(event.delta)[1])];
  });
}

/** Adds deltas of reasoning from a model, with visible thinking. */
function addReasoning(deltas: Delta[], { isMessage = false, model = "z-ai/glm-5" } = {}) {
  const queue = new BlockQueue();
  let before = 0;
  const blocks = new ReasoningBlocks(queue, {
    isHidden: false,
    model: () => model,
    beforeBlock: () => before++,
  });
  const added = deltas.map((delta) => blocks.add(delta, isMessage));
  blocks.finish();
  const starts = read(queue).filter((one) => !one.startsWith("claudeproxy-reasoning"));
  return { added, before, chars: [blocks.chars, blocks.keptChars], starts };
}

const details = (...entries: Record<string, string>[]): Delta => ({ reasoning_details: entries });
const TEXT = { type: "reasoning.text", text: "abc" };
const DATA = { type: "reasoning.encrypted", data: "12345" };

/** Deltas → whether each has reasoning, calls of beforeBlock, characters, blocks. */
const REASONING: [about: string, deltas: Delta[], expected: ReturnType<typeof addReasoning>][] = [
  ["nothing", [{}, { content: "Hi" }], {
    added: [false, false],
    before: 0,
    chars: [0, 0],
    starts: [],
  }],
  ["text", [{ reasoning: "abc" }, { reasoning: "de" }], {
    added: [true, true],
    before: 2,
    chars: [5, 5],
    starts: ["thinking", "abcde"],
  }],
  ["an entry and encrypted data, in one block", [details(TEXT, DATA)], {
    added: [true],
    before: 1,
    chars: [3, 8],
    starts: ["thinking", "abc"],
  }],
  ["encrypted data alone", [details(DATA)], {
    added: [true],
    before: 1,
    chars: [0, 5],
    starts: ["redacted_thinking"],
  }],
  ["text after encrypted data", [details(TEXT, DATA), details(TEXT)], {
    added: [true, true],
    before: 2,
    chars: [6, 11],
    starts: ["thinking", "abc", "thinking", "abc"],
  }],
  ["an empty list", [details()], {
    added: [false],
    before: 0,
    chars: [0, 0],
    starts: ["redacted_thinking"],
  }],
  ["an empty list after text", [{ reasoning: "a" }, details()], {
    added: [true, false],
    before: 1,
    chars: [1, 1],
    starts: ["thinking", "a"],
  }],
  ["an empty list before text", [details(), { reasoning: "a" }], {
    added: [false, true],
    before: 1,
    chars: [1, 1],
    starts: ["thinking", "a"],
  }],
];

for (const [about, deltas, expected] of REASONING) {
  Deno.test(`ReasoningBlocks makes blocks of ${about}`, () => {
    assertEquals(addReasoning(deltas), expected);
  });
}

Deno.test("ReasoningBlocks does not join the pieces of a complete message", () => {
  const { starts } = addReasoning([details(TEXT, TEXT)], { isMessage: true });
  assertEquals(starts, ["thinking", "abc", "thinking", "abc"]);
});

Deno.test("a late signature signs its thinking, unless that has been sent", () => {
  const model = "anthropic/c";
  const signature = { type: "reasoning.text", signature: "sig" };
  const text = { type: "redacted_thinking" as const, data: "x" };
  for (const isFinished of [false, true]) {
    const queue = new BlockQueue();
    const options = { isHidden: false, model: () => model, beforeBlock: () => {} };
    const blocks = new ReasoningBlocks(queue, options);
    blocks.add(details(TEXT), false);
    queue.add(new CompleteBlockBuilder(text));
    const sent = isFinished ? queue.nextEvents().length : 0;
    blocks.add(details(signature), false);
    const rest = read(queue);
    assertEquals(sent > 0, isFinished);
    assertEquals(rest, isFinished ? [] : ["thinking", "abc", "sig", "redacted_thinking"]);
  }
});
