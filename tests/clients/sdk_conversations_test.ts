/**
 * Conversations with the official SDK: tool call ids and thinking that are sent back, stop sequences, safeguards,
 * and the accumulated usage.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import { byByte, byEvent, whole } from "../replay/pieces.ts";
import { type Params, type ReplayResult, send } from "../replay/proxy.ts";

const CLAUDE = { dialect: "openrouter", target: "anthropic/claude-sonnet-5" } as const;
const KIMI = { dialect: "openrouter", target: "moonshotai/kimi-k2" } as const;
const HELLO = { role: "user", content: "Hello" };
const PARAMS: Params = { model: "claude-sonnet-5", max_tokens: 1000, messages: [HELLO] };
const WITH_TOOL: Params = { ...PARAMS, tools: [{ name: "act", input_schema: { type: "object" } }] };

/** A recorded completion, or the same as a stream of one chunk. */
function record(message: JsonObject, { stream = false, finish = "stop", cut = whole } = {}) {
  const choice = { index: 0, finish_reason: finish };
  const usage = { prompt_tokens: 100, completion_tokens: 5 };
  const text = stream
    ? toEvents([{ choices: [{ ...choice, delta: message }], usage }])
    : JSON.stringify({ choices: [{ ...choice, message }], usage });
  const contentType = stream ? "text/event-stream" : "application/json";
  return { status: 200, contentType, pieces: cut(text) };
}

function toEvents(chunks: JsonObject[]): string {
  const events = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  return `${events.join("")}data: [DONE]\n\n`;
}

/** The next request: adds the accumulated message and a result for each call. */
function continueWith({ message }: ReplayResult, params: Params): Params {
  const content = message?.content ?? [];
  const results = content.filter((block) => block.type === "tool_use")
    .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "done" }));
  const messages = Array.isArray(params["messages"]) ? params["messages"] : [];
  return {
    ...params,
    messages: [
      ...messages,
      { role: "assistant", content },
      { role: "user", content: results.length > 0 ? results : "Go on" },
    ],
  };
}

/** The messages of one role in the upstream request. */
function listUpstreamMessages({ sent }: ReplayResult, role: string): JsonObject[] {
  const messages = Array.isArray(sent?.["messages"]) ? sent["messages"] : [];
  return messages.filter(isJsonObject).filter((message) => message["role"] === role);
}

for (const id of ["functions.act:0", "call_0", "tool_0_act", "a b/ü"]) {
  for (const stream of [false, true]) {
    const mode = stream ? "streamed" : "as JSON";
    Deno.test(`tool calls that repeat the id "${id}" in each response stay separate, ${mode}`, async () => {
      const call = { id, index: 0, type: "function", function: { name: "act", arguments: "{}" } };
      const recording = record({ tool_calls: [call] }, { stream, finish: "tool_calls" });
      const first = await send({ ...WITH_TOOL, stream }, recording, KIMI);
      const second = await send({ ...continueWith(first, WITH_TOOL), stream }, recording, KIMI);
      const ids = [first, second].flatMap(({ message }) => message?.content ?? [])
        .flatMap((block) => block.type === "tool_use" ? [block.id] : []);
      assertEquals(new Set(ids).size, 2);
      assertEquals(ids.slice(1).filter((toolUseId) => /_\d+$/.test(toolUseId)), []);
      const third = await send(
        continueWith(second, continueWith(first, WITH_TOOL)),
        record({ content: "ok" }),
        KIMI,
      );
      const calls = listUpstreamMessages(third, "assistant").flatMap(({ tool_calls }) => tool_calls)
        .map((toolCall) => isJsonObject(toolCall) ? toolCall["id"] : toolCall);
      // The upstream ids must be unique too; the first is unchanged.
      assertEquals([calls[0], new Set(calls).size], [id, 2]);
      assertEquals(
        listUpstreamMessages(third, "tool").map((result) => result["tool_call_id"]),
        calls,
      );
    });
  }
}

for (const stream of [false, true]) {
  const mode = stream ? "streamed" : "as JSON";

  Deno.test(`Claude's omitted thinking is sent back unchanged, ${mode}`, async () => {
    const detail = {
      type: "reasoning.text",
      text: "Two and two.",
      signature: "RXFZQ2hBQUE=",
      format: "anthropic-claude-v1",
      index: 0,
    };
    const params: Params = {
      ...PARAMS,
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" },
    };
    const recording = record({ content: "Four", reasoning_details: [detail] }, { stream });
    const first = await send({ ...params, stream }, recording, CLAUDE);
    const thinking = first.message?.content.find((block) => block.type === "thinking");
    assertEquals(thinking?.thinking, "");
    const second = await send(continueWith(first, params), record({ content: "ok" }), CLAUDE);
    assertEquals(listUpstreamMessages(second, "assistant")[0]?.["reasoning_details"], [detail]);
  });

  Deno.test(`a response to safeguards marks them as unsupported, ${mode}`, async () => {
    const params = { ...PARAMS, stream, safeguards: [{ type: "dangerous_tool_use" }] };
    const result = await send(params, record({ content: "ok" }, { stream }), CLAUDE);
    const expected = [{ type: "dangerous_tool_use", status: { type: "unsupported" } }];
    const delta = result.events.find(({ type }) => type === "message_delta");
    const container: unknown = delta?.type === "message_delta" ? delta.delta : result.message;
    assertEquals(isJsonObject(container) ? container["safeguard_results"] : container, expected);
    assertEquals(result.message?.stop_reason, "end_turn");
  });
}

for (const [name, cut] of Object.entries({ whole, byEvent, byByte })) {
  Deno.test(`text ends at the first stop sequence, also across chunks: ${name}`, async () => {
    const body = toEvents([
      ...["One E", "N", "D two ST", "OP three"].map((content) => ({
        choices: [{ index: 0, delta: { content } }],
      })),
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    ]);
    const params = { ...PARAMS, stream: true, stop_sequences: ["STOP", "END"] };
    const recording = { status: 200, contentType: "text/event-stream", pieces: cut(body) };
    const { message } = await send(params, recording, CLAUDE);
    assertEquals(message?.content.map((block) => block.type === "text" && block.text), ["One "]);
    assertEquals([message?.stop_reason, message?.stop_sequence], ["stop_sequence", "END"]);
  });
}

Deno.test("the SDK's final message keeps the usage fields of message_start", async () => {
  const { message, events } = await send(
    { ...PARAMS, stream: true },
    record({ content: "ok" }, { stream: true }),
    CLAUDE,
  );
  const [start] = events;
  assert(start?.type === "message_start");
  for (const key of ["cache_creation", "service_tier"]) assert(key in start.message.usage, key);
  assert("stop_details" in start.message);
  assertEquals(message?.usage.cache_creation?.ephemeral_5m_input_tokens, 0);
  assertEquals([message?.usage.input_tokens, message?.usage.output_tokens], [100, 5]);
});
