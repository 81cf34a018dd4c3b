/**
 * A proxy with UPSTREAM_DIALECT=anthropic in front of a fake upstream, and Anthropic's messages and events.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../lib/json.ts";
import { call, createProxy, post, type TestServices } from "./proxy.ts";
import { eventStream, type Reply, startUpstream, type Upstream } from "./upstream.ts";

export const ENV = { UPSTREAM_DIALECT: "anthropic", TARGET_MODEL_OPUS: "anthropic/claude-opus-5" };

export const BODY = {
  model: "claude-opus-5[1m]",
  max_tokens: 100,
  never_heard_of: { deep: [1, null] },
  messages: [{ role: "user", content: [{ type: "hologram", cache_control: null }] }],
};

const USAGE = { input_tokens: 10, cache_read_input_tokens: 4, cache_creation_input_tokens: 2 };

export const MESSAGE = {
  id: "gen-1",
  type: "message",
  role: "assistant",
  model: "anthropic/claude-5-opus",
  provider: "Anthropic",
  content: [{ type: "text", text: "Grüße" }],
  stop_reason: "end_turn",
  usage: { ...USAGE, output_tokens: 7, cost: 0.25 },
};

/** Events as Anthropic's API sends them. */
export function events(...list: JsonObject[]): string {
  return list.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join(
    "",
  );
}

export const START = events({
  type: "message_start",
  message: { ...MESSAGE, content: [], usage: USAGE },
});

export const DELTA = events(
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Grüße" } },
  { type: "content_block_stop", index: 0 },
);

export const END = events(
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn" },
    usage: { output_tokens: 7, cost: 0.25 },
  },
  { type: "message_stop" },
);

/** The start of a signature of the fake Claude. */
export const SIGNATURE = "EqQB";

/** The error of OpenRouter's Messages API for Claude about a request, as far as a session can cause one; null for none. */
export function findMessagesError(body: JsonObject): string | null {
  const text = JSON.stringify(body);
  if (text.includes("tool_search_tool_bm25")) return "tool_search_tool_bm25 is not supported";
  const turns = Array.isArray(body["messages"]) ? body["messages"].filter(isJsonObject) : [];
  const blocks = turns.flatMap(({ role, content }) =>
    role === "assistant" && Array.isArray(content) ? content.filter(isJsonObject) : []
  );
  for (const block of blocks) {
    const { type, text, signature, data, name, input } = block;
    if (type === "thinking" && !toText(signature).startsWith(SIGNATURE)) {
      return "Invalid `signature` in `thinking` block";
    }
    if (type === "redacted_thinking" && !toText(data).startsWith(SIGNATURE)) {
      return "Invalid `data` in `redacted_thinking` block";
    }
    if (type === "text" && text === "") return "text content blocks must be non-empty";
    if (type === "tool_use" && !/^[a-zA-Z0-9_-]{1,128}$/.test(toText(name))) {
      return "tool_use.name: String should match pattern";
    }
    if (type === "tool_use" && !isJsonObject(input)) return "input: Input should be a dictionary";
    if (/"encrypted_(index|content)":""/.test(JSON.stringify(block))) {
      return "Invalid `encrypted_content` in `search_result` block";
    }
  }
  if (turns.some(({ content }) => Array.isArray(content) && content.length === 0)) {
    return "all messages must have non-empty content";
  }
  return null;
}

/** The response of the fake Claude with these blocks, streamed or as JSON, as requested. */
export function respondMessage(body: JsonObject, content: JsonObject[]): Response {
  const hasCall = content.some(({ type }) => type === "tool_use");
  const stop_reason = hasCall ? "tool_use" : "end_turn";
  const model = body["model"];
  if (body["stream"] !== true) return Response.json({ ...MESSAGE, model, content, stop_reason });
  return eventStream(
    events({ type: "message_start", message: { ...MESSAGE, model, content: [], usage: USAGE } }) +
      content.map(encodeBlock).join("") +
      events(
        { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 7, cost: 0.25 } },
        { type: "message_stop" },
      ),
  );
}

function encodeBlock(block: JsonObject, index: number): string {
  const { type, text, thinking, signature, input } = block;
  const deltas = type === "text"
    ? [{ type: "text_delta", text }]
    : type === "thinking"
    ? [{ type: "thinking_delta", thinking }, { type: "signature_delta", signature }]
    : [{ type: "input_json_delta", partial_json: JSON.stringify(input) }];
  const empty = { text: { text: "" }, thinking: { thinking: "", signature: "" } };
  const started = type === "text" || type === "thinking" ? empty[type] : { input: {} };
  return events(
    { type: "content_block_start", index, content_block: { ...block, ...started } },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  );
}

interface Harness extends AsyncDisposable {
  upstream: Upstream;
  services: TestServices;
  send(body: unknown, headers?: Record<string, string>): Promise<Response>;
}

export function startHarness(reply: Reply, env: Record<string, string | undefined> = {}): Harness {
  const upstream = startUpstream(reply);
  const { services, handler } = createProxy({ upstream, env: { ...ENV, ...env } });
  return {
    upstream,
    services,
    send: (body, headers) => call(handler, post(body, headers)),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}
