// Stop reasons and stop sequences.

import { assertEquals } from "@std/assert";
import { finishChunk, messageCompletion, textChunk, usageChunk } from "../helpers/chunks.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import {
  idAndName,
  requestMessage,
  type StreamRow,
  testStreams,
  toolCallChunk,
  toolCallDelta,
} from "../helpers/translated_response.ts";
import { startUpstream } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const ROWS: StreamRow[] = [
  [
    'finish_reason "stop" with tool calls becomes tool_use',
    [
      toolCallChunk(toolCallDelta(0, "{}", idAndName("call_a"))),
      finishChunk("stop"),
      usageChunk(),
      "[DONE]",
    ],
    ["call call_a Read {}", "= tool_use"],
  ],
  [
    "finish_reason content_filter becomes refusal",
    [textChunk("I"), finishChunk("content_filter"), "[DONE]"],
    ["text I", "= refusal"],
  ],
];

testStreams(ROWS);

Deno.test('finish_reason "stop" with tool calls in a completion becomes tool_use', async () => {
  const message = await requestMessage(
    messageCompletion({ content: null, tool_calls: [toolCallDelta(0, "{}", idAndName("call_a"))] }),
  );
  assertEquals(message.stop_reason, "tool_use");
  assertEquals(message.content, [{ type: "tool_use", id: "call_a", name: "Read", input: {} }]);
});

Deno.test("finish_reason content_filter in a completion becomes refusal", async () => {
  const message = await requestMessage(messageCompletion({ content: "I" }, "content_filter"));
  assertEquals([message.stop_reason, message.stop_details?.type], ["refusal", "refusal"]);
});

Deno.test("POST /v1/messages reports the only stop sequence of the request as the one that matched", async () => {
  const end = { finish_reason: "stop", native_finish_reason: "stop_sequence" };
  const ended = { choices: [{ message: { content: "Hi" }, ...end }] };
  await using upstream = startUpstream(() => Response.json(ended));
  const { handler } = createProxy({ upstream });
  const message = await (await call(handler, post(requestBody({ stop_sequences: ["END"] }))))
    .json();
  assertEquals([message.stop_reason, message.stop_sequence], ["stop_sequence", "END"]);
});
