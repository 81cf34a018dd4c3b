/**
 * Sends requests through the handler and returns the message, the events, or the upstream messages.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { completion, sseAnswer } from "./chunks.ts";
import { checkGrammar } from "./grammar.ts";
import { checkChatRequest } from "./openrouter_request_checker.ts";
import { call, createProxy, post, requestBody } from "./proxy.ts";
import { parseSse } from "./sse.ts";
import { eventStream, type Reply, startUpstream } from "./upstream.ts";

type Json = Record<string, unknown>;

/** A response, and the upstream bodies. */
interface Outcome {
  response: Response;
  text: string;
  /** The upstream bodies, all checked. */
  seen: Json[];
}

export const WEATHER = {
  name: "get_weather",
  description: "Returns the weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const replyHi: Reply = ({ body }) =>
  body["stream"] ? eventStream(sseAnswer("Hi there.")) : Response.json(completion("Hi there."));

/** Sends one request through the handler. */
export async function send(body: unknown, script: Reply = replyHi): Promise<Outcome> {
  await using upstream = startUpstream(script);
  const { handler } = createProxy({ upstream });
  const response = await call(handler, body instanceof Request ? body : post(body));
  const text = await response.text();
  const seen = upstream.requests.map(({ body }) => body);
  seen.forEach(checkChatRequest);
  return { response, text, seen };
}

/** The message that a request must return. */
export async function sendForMessage(body: Json, script?: Reply): Promise<Message> {
  const { response, text } = await send(body, script);
  assertEquals(response.status, 200, text);
  return JSON.parse(text);
}

/** The events of a streamed response, checked. */
export async function sendForEvents(body: Json, script?: Reply): Promise<StreamEvent[]> {
  const { response, text } = await send({ ...body, stream: true }, script);
  assertEquals(response.status, 200, text);
  const events = parseSse(text).map(({ data }) => JSON.parse(data));
  checkGrammar(events);
  return events;
}

/** The upstream messages for these messages. */
export async function sendForUpstreamMessages(
  messages: unknown[],
  more: Json = {},
): Promise<unknown> {
  const { response, text, seen: [seen] } = await send(requestBody({ messages, ...more }));
  assertEquals(response.status, 200, text);
  return seen?.["messages"];
}
