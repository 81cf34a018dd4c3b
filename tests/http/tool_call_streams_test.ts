// Streamed tool calls, in the orders and pieces in which models send them.

import { assertEquals } from "@std/assert";
import { deltaChunk, finishChunk, roleChunk, sse, textChunk } from "../helpers/chunks.ts";
import {
  idAndName,
  READ_TOOL,
  type StreamRow,
  testStreams,
  TOOL_CALLS_END,
  toolCallChunk,
  toolCallDelta,
  translateStream,
} from "../helpers/translated_response.ts";

type Json = Record<string, unknown>;

const ROWS: StreamRow[] = [
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
  ...[null, "", "Read"].map((name): StreamRow => [
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

testStreams(ROWS, { tools: [READ_TOOL, WRITE] });

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
