/** Blocks under construction and their order: block_builders.ts and block_queue.ts. @module */

import { assertEquals } from "@std/assert";
import type { ContentBlock } from "../../../lib/anthropic/types.ts";
import type { Citation } from "../../../lib/anthropic/server_tools.ts";
import type { Reasoning } from "../../../lib/translate/reasoning.ts";
import {
  CompleteBlockBuilder,
  TextBlockBuilder,
  ThinkingBlockBuilder,
  ToolUseBlockBuilder,
} from "../../../lib/translate/response/block_builders.ts";
import { BlockQueue } from "../../../lib/translate/response/block_queue.ts";

/** A call of a request with the tool Read. */
function createCall({ id = "a", name = "Read" } = {}): ToolUseBlockBuilder {
  const call = new ToolUseBlockBuilder(0, {
    identify: ({ upstreamId, upstreamName }) => ({
      id: `client_${upstreamId}`,
      name: upstreamName,
    }),
    isKnownName: (one) => one === "Read",
  });
  call.upstreamId = id;
  call.upstreamName = name;
  return call;
}

function createText(text: string): TextBlockBuilder {
  const builder = new TextBlockBuilder();
  builder.add(text);
  return builder;
}

/** Events in short: index and what was sent. */
const shorten = (events: ReturnType<BlockQueue["flush"]>) =>
  events.map((event) => {
    const index = "index" in event ? event.index : "";
    if (event.type === "content_block_start") return `${index} start ${event.content_block.type}`;
    if (event.type === "content_block_delta") return `${index} ${Object.values(event.delta)[1]}`;
    return `${index} ${event.type.replace("content_block_", "")}`;
  });

Deno.test("BlockQueue keeps the last block open, and stops those before it", () => {
  const queue = new BlockQueue();
  assertEquals([queue.open, queue.last, queue.hasCall, queue.nextEvents()], [
    null,
    undefined,
    false,
    [],
  ]);
  const text = queue.add(createText("a"));
  assertEquals([queue.open, queue.last], [null, text]);
  assertEquals(shorten(queue.nextEvents()), ["0 start text", "0 a"]);
  assertEquals(queue.open, text);
  text.add("b");
  assertEquals(shorten(queue.nextEvents()), ["0 b"]);
  const call = queue.add(createCall());
  assertEquals([text.isFinished, queue.calls, queue.hasCall], [false, [call], true]);
  assertEquals(shorten(queue.nextEvents()), ["0 stop", "1 start tool_use"]);
  assertEquals([text.isFinished, call.isFinished, queue.open, queue.last], [
    true,
    false,
    call,
    call,
  ]);
  assertEquals(shorten(queue.flush()), ["1 stop"]);
  assertEquals([queue.open, queue.last, queue.calls.length, queue.hasCall], [
    null,
    undefined,
    0,
    true,
  ]);
  assertEquals(queue.flush(), []);
});

Deno.test("BlockQueue holds the blocks behind a call until its arguments are complete", () => {
  const queue = new BlockQueue();
  const call = queue.add(createCall());
  call.arguments.add('{"x":');
  queue.add(createText("a"));
  queue.add(createText("b"));
  assertEquals(shorten(queue.nextEvents()), ["0 start tool_use", '0 {"x":']);
  assertEquals(queue.nextEvents(), []);
  call.arguments.add("1}");
  assertEquals(shorten(queue.nextEvents()), [
    ...["0 1}", "0 stop", "1 start text", "1 a", "1 stop", "2 start text", "2 b"],
  ]);
});

Deno.test("BlockQueue sends nothing behind a block that cannot start, until the end", () => {
  const queue = new BlockQueue();
  queue.add(createCall({ name: "" }));
  queue.add(createText("a"));
  assertEquals(queue.nextEvents(), []);
  assertEquals(shorten(queue.flush()), [
    ...["0 start tool_use", "0 stop", "1 start text", "1 a", "1 stop"],
  ]);
});

Deno.test("BlockQueue removes a block that has not been started, and no other", () => {
  const queue = new BlockQueue();
  const [a, b, c] = ["a", "b", "c"].map((text) => queue.add(createText(text)));
  queue.remove(b ?? createText(""));
  assertEquals([queue.last, shorten(queue.flush())], [c, [
    ...["0 start text", "0 a", "0 stop", "1 start text", "1 c", "1 stop"],
  ]]);
  assertEquals([a?.isFinished, b?.isFinished, c?.isFinished], [true, false, true]);
});

Deno.test("BlockQueue reports each block once, when it starts", () => {
  const blocks: ContentBlock[] = [];
  const queue = new BlockQueue((block) => blocks.push(block));
  queue.add(createText("a"));
  queue.add(createCall());
  assertEquals(blocks, []);
  queue.nextEvents();
  queue.flush();
  assertEquals(blocks, [
    { type: "text", text: "" },
    { type: "tool_use", id: "client_a", name: "Read", input: {} },
  ]);
});

Deno.test("TextBlockBuilder sends its text, then its citations in order, each once", () => {
  const cite = (url: string): Citation => ({
    type: "web_search_result_location",
    cited_text: "",
    url,
    title: url,
    encrypted_index: "",
  });
  const text = createText("a");
  text.add("b");
  for (const url of ["1", "2"]) text.addCitation(cite(url));
  const deltas = Array.from({ length: 4 }, () => text.nextDelta());
  assertEquals(deltas, [
    { type: "text_delta", text: "ab" },
    { type: "citations_delta", citation: cite("1") },
    { type: "citations_delta", citation: cite("2") },
    null,
  ]);
  assertEquals([text.isReadyToStart, text.isReadyToStop(), text.finalDelta()], [true, true, null]);
  assertEquals(new TextBlockBuilder().nextDelta(), null);
});

const entry = (text: string, signature?: string): Reasoning => ({
  detail: { type: "reasoning.text", text, signature },
});
const encrypted: Reasoning = { detail: { type: "reasoning.encrypted", data: "x" } };
const encodeSignature = (pieces: readonly Reasoning[]) => JSON.stringify(pieces);

Deno.test("ThinkingBlockBuilder sends its text as it arrives and its signature at the end", () => {
  const first = entry("a");
  const block = new ThinkingBlockBuilder(first, { encodeSignature, isHidden: false });
  assertEquals(block.start(), { type: "thinking", thinking: "", signature: "" });
  block.add({ field: "reasoning", text: "b" });
  assertEquals([block.nextDelta(), block.nextDelta()], [
    { type: "thinking_delta", thinking: "ab" },
    null,
  ]);
  block.add(entry("c"));
  assertEquals(block.nextDelta(), { type: "thinking_delta", thinking: "c" });
  block.attach(encrypted);
  block.attach(first);
  assertEquals(block.finalDelta(), {
    type: "signature_delta",
    signature: JSON.stringify([entry("abc"), encrypted, first]),
  });
  assertEquals(first, entry("a"));
});

Deno.test("ThinkingBlockBuilder sends no text of hidden thinking, but keeps it for the signature", () => {
  const first: Reasoning = { field: "reasoning", text: "a" };
  const block = new ThinkingBlockBuilder(first, { encodeSignature, isHidden: true });
  block.add({ field: "reasoning", text: "b" });
  assertEquals([block.nextDelta(), block.reasoning], [null, { field: "reasoning", text: "ab" }]);
  assertEquals(first.text, "a");
});

Deno.test("ThinkingBlockBuilder accepts pieces of its kind until it has a signature or an attached entry", () => {
  const block = new ThinkingBlockBuilder(entry("a"), { encodeSignature, isHidden: false });
  assertEquals([block.accepts(entry("b")), block.accepts(encrypted)], [true, false]);
  block.attach(encrypted);
  assertEquals(block.accepts(entry("b")), false);
  const signed = new ThinkingBlockBuilder(entry("a", "s"), { encodeSignature, isHidden: false });
  assertEquals(signed.accepts(entry("b")), false);
});

Deno.test("CompleteBlockBuilder sends the input of a search as a delta, and other blocks whole", () => {
  const search = { type: "server_tool_use" as const, id: "s", name: "web_search" as const };
  const builder = new CompleteBlockBuilder({ ...search, input: { query: "q" } });
  assertEquals([builder.type, builder.start()], ["server_tool_use", { ...search, input: {} }]);
  assertEquals([builder.nextDelta(), builder.nextDelta()], [
    { type: "input_json_delta", partial_json: '{"query":"q"}' },
    null,
  ]);
  const redacted = { type: "redacted_thinking" as const, data: "x" };
  const whole = new CompleteBlockBuilder(redacted);
  assertEquals([whole.type, whole.start(), whole.nextDelta(), whole.finalDelta()], [
    "redacted_thinking",
    redacted,
    null,
    null,
  ]);
});

/** Id, name and arguments of a call → whether it may start, and whether it may stop. */
const CALLS: [id: string, name: string, text: string, mayStart: boolean, mayStop: boolean][] = [
  ["a", "Read", "", true, false],
  ["a", "Read", "{", true, false],
  ["a", "Read", "{}", true, true],
  ["a", "Rea", "", false, false],
  ["a", "Rea", "{", true, false],
  ["a", "", "{}", false, true],
  ["", "Read", "{", false, false],
  ["", "Read", "{}", true, true],
  ["", "Rea", "{}", true, true],
  ["", "", "", false, false],
];

for (const [id, name, text, mayStart, mayStop] of CALLS) {
  Deno.test(`a call with the id '${id}', the name '${name}' and the arguments '${text}' ${mayStart ? "can" : "cannot"} start`, () => {
    const call = createCall({ id, name });
    call.arguments.add(text);
    assertEquals([call.isReadyToStart, call.isReadyToStop()], [mayStart, mayStop]);
    assertEquals(call.isKnown, name === "Read");
  });
}

Deno.test("ToolUseBlockBuilder holds arguments that are not an object until the end", () => {
  const call = createCall();
  call.arguments.add("[1]");
  assertEquals(call.nextDelta(), null);
  assertEquals(call.finalDelta(), { type: "input_json_delta", partial_json: "[1]}" });
  assertEquals(createCall().finalDelta(), null);
});
