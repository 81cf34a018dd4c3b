/**
 * What the fault tests share: one request through a listening proxy, its outcome in a form to compare, and
 * the two claims that hold under every fault.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { collectMessage } from "../../lib/translate/response/message.ts";
import { checkGrammar } from "./grammar.ts";
import { ask, HELD_KEY, type RunningProxy, startProxy, type TestOptions } from "./proxy.ts";
import {
  LAST_CHUNK,
  type RawOptions,
  rawResponse,
  type RawScript,
  type RawUpstream,
  startRawUpstream,
  STREAM_HEAD,
} from "./raw_upstream.ts";
import { parseSse } from "./sse.ts";
import { completion, sse, sseAnswer } from "./chunks.ts";

/** What a client got. */
export interface Outcome {
  status: number;
  headers: Headers;
  text: string;
  /** Of a stream; [] for everything else. */
  events: StreamEvent[];
  /** `type: message` of an error body or of a last error event; "" for a success. */
  error: string;
  /** All text, or "" . */
  words: string;
  /** The message, as far as it came. */
  message: Message | null;
}

export const STREAM = ask({ stream: true });

/** One request to a proxy in front of a scripted upstream. Fails where the outcome is in nobody's grammar. */
export async function sendThrough(
  script: RawScript,
  options: RawOptions & { request?: unknown; env?: TestOptions["env"] } = {},
): Promise<Outcome> {
  await using upstream = startRawUpstream(script, options);
  await using proxy = startProxy({ upstream, ...(options.env && { env: options.env }) });
  return await sendTo(proxy, options.request ?? STREAM);
}

/** A whole stream of these chunks, ended as HTTP wants it. */
export function streamChunks(...chunks: (Record<string, unknown> | string)[]): RawScript {
  return async (call) => {
    await call.send(STREAM_HEAD);
    for (const chunk of chunks) await call.chunk(sse(chunk));
    await call.send(LAST_CHUNK);
  };
}

/** Answers "Hi" in the form that was asked for. */
export const replyHi: RawScript = ({ send, body }) =>
  send(
    body["stream"]
      ? rawResponse(200, sseAnswer("Hi"), { "content-type": "text/event-stream" })
      : rawResponse(200, JSON.stringify(completion("Hi"))),
  );

/** A listening proxy in front of a scripted upstream, for tests that look at both. */
export function startStage(
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

/** Asks a proxy over its socket. */
export async function sendTo(proxy: { url: string }, body: unknown): Promise<Outcome> {
  const response = await fetch(`${proxy.url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return readResponse(response, await response.text());
}

/** Reads an answer: a stream in the grammar, a message, or an error in Anthropic's envelope. */
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
    words: "",
    message: null,
  };
  if ((headers.get("content-type") ?? "").startsWith("text/event-stream")) {
    const sent = parseSse(text);
    assert(sent.every((event) => event.isWhole), "An event without its end reached the client");
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
    if (block.type === "text") outcome.words += block.text;
  }
  return outcome;
}

/** An error of a status whose `type: message` starts so, and that tells nobody about our inside. */
export function assertError(outcome: Outcome, status: number, start: string): void {
  assertEquals(outcome.status, status, outcome.text);
  assert(outcome.error.startsWith(start), outcome.error);
  assertEquals(outcome.text.includes(HELD_KEY), false);
  assertEquals(/\n\s+at |file:\/\/|127\.0\.0\.1/.test(outcome.text), false, outcome.text);
}
