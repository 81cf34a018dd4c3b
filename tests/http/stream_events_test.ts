// Events of a streamed response, and chunks of any form.

import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  completion,
  deltaChunk,
  finishChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { call, post, requestBody } from "../helpers/proxy.ts";
import { toBody } from "../helpers/sse.ts";
import {
  createHandlerWithFetch,
  idAndName,
  parseEvents,
  requestStream,
  type StreamRow,
  summarize,
  testStreams,
  TOOL_CALLS_END,
  toolCallChunk,
  toolCallDelta,
  translateStream,
} from "../helpers/translated_response.ts";
import { eventStream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const ROWS: StreamRow[] = [
  [
    "content in the chunk of the finish reason is translated",
    [deltaChunk({ content: "Well" }, "stop"), usageChunk(), "[DONE]"],
    ["text Well", "= end_turn"],
  ],
  [
    "SSE comments and [DONE] are ignored",
    [": OPENROUTER PROCESSING", textChunk("世界"), ":", finishChunk(), ": end", "[DONE]"],
    ["text 世界", "= end_turn"],
  ],
];

testStreams(ROWS);

/** A text in two chunks, split after the first byte of 世. */
function cutInside(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const middle = bytes.indexOf(0xe4) + 1;
  assertGreater(middle, 0);
  return toBody([bytes.slice(0, middle), bytes.slice(middle)]);
}

Deno.test("a character split between chunks is decoded, in a stream and in JSON", async () => {
  const chunks = sse(textChunk("世界"), finishChunk(), "[DONE]");
  const events = parseEvents(await requestStream(() => eventStream(cutInside(chunks))));
  assertEquals(summarize(events), ["text 世界", "= end_turn"]);
  const headers = { "content-type": "application/json" };
  const body = () => cutInside(JSON.stringify(completion("世界")));
  const response = await call(
    createHandlerWithFetch(() => new Response(body(), { headers })),
    post(requestBody()),
  );
  assertEquals((await response.json()).content, [{ type: "text", text: "世界" }]);
});

Deno.test("content_block_start has empty fields, and message_start has type and role", async () => {
  const events = await translateStream(
    sse(
      deltaChunk({ reasoning: "Hm" }),
      textChunk("Hi"),
      toolCallChunk(toolCallDelta(0, '{"p":1}', idAndName("call_a"))),
      ...TOOL_CALLS_END,
    ),
  );
  assertEquals(
    events.flatMap((event) => event.type === "content_block_start" ? [event.content_block] : []),
    [
      { type: "thinking", thinking: "", signature: "" },
      { type: "text", text: "" },
      { type: "tool_use", id: "call_a", name: "Read", input: {} },
    ],
  );
  const [start] = events;
  assert(start?.type === "message_start");
  const { type, role, content } = start.message;
  assertEquals([type, role, content], ["message", "assistant", []]);
});

Deno.test("message_stop ends the stream without [DONE]", async () => {
  const text = await requestStream(() =>
    eventStream(sse(textChunk("Hi"), finishChunk(), "[DONE]"))
  );
  assertEquals(text.includes("[DONE]"), false);
  assert(text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'));
});
