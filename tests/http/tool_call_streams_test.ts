// Streamed tool calls, in the orders and pieces in which models send them.

import { assertEquals } from "@std/assert";
import type { Message } from "../../lib/anthropic/types.ts";
import type { Chunk, ToolCallDelta } from "../../lib/openrouter/types.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { deltaChunk, finishChunk, roleChunk, sse, textChunk } from "../helpers/chunks.ts";
import {
  idAndName,
  READ_TOOL,
  summarize,
  type Summary,
  TOOL_CALLS_END,
  toolCallChunk,
  toolCallDelta,
  translateStream,
} from "../helpers/translated_response.ts";
import { createTranslator } from "../helpers/translator.ts";

type Json = Record<string, unknown>;

/** Upstream chunks → the response in short. */
const ROWS: [name: string, chunks: (Json | string)[], summary: Summary][] = [
  [
    "interleaved tool call deltas become two complete tool calls",
    [
      toolCallChunk(toolCallDelta(0, "", idAndName("call_a"))),
      toolCallChunk(toolCallDelta(1, "", idAndName("call_b"))),
      toolCallChunk(toolCallDelta(0, '{"p":')),
      toolCallChunk(toolCallDelta(1, '{"q":')),
      toolCallChunk(toolCallDelta(0, "1}")),
      toolCallChunk(toolCallDelta(1, "2}")),
      ...TOOL_CALLS_END,
    ],
    ['call call_a Read {"p":1}', 'call call_b Read {"q":2}', "= tool_use"],
  ],
  [
    "text, two tool calls and text become consecutive blocks",
    [
      roleChunk(),
      roleChunk(),
      textChunk("One"),
      toolCallChunk(
        toolCallDelta(0, "{}", idAndName("call_a")),
        toolCallDelta(1, "", idAndName("call_b")),
      ),
      textChunk("Two"),
      toolCallChunk(toolCallDelta(1, "{}")),
      ...TOOL_CALLS_END,
    ],
    ["text One", "call call_a Read {}", "call call_b Read {}", "text Two", "= tool_use"],
  ],
  [
    "a tool call in one chunk keeps its arguments",
    [toolCallChunk(toolCallDelta(0, '{"p":1}', idAndName("call_a"))), ...TOOL_CALLS_END],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "content and tool call in one chunk are both translated",
    [
      deltaChunk({ content: "Well", tool_calls: [toolCallDelta(0, '{"p":', idAndName("call_a"))] }),
      deltaChunk({ content: null, tool_calls: [toolCallDelta(0, "1}")] }),
      ...TOOL_CALLS_END,
    ],
    ["text Well", 'call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "a tool call whose id comes before its name is one call",
    [
      toolCallChunk(toolCallDelta(0, "", { id: "call_a" })),
      toolCallChunk(toolCallDelta(0, "{}", { name: "Read" })),
      ...TOOL_CALLS_END,
    ],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "a tool call whose id comes in a later chunk is one call",
    [
      toolCallChunk(toolCallDelta(0, "", { name: "Read" })),
      toolCallChunk(toolCallDelta(0, '{"p":')),
      toolCallChunk(toolCallDelta(0, "1}", { id: "call_a" })),
      ...TOOL_CALLS_END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "a tool call whose arguments come before id and name is one call",
    [
      toolCallChunk(toolCallDelta(0, '{"p":')),
      toolCallChunk(toolCallDelta(0, "", { name: "Read" })),
      toolCallChunk(toolCallDelta(0, "1}", { id: "call_a" })),
      ...TOOL_CALLS_END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  ...[null, "", "Read"].map((name): [string, Json[], Summary] => [
    `a tool call with name ${JSON.stringify(name)} on every later chunk is one call`,
    [
      toolCallChunk(toolCallDelta(0, "", idAndName("call_a"))),
      toolCallChunk(toolCallDelta(0, '{"p":', { id: name && "call_a", name })),
      toolCallChunk(toolCallDelta(0, "1}", { id: name && "call_a", name })),
      finishChunk("tool_calls"),
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ]),
  [
    "a tool call whose id and name follow complete arguments and a null name is one call",
    [
      toolCallChunk(toolCallDelta(0, '{"p":1}', { name: null })),
      toolCallChunk(toolCallDelta(0, "", idAndName("call_a"))),
      ...TOOL_CALLS_END,
    ],
    ['call call_a Read {"p":1}', "= tool_use"],
  ],
  [
    "a tool call without a required parameter is forwarded unchanged",
    [toolCallChunk(toolCallDelta(0, "{}", idAndName("call_a", "Write"))), ...TOOL_CALLS_END],
    ["call call_a Write {}", "= tool_use"],
  ],
];

const WRITE = {
  name: "Write",
  input_schema: { type: "object", properties: { path: {} }, required: ["path"] },
};

for (const [name, chunks, summary] of ROWS) {
  Deno.test(name, async () => {
    assertEquals(
      summarize(await translateStream(sse(...chunks), { tools: [READ_TOOL, WRITE] })),
      summary,
    );
  });
}

Deno.test("content blocks have consecutive indexes and stop before the next one starts", async () => {
  const events = await translateStream(
    sse(
      textChunk("One"),
      toolCallChunk(
        toolCallDelta(0, "{}", idAndName("call_a")),
        toolCallDelta(1, "{}", idAndName("call_b")),
      ),
      ...TOOL_CALLS_END,
    ),
  );
  const steps = events.map((event) =>
    "index" in event ? `${event.type} ${event.index}` : event.type
  );
  assertEquals(steps, [
    "message_start",
    ...[0, 1, 2].flatMap((index) => [
      `content_block_start ${index}`,
      `content_block_delta ${index}`,
      `content_block_stop ${index}`,
    ]),
    "message_delta",
    "message_stop",
  ]);
});

/** The message that a stream of these chunks is translated to. */
function stream(...chunks: Chunk[]): Message {
  const translator = createTranslator({ stopSequences: ["END"] });
  const events = chunks.flatMap((chunk) => translator.push(chunk));
  return collectMessage([...events, ...translator.finish()]);
}

/** Tool calls translated from deltas, one delta per chunk, as `id name input`. */
function route(...fragments: ToolCallDelta[]): string[] {
  const chunks = fragments.map((fragment) => ({
    choices: [{ delta: { tool_calls: [fragment] } }],
  }));
  const { content } = stream(...chunks, { choices: [{ delta: {}, finish_reason: "tool_calls" }] });
  return content.map((block) =>
    block.type === "tool_use"
      ? `${block.id} ${block.name} ${JSON.stringify(block.input)}`
      : block.type
  );
}

Deno.test("StreamTranslator separates tool calls with the same id while the first is incomplete", () => {
  const calls = route(
    { index: 0, id: "x", function: { name: "Read", arguments: '{"a":' } },
    { index: 1, id: "x", function: { name: "Write", arguments: '{"b":2}' } },
    { index: 0, function: { arguments: "1}" } },
  );
  assertEquals(calls, ['x Read {"a":1}', 'or-x Write {"b":2}']);
});

Deno.test("StreamTranslator continues a tool call whose deltas repeat the name without id and index", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":' } },
    { function: { name: "Read", arguments: "1}" } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}']);
});

Deno.test("StreamTranslator starts a second tool call for an equal delta without id and index", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":1}' } },
    { function: { name: "Read", arguments: '{"a":1}' } },
  );
  assertEquals(calls, ['toolu_made_1 Read {"a":1}', 'toolu_made_2 Read {"a":1}']);
});

Deno.test("StreamTranslator assigns a late id without an index to the tool call that has no id", () => {
  const calls = route(
    { function: { name: "Read", arguments: '{"a":' } },
    { id: "late", function: { arguments: "1}" } },
  );
  assertEquals(calls, ['late Read {"a":1}']);
});

Deno.test("StreamTranslator does not end a string in arguments at an escaped quote", () => {
  const json = '{"a":"\\"{","b":"}\\\\"}';
  const pieces = [...json].map((text) => ({ index: 0, function: { arguments: text } }));
  const calls = route({ index: 0, id: "x", function: { name: "Read" } }, ...pieces);
  assertEquals(calls, [`x Read ${json}`]);
});
