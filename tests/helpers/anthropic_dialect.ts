/**
 * A proxy with UPSTREAM_DIALECT=anthropic in front of a fake upstream, and Anthropic's messages and events.
 * @module
 */

import type { JsonObject } from "../../lib/json.ts";
import { call, createProxy, post, type TestServices } from "./proxy.ts";
import { type Reply, startUpstream, type Upstream } from "./upstream.ts";

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
