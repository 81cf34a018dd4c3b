/**
 * A proxy with MAX_COST_USD in front of a fake upstream with prices.
 * @module
 */

import type { Today } from "../../lib/metrics/types.ts";
import { completion, finishChunk, roleChunk, sse, textChunk, usageChunk } from "./chunks.ts";
import { call, createProxy, get, post, requestBody, SERVER_KEY } from "./proxy.ts";
import { eventStream, type Reply, startUpstream, type Upstream } from "./upstream.ts";

type Proxy = ReturnType<typeof createProxy>;

/** One cent per output token, so that max_tokens of 100 costs one dollar. Input costs next to nothing. */
export const PRICED = { id: "a/x", pricing: { prompt: "0.00000001", completion: "0.01" } };

/** 400 characters, estimated as 100 tokens. */
export const DOLLAR_TEXT = "word ".repeat(80);

interface Harness extends AsyncDisposable {
  upstream: Upstream;
  proxy: Proxy;
}

export async function startHarness(
  script: Reply | Reply[],
  env: Record<string, string | undefined> = {},
  models: Record<string, unknown>[] = [PRICED],
): Promise<Harness> {
  const upstream = startUpstream(script, { models, check: () => {} });
  const proxy = createProxy({ upstream, env: { MAX_COST_USD: "2", ...env } });
  await proxy.services.catalog.list(5000);
  return { upstream, proxy, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() };
}

export function send({ handler }: Proxy, more: Record<string, unknown> = {}): Promise<Response> {
  return call(handler, post(requestBody({ model: "a/x", ...more })));
}

export async function readToday({ handler }: Proxy, key = SERVER_KEY): Promise<Today> {
  const response = await call(handler, get("/stats", { headers: { "x-api-key": key } }));
  return (await response.json()).today;
}

/** Rounds to cents, which ignores the cost of the input. */
export function toCents(usd: number): number {
  return Math.round(usd * 100) / 100;
}

export const usage = (more: Record<string, unknown>) => ({
  prompt_tokens: 10,
  completion_tokens: 100,
  ...more,
});

/** Events of Anthropic's API: 100 tokens of text, and the end if it is given. */
export function nativeEvents(end?: Record<string, unknown>): string {
  const message = { type: "message", model: "a/x", usage: { input_tokens: 10, output_tokens: 1 } };
  const events: Record<string, unknown>[] = [
    { type: "message_start", message: { ...message, content: [] } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: DOLLAR_TEXT } },
  ];
  if (end !== undefined) {
    events.push({ type: "message_delta", delta: {}, usage: end }, { type: "message_stop" });
  }
  return events.map((one) => `event: ${one["type"]}\ndata: ${JSON.stringify(one)}\n\n`).join("");
}

export const PLAIN = { dialect: "openrouter", stream: false };

export function replyWithUsage(
  tokens: Record<string, unknown>,
  { dialect, stream }: { dialect: string; stream: boolean },
): Response {
  if (dialect === "anthropic") {
    const message = { type: "message", model: "a/x", content: [], usage: tokens };
    return stream ? eventStream(nativeEvents(tokens)) : Response.json(message);
  }
  if (!stream) return Response.json({ ...completion("Hi"), usage: tokens });
  const last = { ...usageChunk(), usage: tokens };
  return eventStream(sse(roleChunk(), textChunk("Hi"), finishChunk(), last, "[DONE]"));
}
