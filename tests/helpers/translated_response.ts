/**
 * Translates upstream responses through the handler with a fake `fetch`, so that bodies are read in exactly the
 * test's chunks.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Message, StreamEvent } from "../../lib/anthropic/types.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import { createHandler, type Handler } from "../../lib/server.ts";
import { deltaChunk, finishChunk, sse, usageChunk } from "./chunks.ts";
import { checkGrammar, collapse } from "./grammar.ts";
import { checkChatRequest } from "./openrouter_request_checker.ts";
import { call, createTestServices, post, requestBody } from "./proxy.ts";
import { chunkings, parseSse, toBody } from "./sse.ts";
import { eventStream } from "./upstream.ts";

type Json = Record<string, unknown>;

export type Fetch = (init: RequestInit) => Response | Promise<Response>;

/** A response in short: a line per block, then the stop reason or the error. */
export type Summary = string[];

/** The name of a test, upstream's chunks, and the response in short. */
export type StreamRow = [name: string, chunks: (Json | string)[], summary: Summary];

export const READ_TOOL = { name: "Read", input_schema: { type: "object", properties: {} } };

/** A handler with a fake `fetch`, so that the body is read in exactly the test's chunks. */
export function createHandlerWithFetch(respond: Fetch): Handler {
  const services = createTestServices();
  let violation: unknown;
  const fetcher: typeof fetch = async (_input, init = {}) => {
    try {
      checkChatRequest(JSON.parse(String(init.body)));
    } catch (error) {
      violation = error;
    }
    return await respond(init);
  };
  services.client = createClient(services.config, fetcher);
  const handler = createHandler(services);
  return async (request, peer) => {
    const response = await handler(request, peer);
    if (violation !== undefined) throw violation;
    return response;
  };
}

/** The text of a streamed response. */
export async function requestStream(respond: Fetch, request: Json = {}): Promise<string> {
  const body = requestBody({ tools: [READ_TOOL], stream: true, ...request });
  return await (await call(createHandlerWithFetch(respond), post(body))).text();
}

/** The events of a stream, checked and collapsed. */
export function parseEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = parseSse(text).map(({ name, data }) => {
    const event = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
  checkGrammar(events);
  return collapse(events);
}

/** The events that an upstream stream is translated to, which must be the same in every chunking. */
export async function translateStream(
  upstream: string,
  request: Json = {},
): Promise<StreamEvent[]> {
  const translations: StreamEvent[][] = [];
  for (const { chunks } of chunkings(upstream)) {
    translations.push(parseEvents(await requestStream(() => eventStream(toBody(chunks)), request)));
  }
  const [first = []] = translations;
  for (const other of translations) assertEquals(other, first);
  return first;
}

/** Status, type and message of an error response. */
export async function requestError(
  respond: Fetch,
  request: Json = {},
): Promise<[number, string, string]> {
  const response = await call(
    createHandlerWithFetch(respond),
    post(requestBody({ tools: [READ_TOOL], ...request })),
  );
  const { type, error } = await response.json();
  assertEquals(type, "error");
  return [response.status, error.type, error.message];
}

/** The message that a completion is translated to. */
export async function requestMessage(completion: Json): Promise<Message> {
  const respond = () => Response.json(completion);
  return await (await call(
    createHandlerWithFetch(respond),
    post(requestBody({ tools: [READ_TOOL] })),
  ))
    .json();
}

/** Events in short; an open block ends in "…". */
export function summarize(events: readonly StreamEvent[]): Summary {
  const summary: Summary = [];
  const add = (text: string) => summary.push(`${summary.pop()?.replace(/…$/, "")}${text}`);
  for (const event of events) {
    if (event.type === "content_block_start") summary.push(summarizeStart(event.content_block));
    else if (event.type === "content_block_delta") add(`${Object.values(event.delta)[1]}…`);
    else if (event.type === "content_block_stop") add("");
    else if (event.type === "message_delta") summary.push(`= ${event.delta.stop_reason}`);
    else if (event.type === "error") summary.push(`! ${event.error.type}`);
  }
  return summary;
}

function summarizeStart(
  block: Extract<StreamEvent, { type: "content_block_start" }>["content_block"],
) {
  return block.type === "tool_use" ? `call ${block.id} ${block.name} …` : `${block.type} …`;
}

/** A tool call delta. */
export function toolCallDelta(index: number | undefined, args: string, start: Json = {}): Json {
  const { id, ...name } = start;
  return {
    ...(index !== undefined && { index }),
    ...(id !== undefined && { id, type: "function" }),
    function: { ...name, arguments: args },
  };
}

/** A chunk with tool call deltas. */
export const toolCallChunk = (...parts: Json[]) => deltaChunk({ tool_calls: parts });

export const idAndName = (id: string, name = "Read") => ({ id, name });

export const TOOL_CALLS_END = [finishChunk("tool_calls"), usageChunk(), "[DONE]"];

/** A body that fails after these chunks. */
export function failingBody(
  ...parts: (string | Uint8Array<ArrayBuffer>)[]
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const waiting = parts.values();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = waiting.next();
      if (done) controller.error(new TypeError("connection reset"));
      else controller.enqueue(typeof value === "string" ? new TextEncoder().encode(value) : value);
    },
  });
}

/** One test for each row. @param request fields of the client's request */
export function testStreams(rows: readonly StreamRow[], request?: Json): void {
  for (const [name, chunks, summary] of rows) {
    Deno.test(name, async () => {
      assertEquals(summarize(await translateStream(sse(...chunks), request)), summary);
    });
  }
}
