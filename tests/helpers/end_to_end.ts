/**
 * Sends requests over a socket through the proxy to a raw upstream, and checks the responses: a stream has the
 * grammar of Anthropic's API, and an error its format.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { checkGrammar } from "./grammar.ts";
import {
  requestBody,
  type RunningProxy,
  SERVER_KEY,
  startProxy,
  type TestOptions,
} from "./proxy.ts";
import {
  LAST_CHUNK,
  type RawOptions,
  rawResponse,
  type RawScript,
  type RawUpstream,
  startRawUpstream,
  STREAM_HEADERS,
} from "./raw_upstream.ts";
import { parseSse } from "./sse.ts";
import { completion, sse, sseAnswer } from "./chunks.ts";

/** A response as the client received it. */
export interface Outcome {
  status: number;
  headers: Headers;
  text: string;
  /** The events of a stream; otherwise empty. */
  events: StreamEvent[];
  /** `type: message` of an error response or a last error event, or "". */
  error: string;
  /** All text of the message, or "". */
  content: string;
  /** The message, possibly incomplete. */
  message: Message | null;
}

export const STREAM = requestBody({ stream: true });

/** Sends one request through a new proxy to a new upstream. */
export async function sendThrough(
  script: RawScript,
  options: RawOptions & { request?: unknown; env?: TestOptions["env"] } = {},
): Promise<Outcome> {
  await using upstream = startRawUpstream(script, options);
  await using proxy = startProxy({ upstream, ...(options.env && { env: options.env }) });
  return await sendTo(proxy, options.request ?? STREAM);
}

/** Sends a stream of these chunks with a complete HTTP body. */
export function streamChunks(...chunks: (Record<string, unknown> | string)[]): RawScript {
  return async (call) => {
    await call.send(STREAM_HEADERS);
    for (const chunk of chunks) await call.chunk(sse(chunk));
    await call.send(LAST_CHUNK);
  };
}

/** Sends "Hi" as a stream or as JSON, as requested. */
export const replyHi: RawScript = ({ send, body }) =>
  send(
    body["stream"]
      ? rawResponse(200, sseAnswer("Hi"), { "content-type": "text/event-stream" })
      : rawResponse(200, JSON.stringify(completion("Hi"))),
  );

/** A listening proxy in front of a raw upstream, for tests that use both. */
export function startHarness(
  script: RawScript,
  env?: TestOptions["env"],
): { upstream: RawUpstream; proxy: RunningProxy } & AsyncDisposable {
  const upstream = startRawUpstream(script);
  const proxy = startProxy({ upstream, ...(env && { env }) });
  return {
    upstream,
    proxy,
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await proxy.stop();
    },
  };
}

/** Sends one request to a proxy. */
export async function sendTo(proxy: { url: string }, body: unknown): Promise<Outcome> {
  const response = await fetch(`${proxy.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return readResponse(response, await response.text());
}

/** Reads and checks a response: a stream, a message, or an error. */
export function readResponse(
  response: { status: number; headers: Headers },
  text: string,
): Outcome {
  const { status, headers } = response;
  const outcome: Outcome = {
    status,
    headers,
    text,
    events: [],
    error: "",
    content: "",
    message: null,
  };
  if ((headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    const sent = parseSse(text);
    assert(sent.every((event) => event.isWhole), "The client received an incomplete event");
    outcome.events = sent.map(({ data }) => JSON.parse(data));
    checkGrammar(outcome.events);
    outcome.message = collectMessage(outcome.events);
    const last = outcome.events.at(-1);
    if (last?.type === "error") outcome.error = `${last.error.type}: ${last.error.message}`;
  } else {
    const body = JSON.parse(text);
    if (status === 200) outcome.message = body;
    else {
      assertEquals([body.type, body.request_id], ["error", headers.get("request-id")]);
      outcome.error = `${body.error.type}: ${body.error.message}`;
    }
  }
  for (const block of outcome.message?.content ?? []) {
    if (block.type === "text") outcome.content += block.text;
  }
  return outcome;
}

/** Checks status and start of `type: message`, and that the response contains no key, stack trace, path or URL. */
export function assertError(outcome: Outcome, status: number, start: string): void {
  assertEquals(outcome.status, status, outcome.text);
  assert(outcome.error.startsWith(start), outcome.error);
  assertEquals(outcome.text.includes(SERVER_KEY), false);
  assertEquals(/\n\s+at |file:\/\/|:\/\/127\.0\.0\.1/.test(outcome.text), false, outcome.text);
}
