// Content blocks of a conversation: tool results, thinking, system messages and invalid blocks.
// Cases from the test suites of llama.cpp and vLLM.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { deltaChunk, finishChunk, messageCompletion, SIGNATURE, sse } from "../helpers/chunks.ts";
import {
  send,
  sendForEvents,
  sendForMessage,
  sendForUpstreamMessages,
} from "../helpers/message_requests.ts";
import { assistant, text, toolResult, toolUse, user } from "../helpers/messages.ts";
import { requestBody } from "../helpers/proxy.ts";
import { eventStream, type Reply } from "../helpers/upstream.ts";

type Json = Record<string, unknown>;

const use = (id: string) => toolUse(id, "get_weather");
const result = (id: string, content?: unknown) => toolResult(id, { content });

Deno.test("a tool result with is_error starts with Error:", async () => {
  const failed = { ...result("call_1", "no such city"), is_error: true };
  const seen = await sendForUpstreamMessages([
    user(text("One")),
    assistant(use("call_1")),
    user(failed),
  ]);
  assertStringIncludes(JSON.stringify(seen), "Error: no such city");
});

const PIXEL = { type: "base64", media_type: "image/png", data: "iVBOR" };
const image = { type: "image", source: PIXEL };

const INVALID: [about: string, block: Json, expected: string][] = [
  [
    "an image source without a type",
    { type: "image", source: { ...PIXEL, type: undefined } },
    "type",
  ],
  [
    "an image source without a media type",
    { type: "image", source: { ...PIXEL, media_type: undefined } },
    "media_type",
  ],
  ["a block in the wrong place", { type: "thinking" }, "'thinking'"],
  ["a block without a type", { text: "One" }, "type"],
];

for (const [about, block, expected] of INVALID) {
  Deno.test(`${about} is a 400 that names its path, without an upstream request`, async () => {
    const { response, text: body, seen } = await send(
      requestBody({ messages: [user(text("One"), block)] }),
    );
    assertEquals([response.status, seen], [400, []]);
    const { message } = JSON.parse(body).error;
    assertMatch(message, /^messages\.0\.content\.1/);
    assertStringIncludes(message, expected);
  });
}

const DOT = { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } };

const RESULTS: [about: string, contents: unknown[], tools: string[], follow: unknown[]][] = [
  ["text", ["30 °C"], ["30 °C"], []],
  ["several texts", [[text("30 °C"), text("dry")]], ["30 °C\ndry"], []],
  ["one image", [[image]], ["(image in the next message)"], [
    [text("Images from the result of tool call call_0:"), DOT],
  ]],
  ["two images and text", [[image, text("two"), image]], ["two"], [
    [text("Images from the result of tool call call_0:"), DOT, DOT],
  ]],
  ["an image in each of two results", [[text("a"), image], [image]], [
    "a",
    "(image in the next message)",
  ], [
    [
      text("Images from the result of tool call call_0:"),
      DOT,
      text("Images from the result of tool call call_1:"),
      DOT,
    ],
  ]],
  ["no content", [undefined], ["(no output)"], []],
];

for (const [about, contents, tools, follow] of RESULTS) {
  Deno.test(`a tool result of ${about} becomes tool messages, followed by a user message with the images`, async () => {
    const ids = contents.map((_, index) => `call_${index}`);
    const seen = await sendForUpstreamMessages([
      user(text("One")),
      assistant(...ids.map(use)),
      user(...contents.map((content, index) => result(`call_${index}`, content))),
    ]);
    assert(Array.isArray(seen));
    assertEquals(seen.slice(2), [
      ...tools.map((content, index) => ({ role: "tool", tool_call_id: `call_${index}`, content })),
      ...follow.map((content) => ({ role: "user", content })),
    ]);
  });
}

const FORMAT = "anthropic-claude-v1";

Deno.test("thinking and redacted thinking in the history become reasoning_details in order", async () => {
  const seen = await sendForUpstreamMessages([
    user(text("One")),
    assistant(
      { type: "thinking", thinking: "Hm", signature: SIGNATURE },
      { type: "redacted_thinking", data: "b3BhcXVl" },
      text("Two"),
    ),
    user(text("Three")),
  ]);
  assert(Array.isArray(seen));
  assertEquals(seen[1], {
    role: "assistant",
    content: "Two",
    reasoning_details: [
      { type: "reasoning.text", text: "Hm", signature: SIGNATURE, format: FORMAT, index: 0 },
      { type: "reasoning.encrypted", data: "b3BhcXVl", format: FORMAT, index: 1 },
    ],
  });
});

Deno.test("several system messages keep their places after the system text", async () => {
  const system = (content: unknown) => ({ role: "system", content });
  const turns = [
    user(text("One")),
    system("A"),
    assistant(text("Two")),
    user(text("Three")),
    system([text("B"), text("C")]),
  ];
  assertEquals(await sendForUpstreamMessages(turns, { system: "Be brief." }), [
    { role: "system", content: "Be brief." },
    { role: "user", content: "One" },
    { role: "system", content: "A" },
    { role: "assistant", content: "Two" },
    { role: "user", content: "Three" },
    { role: "system", content: "B\n\nC" },
  ]);
});

const stream = (...chunks: (Json | string)[]): Reply => () => eventStream(sse(...chunks));

Deno.test("thinking is the first block and signed, in a message and in a stream", async () => {
  const detail = { type: "reasoning.text", text: "Hm", signature: SIGNATURE, format: FORMAT };
  const delta = { content: "Hi", reasoning: "Hm", reasoning_details: [detail] };
  const message = await sendForMessage(
    requestBody(),
    () => Response.json(messageCompletion(delta)),
  );
  assertEquals(message.content, [
    { type: "thinking", thinking: "Hm", signature: SIGNATURE },
    { type: "text", text: "Hi" },
  ]);
  const events = await sendForEvents(
    requestBody(),
    stream(deltaChunk(delta), finishChunk(), "[DONE]"),
  );
  const steps = events.flatMap((event) => {
    if (event.type === "content_block_start") return [`${event.index} ${event.content_block.type}`];
    return event.type === "content_block_delta" ? [`${event.index} ${event.delta.type}`] : [];
  });
  assertEquals(steps, [
    "0 thinking",
    "0 thinking_delta",
    "0 signature_delta",
    "1 text",
    "1 text_delta",
  ]);
});
