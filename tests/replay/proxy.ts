/**
 * Sends requests with the official SDK through the proxy, with a recording as upstream, in one process.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { call, createProxy, ORIGIN } from "../helpers/proxy.ts";
import { Anthropic } from "../helpers/sdk.ts";
import { parseSse, toBody } from "../helpers/sse.ts";
import { whole } from "./pieces.ts";
import type { Exchange } from "./recorded.ts";

export type Dialect = "openrouter" | "openai";

/** The upstream response. */
export interface Recording extends Pick<Exchange, "status" | "contentType"> {
  /** The chunks of the body. */
  pieces: Uint8Array<ArrayBuffer>[];
}

/** The observable result of one request. */
export interface ReplayResult {
  /** The body sent upstream. */
  sent: JsonObject | null;
  /** Paths in `x-proxy-dropped`. */
  dropped: string[];
  status: number;
  /** The events of a stream, as sent to the client. */
  events: StreamEvent[];
  /** The message returned by the SDK; null if it threw. */
  message: Anthropic.Message | null;
  error: InstanceType<typeof Anthropic.APIError> | null;
  /** Whether the SDK failed to parse tool arguments, as it does for Anthropic's own. */
  isUnparsable: boolean;
}

/** The parameters of an SDK request. */
export type Params = JsonObject & { stream?: boolean };

/** The configuration of the proxy. */
export interface Setup {
  dialect: Dialect;
  /** The upstream model for every requested model. */
  target: string;
}

const TARGETS = ["DEFAULT", "OPUS", "BIG", "SMALL", "FABLE"];

/** A minimal response, for tests of the request alone. */
export const RESPONSE: Recording = {
  status: 200,
  contentType: "application/json",
  pieces: whole(JSON.stringify({
    choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  })),
};

/** Sends a request through the proxy with the SDK; upstream responds with the recording. */
export async function send(
  params: Params,
  recording: Recording,
  setup: Setup,
): Promise<ReplayResult> {
  const result: ReplayResult = {
    sent: null,
    dropped: [],
    status: 0,
    events: [],
    message: null,
    error: null,
    isUnparsable: false,
  };
  const proxy = createReplayProxy(recording, setup);
  const client = new Anthropic({
    apiKey: "sk-ant-of-the-client",
    baseURL: ORIGIN,
    maxRetries: 0,
    // Without a timeout the SDK rejects long non-streamed requests.
    timeout: 60_000,
    fetch: async (url, init) => {
      const { response, text } = await proxy.call(toRequest(url, init));
      result.status = response.status;
      result.dropped = readDropped(response);
      result.events = readEvents(text);
      return new Response(text, response);
    },
  });
  await request(client, params, result);
  return { ...result, sent: proxy.sent() };
}

/** The SDK's request types differ from the runtime's, and from each other on Deno 2.5. */
function toRequest(url: unknown, init: object = {}): Request {
  return new Request(String(url), init);
}

/** The paths in `x-proxy-dropped`. */
export function readDropped({ headers }: Response): string[] {
  return headers.get("x-proxy-dropped")?.split(", ") ?? [];
}

/** A proxy whose upstream responds with a recording. */
export interface ReplayProxy {
  call(request: Request): Promise<{ response: Response; text: string }>;
  /** The last body sent upstream. */
  sent(): JsonObject | null;
}

/** Creates the handler with the real client; only `fetch` is a fake. */
export function createReplayProxy(recording: Recording, setup: Setup): ReplayProxy {
  const { services, handler } = createProxy({
    env: {
      UPSTREAM_DIALECT: setup.dialect,
      ...Object.fromEntries(TARGETS.map((name) => [`TARGET_MODEL_${name}`, setup.target])),
    },
  });
  let sent: JsonObject | null = null;
  const fakeFetch = (_url: unknown, init?: RequestInit) => {
    const body: unknown = JSON.parse(String(init?.body));
    if (isJsonObject(body)) sent = body;
    return Promise.resolve(toResponse(recording));
  };
  Object.assign(services.client, createClient(services.config, fakeFetch));
  return {
    async call(request) {
      const response = await call(handler, request);
      return { response, text: await response.text() };
    },
    sent: () => sent,
  };
}

/** Recorded requests are of many versions, with keys that the SDK's types lack. */
async function request(client: Anthropic, params: Params, result: ReplayResult): Promise<void> {
  const body: Anthropic.MessageCreateParamsNonStreaming = JSON.parse(JSON.stringify(params));
  try {
    result.message = params.stream
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body);
  } catch (error) {
    if (error instanceof Anthropic.APIError) result.error = error;
    else if (!isParseError(error)) throw error;
    else {
      result.isUnparsable = true;
      result.message = collectMessage(result.events);
    }
  }
}

function isParseError(error: unknown): boolean {
  return error instanceof Anthropic.AnthropicError && /JSON/.test(error.message);
}

/** Collects the message without the SDK; tool inputs stay empty. */
function collectMessage(events: readonly StreamEvent[]): Anthropic.Message | null {
  const [start] = events;
  if (start?.type !== "message_start") return null;
  const message: Anthropic.Message = JSON.parse(JSON.stringify(start.message));
  for (const event of events) {
    const block = message.content.at(-1);
    if (event.type === "content_block_start") message.content.push(clone(event.content_block));
    else if (event.type === "message_delta") {
      Object.assign(message, event.delta, { usage: { ...message.usage, ...event.usage } });
    } else if (event.type !== "content_block_delta") continue;
    else if (event.delta.type === "text_delta" && block?.type === "text") {
      block.text += event.delta.text;
    } else if (event.delta.type === "thinking_delta" && block?.type === "thinking") {
      block.thinking += event.delta.thinking;
    }
  }
  return message;
}

function clone(block: unknown): Anthropic.ContentBlock {
  return JSON.parse(JSON.stringify(block));
}

function toResponse({ status, contentType, pieces }: Recording): Response {
  return new Response(toBody(pieces), { status, headers: { "content-type": contentType } });
}

function readEvents(text: string): StreamEvent[] {
  if (!text.startsWith("event:")) return [];
  return parseSse(text).map(({ data }) => JSON.parse(data));
}
