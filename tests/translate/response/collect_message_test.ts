/** Tests the message that is collected from stream events: collectMessage. @module */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { BlockDelta, ContentBlock, StreamEvent } from "../../../lib/anthropic/types.ts";
import { ApiError } from "../../../lib/errors.ts";
import { collectMessage } from "../../../lib/translate/response/message.ts";
import { createTranslator } from "../../helpers/translator.ts";

Deno.test("collectMessage rejects events without message_start", () => {
  assertThrows(() => collectMessage([{ type: "message_stop" }]), ApiError);
});

const START = createTranslator().start();
const block = (content_block: ContentBlock, ...deltas: BlockDelta[]): StreamEvent[] => [
  { type: "content_block_start", index: 0, content_block },
  ...deltas.map((delta) => ({ type: "content_block_delta" as const, index: 0, delta })),
  { type: "content_block_stop", index: 0 },
];
const cite = (url: string): BlockDelta => ({
  type: "citations_delta",
  citation: {
    type: "web_search_result_location",
    cited_text: "",
    url,
    title: url,
    encrypted_index: "",
  },
});

Deno.test("collectMessage keeps the citations of a text in order", () => {
  const events = block(
    { type: "text", text: "" },
    cite("a"),
    { type: "text_delta", text: "x" },
    cite("b"),
  );
  const [text] = collectMessage([...START, ...events]).content;
  assert(text?.type === "text");
  assertEquals([text.text, text.citations?.map(({ url }) => url)], ["x", ["a", "b"]]);
});

Deno.test("collectMessage joins the deltas of each block, and takes the last signature", () => {
  const events = [
    ...block(
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "a" },
      { type: "thinking_delta", thinking: "b" },
      { type: "signature_delta", signature: "s" },
    ),
    ...["1", "2"].flatMap((value) =>
      block(
        { type: "tool_use", id: value, name: "Read", input: {} },
        { type: "input_json_delta", partial_json: '{"x":' },
        { type: "input_json_delta", partial_json: `${value}}` },
      )
    ),
  ];
  const before = structuredClone(events);
  assertEquals(collectMessage([...START, ...events]).content, [
    { type: "thinking", thinking: "ab", signature: "s" },
    { type: "tool_use", id: "1", name: "Read", input: { x: 1 } },
    { type: "tool_use", id: "2", name: "Read", input: { x: 2 } },
  ]);
  assertEquals(events, before);
});

Deno.test("collectMessage ignores deltas of another kind than their block, and those without a block", () => {
  const deltas: BlockDelta[] = [
    { type: "text_delta", text: "x" },
    cite("a"),
    { type: "thinking_delta", thinking: "x" },
    { type: "signature_delta", signature: "x" },
  ];
  const tool: ContentBlock = { type: "tool_use", id: "1", name: "Read", input: {} };
  assertEquals(collectMessage([...START, ...block(tool, ...deltas)]).content, [tool]);
  const orphans = block(tool, ...deltas).slice(1);
  assertEquals(collectMessage([...START, ...orphans]).content, []);
  assertEquals(collectMessage([...block(tool), ...START]).content, []);
});
