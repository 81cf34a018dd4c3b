/**
 * The official SDK with the running proxy and a fake upstream.
 * @module
 */

import { assertRejects } from "@std/assert";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { type RunningProxy, startProxy } from "../helpers/proxy.ts";
import { Anthropic } from "../helpers/sdk.ts";
import { completion, SIGNATURE, sseAnswer, sseTwoCalls } from "../helpers/chunks.ts";
import {
  eventStream,
  type Reply,
  startUpstream,
  type Upstream,
  type UpstreamOptions,
} from "../helpers/upstream.ts";

/** Upstream, proxy and SDK client. Dispose it with `await using`. */
export interface Harness extends AsyncDisposable {
  client: Anthropic;
  upstream: Upstream;
  proxy: RunningProxy;
}

/** Options of upstream, proxy (`env`) and SDK client. */
export interface HarnessOptions extends UpstreamOptions {
  env?: Record<string, string | undefined>;
  client?: ConstructorParameters<typeof Anthropic>[0];
}

/** A current model: the SDK prints a warning for each request with a deprecated one. */
export const MODEL = "claude-sonnet-5";
/** The target model of MODEL. */
export const TARGET = "anthropic/claude-sonnet-4-20250514";
/** A minimal request. */
export const HELLO = {
  model: MODEL,
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Hello" }],
};
/** A tool. */
export const WEATHER = {
  name: "get_weather",
  description: "Returns the weather",
  input_schema: {
    type: "object" as const,
    properties: { city: { type: "string" } },
    required: ["city"],
  },
};

/** Starts upstream, proxy and client. Every upstream request must be valid. */
export function startHarness(replies: Reply | Reply[], options: HarnessOptions = {}): Harness {
  const { env = {}, client = {}, ...upstreamOptions } = options;
  const upstream = startUpstream(replies, upstreamOptions);
  const proxy = startProxy({ upstream, env });
  return {
    upstream,
    proxy,
    client: new Anthropic({
      baseURL: proxy.url,
      apiKey: "sk-ant-from-the-client",
      maxRetries: 0,
      ...client,
    }),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
      for (const { body } of upstream.requests) checkChatRequest(body);
    },
  };
}

/** The content that the SDK accumulates from `twoCallsReply`. */
export const TWO_CALLS_CONTENT = [
  { type: "thinking", thinking: "Two cities, two calls.", signature: SIGNATURE },
  { type: "text", text: "Let me look." },
  { type: "tool_use", id: "call_rome", name: "get_weather", input: { city: "Rome" } },
  { type: "tool_use", id: "call_oslo", name: "get_weather", input: { city: "Oslo" } },
];

/** Text, streamed or as JSON as requested. */
export const textReply = (text: string): Reply => ({ body }) =>
  body["stream"] ? eventStream(sseAnswer(text)) : Response.json(completion(text));

/** A stream with thinking, text and two interleaved calls of the tool. */
export const twoCallsReply: Reply = () => eventStream(sseTwoCalls("get_weather"));

/** The error of a rejected SDK call. */
export async function catchError(
  promise: Promise<unknown>,
): Promise<InstanceType<typeof Anthropic.APIError>> {
  return await assertRejects(() => promise, Anthropic.APIError);
}
