/**
 * The proxy in front of a recording, and the official SDK in front of the proxy, all in one process.
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

/** What upstream answers with. */
export interface Recording extends Pick<Exchange, "status" | "contentType"> {
  /** The body, in the pieces in which it arrives. */
  pieces: Uint8Array<ArrayBuffer>[];
}

/** What there is to see of one answer. */
export interface Seen {
  /** What upstream was sent. */
  sent: JsonObject | null;
  /** Paths in `x-proxy-dropped`. */
  dropped: string[];
  status: number;
  /** The events of a stream, as they were sent. */
  events: StreamEvent[];
  /** What the SDK returned; null where it threw. */
  message: Anthropic.Message | null;
  error: InstanceType<typeof Anthropic.APIError> | null;
  /** Whether the SDK's accumulator gave up on arguments that are not valid JSON, as it does with Anthropic's own. */
  isUnparsable: boolean;
}

/** A request of the SDK's, without `stream`. */
export type Params = JsonObject & { stream?: boolean };

/** How the proxy is set up. */
export interface Setup {
  dialect: Dialect;
  /** Where every model name goes. */
  target: string;
}

const TARGETS = ["DEFAULT", "OPUS", "BIG", "SMALL", "FABLE"];

/** The shortest answer, where only the request matters. */
export const ANSWER: Recording = {
  status: 200,
  contentType: "application/json",
  pieces: whole(JSON.stringify({
    choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  })),
};

/** Sends a request through the proxy with the SDK; upstream answers with the recording. */
export async function send(params: Params, recording: Recording, setup: Setup): Promise<Seen> {
  const seen: Seen = {
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
    // Without one the SDK refuses long answers that are not streamed.
    timeout: 60_000,
    fetch: async (url, init) => {
      const { response, text } = await proxy.call(toRequest(url, init));
      seen.status = response.status;
      seen.dropped = readDropped(response);
      seen.events = readEvents(text);
      return new Response(text, response);
    },
  });
  await ask(client, params, seen);
  return { ...seen, sent: proxy.sent() };
}

/** The SDK's own types of a request differ from the runtime's, and from each other on Deno 2.5. */
function toRequest(url: unknown, init: object = {}): Request {
  return new Request(String(url), init);
}

/** Names in `x-proxy-dropped`. */
export function readDropped({ headers }: Response): string[] {
  return headers.get("x-proxy-dropped")?.split(", ") ?? [];
}

/** A proxy whose upstream answers with a recording, and what it sent there last. */
export interface ReplayProxy {
  call(request: Request): Promise<{ response: Response; text: string }>;
  sent(): JsonObject | null;
}

/** The handler with the real client; only `fetch` is a stand-in. */
export function createReplayProxy(recording: Recording, setup: Setup): ReplayProxy {
  const { services, handler } = createProxy({
    env: {
      UPSTREAM_DIALECT: setup.dialect,
      ...Object.fromEntries(TARGETS.map((name) => [`TARGET_MODEL_${name}`, setup.target])),
    },
  });
  let sent: JsonObject | null = null;
  const answer = (_url: unknown, init?: RequestInit) => {
    const body: unknown = JSON.parse(String(init?.body));
    if (isJsonObject(body)) sent = body;
    return Promise.resolve(toResponse(recording));
  };
  Object.assign(services.client, createClient(services.config, answer));
  return {
    async call(request) {
      const response = await call(handler, request);
      return { response, text: await response.text() };
    },
    sent: () => sent,
  };
}

/** Recorded requests are of many versions, with keys that the SDK's types do not know. */
async function ask(client: Anthropic, params: Params, seen: Seen): Promise<void> {
  const body: Anthropic.MessageCreateParamsNonStreaming = JSON.parse(JSON.stringify(params));
  try {
    seen.message = params.stream
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body);
  } catch (error) {
    if (error instanceof Anthropic.APIError) seen.error = error;
    else if (!isParseError(error)) throw error;
    else {
      seen.isUnparsable = true;
      seen.message = collectMessage(seen.events);
    }
  }
}

function isParseError(error: unknown): boolean {
  return error instanceof Anthropic.AnthropicError && /JSON/.test(error.message);
}

/** What a client keeps that reads the events by itself; the input of calls stays as it was started. */
function collectMessage(events: readonly StreamEvent[]): Anthropic.Message | null {
  const [head] = events;
  if (head?.type !== "message_start") return null;
  const message: Anthropic.Message = JSON.parse(JSON.stringify(head.message));
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
