/**
 * Vercel's AI SDK with the running proxy and a fake upstream. The SDK checks every field of a response against a schema,
 * like other clients with strict types.
 * @module
 */

import { assert, assertRejects } from "@std/assert";
import { APICallError, createAnthropic, jsonSchema, tool } from "../helpers/ai_sdk.ts";
import { checkChatRequest } from "../helpers/openrouter_request_checker.ts";
import { startProxy } from "../helpers/proxy.ts";
import { messageCompletion, SIGNATURE, sse, sseTwoCalls } from "../helpers/chunks.ts";
import { eventStream, type Reply, startUpstream, type Upstream } from "../helpers/upstream.ts";

/** Upstream, proxy and the SDK's model. Dispose it with `await using`. */
export interface Harness extends AsyncDisposable {
  model: ReturnType<ReturnType<typeof createAnthropic>>;
  upstream: Upstream;
}

/** The model of every request. */
export const MODEL = "claude-sonnet-5";
/** The JSON schema of a city. */
export const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
} as const;
/** The same, typed for the SDK. */
export const citySchema = jsonSchema<{ city: string }>({ ...CITY, required: ["city"] });
/** A tool that the SDK runs. */
export const weather = tool({
  description: "Returns the weather",
  inputSchema: citySchema,
  execute: ({ city }) => `30 °C in ${city}`,
});

/** Starts upstream, proxy and model. Every upstream request must be valid. */
export function startHarness(
  replies: Reply | Reply[],
  env: Record<string, string> = {},
): Harness {
  const upstream = startUpstream(replies);
  const proxy = startProxy({ upstream, env });
  return {
    upstream,
    model: createAnthropic({ baseURL: `${proxy.url}/v1`, apiKey: "sk-ant-from-the-client" })(MODEL),
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await upstream[Symbol.asyncDispose]();
      for (const { path, body } of upstream.requests) {
        if (path.endsWith("/chat/completions")) checkChatRequest(body);
      }
    },
  };
}

/** A completion with reasoning and calls. */
export function callCompletion(cities: string[]): Record<string, unknown> {
  return messageCompletion({
    content: null,
    reasoning_details: [
      {
        type: "reasoning.text",
        text: "Look.",
        signature: SIGNATURE,
        format: "anthropic-claude-v1",
      },
    ],
    tool_calls: cities.map((city) => ({
      id: `call_${city.toLowerCase()}`,
      type: "function",
      function: { name: "weather", arguments: JSON.stringify({ city }) },
    })),
  }, "tool_calls");
}

/** A stream with reasoning, text and two interleaved calls of the tool. */
export const TWO_CALLS = sseTwoCalls("weather");

/** A JSON response. */
export const jsonReply = (body: Record<string, unknown>): Reply => () => Response.json(body);

/** A stream of chunks. */
export const streamReply = (...chunks: Parameters<typeof sse>): Reply => () =>
  eventStream(sse(...chunks));

/** Errors are parts of the stream: nothing is thrown or printed. */
export const QUIET = { maxRetries: 0, onError: () => {} };

/** The error of a call that upstream rejects. */
export async function catchCallError(promise: PromiseLike<unknown>): Promise<APICallError> {
  const error = await assertRejects(async () => await promise);
  assert(APICallError.isInstance(error), String(error));
  return error;
}
