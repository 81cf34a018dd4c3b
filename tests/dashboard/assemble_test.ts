/** Captured responses, put together from their events. */

import { assertEquals } from "@std/assert";
import { assembleResponse } from "../../lib/dashboard/assemble.ts";
import { sseTwoCalls } from "../helpers/chunks.ts";
import { createProxy, requestBody, send } from "../helpers/proxy.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";

const TOOL = { name: "get_weather", input_schema: { type: "object" } };
const INPUTS = [{ city: "Rome" }, { city: "Oslo" }];

Deno.test("upstream's chunks become one message with its reasoning, text and calls", () => {
  const completion = assembleResponse(sseTwoCalls("get_weather"));
  const [choice] = completion?.["choices"] as { message: Record<string, unknown> }[];
  const { content, reasoning_details: details, tool_calls: calls } = choice?.message ?? {};
  assertEquals(content, "Let me look.");
  assertEquals((details as { text?: string }[])[0]?.text, "Two cities, two calls.");
  const functions = (calls as { function: { name: string; arguments: string } }[])
    .map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
  assertEquals(functions, INPUTS.map((input) => ["get_weather", input]));
  assertEquals(choice?.["finish_reason" as never], "tool_calls");
  assertEquals((completion?.["usage"] as { cost: number }).cost, 0.00125);
});

Deno.test("events to a client become the message that they make up", async () => {
  await using upstream = startUpstream(() => eventStream(sseTwoCalls("get_weather")));
  const { handler } = createProxy({ upstream });
  const response = await send(handler, requestBody({ stream: true, tools: [TOOL] }));
  const message = assembleResponse(await response.text());
  const blocks = message?.["content"] as Record<string, unknown>[];
  assertEquals(blocks.map(({ type }) => type), ["thinking", "text", "tool_use", "tool_use"]);
  assertEquals(blocks[0]?.["thinking"], "Two cities, two calls.");
  assertEquals(blocks[1]?.["text"], "Let me look.");
  assertEquals(blocks.slice(2).map(({ input }) => input), INPUTS);
  assertEquals(message?.["stop_reason"], "tool_use");
  assertEquals((message?.["usage"] as { output_tokens: number }).output_tokens, 7);
});

Deno.test("a JSON body is taken as it is, and an error event is shown in the message", () => {
  assertEquals(assembleResponse('{"a":1}'), { a: 1 });
  const error = { type: "overloaded_error", message: "Busy" };
  const text = `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`;
  assertEquals(assembleResponse(text)?.["error"], error);
});

Deno.test("a body that is cut off, empty or not a response at all is no error", () => {
  const whole = sseTwoCalls("t");
  for (let length = 0; length < whole.length; length += 7) assembleResponse(whole.slice(0, length));
  for (const text of ["", "[]", "5", "data: [DONE]\n\n", "<html>", "data: {", "event: x\n\n"]) {
    assertEquals(assembleResponse(text), null, text);
  }
  const odd = [{ choices: 5 }, { choices: [null] }, { choices: [{ delta: { tool_calls: [1] } }] }];
  assembleResponse(odd.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(""));
  const events = ["content_block_delta", "content_block_stop", "message_start", "message_delta"];
  assembleResponse(events.map((type) => `data: ${JSON.stringify({ type })}\n\n`).join(""));
});
