/** The blocks that text and reasoning become: text_blocks.ts and reasoning_blocks.ts. @module */

import { assertEquals } from "@std/assert";
import type { Delta } from "../../../lib/openrouter/types.ts";
import { BlockQueue } from "../../../lib/translate/response/block_queue.ts";
import { ReasoningBlocks } from "../../../lib/translate/response/reasoning_blocks.ts";
import { TextBlocks, type TextOptions } from "../../../lib/translate/response/text_blocks.ts";
import { CompleteBlockBuilder } from "../../../lib/translate/response/block_builders.ts";

const cite = (url: string) => ({
  type: "web_search_result_location" as const,
  cited_text: "",
  url,
  title: url,
  encrypted_index: "",
});

/** Adds texts; returns each end, the visible characters, and the deltas that are sent. */
function addTexts(texts: readonly string[], options: TextOptions) {
  const queue = new BlockQueue();
  const blocks = new TextBlocks(queue, options);
  const ends = texts.map((text) => blocks.add(text));
  const sent = read(queue);
  return { ends, chars: blocks.chars, sent };
}

function read(queue: BlockQueue): string[] {
  return queue.flush().flatMap((event) => {
    if (event.type === "content_block_start") return [event.content_block.type];
    if (event.type !== "content_block_delta") return [];
    const [, value] = Object.values(event.delta);
    return [typeof value === "string" ? value : value.url];
  });
}

const STOP = { matchedStop: "END" };
const none = undefined;

/** Texts and options → ends, visible characters, blocks and deltas. */
const TEXTS: [
  about: string,
  texts: string[],
  options: TextOptions,
  expected: ReturnType<typeof addTexts>,
][] = [
  ["no limit", ["a", "", "b"], {}, { ends: [none, none, none], chars: 2, sent: ["text", "ab"] }],
  ["nothing but empty text", [""], {}, { ends: [none], chars: 0, sent: [] }],
  ["a stop sequence", ["a E", "ND b"], { stopSequences: ["END"] }, {
    ends: [none, STOP],
    chars: 2,
    sent: ["text", "a "],
  }],
  ["the beginning of a stop sequence", ["a EN"], { stopSequences: ["END"] }, {
    ends: [none],
    chars: 2,
    sent: ["text", "a "],
  }],
  ["a token limit", ["abcd", "e"], { visibleTokens: 1 }, {
    ends: [none, "length"],
    chars: 4,
    sent: ["text", "abcd"],
  }],
  ["a token limit before a stop sequence", ["abcdefEND"], {
    visibleTokens: 1,
    stopSequences: ["END"],
  }, { ends: ["length"], chars: 4, sent: ["text", "abcd"] }],
  ["a stop sequence before a token limit", ["abENDcdef"], {
    visibleTokens: 1,
    stopSequences: ["END"],
  }, { ends: [STOP], chars: 2, sent: ["text", "ab"] }],
];

for (const [about, texts, options, expected] of TEXTS) {
  Deno.test(`TextBlocks ends the text at ${about}`, () => {
    assertEquals(addTexts(texts, options), expected);
  });
}

Deno.test("endBlock sends the beginning of a stop sequence, within the token limit", () => {
  for (const [visibleTokens, sent] of [[undefined, "abENDE"], [1, "abEN"]] as const) {
    const queue = new BlockQueue();
    const blocks = new TextBlocks(queue, { stopSequences: ["ENDED"], visibleTokens });
    assertEquals(blocks.add("abENDE"), undefined);
    blocks.endBlock();
    blocks.endBlock();
    assertEquals([read(queue), blocks.chars], [["text", sent], sent.length]);
  }
});

Deno.test("text behind another block does not continue the stop sequence before it", () => {
  const queue = new BlockQueue();
  const blocks = new TextBlocks(queue, { stopSequences: ["END"] });
  blocks.add("aEN");
  queue.add(new CompleteBlockBuilder({ type: "redacted_thinking", data: "x" }));
  assertEquals(blocks.add("D"), undefined);
  assertEquals(read(queue), ["text", "a", "redacted_thinking", "text", "END"]);
});

Deno.test("citations belong to the open text, else to the next one", () => {
  const queue = new BlockQueue();
  const blocks = new TextBlocks(queue, {});
  blocks.addCitations([cite("1"), cite("2")]);
  blocks.add("a");
  blocks.addCitations([cite("3")]);
  queue.add(new CompleteBlockBuilder({ type: "redacted_thinking", data: "x" }));
  blocks.addCitations([cite("4")]);
  blocks.add("b");
  assertEquals(read(queue), [
    ...["text", "a", "1", "2", "3", "redacted_thinking", "text", "b", "4"],
  ]);
});

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
