/** The blocks that text becomes: lib/translate/response/text_blocks.ts. @module */

import { assertEquals } from "@std/assert";
import { BlockQueue } from "../../../lib/translate/response/block_queue.ts";
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
