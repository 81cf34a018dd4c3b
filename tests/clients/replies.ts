/**
 * Replies of a scripted model: functions from a chat request to the upstream response, streamed or JSON as requested.
 * Reads what a request contains, too. Knows OpenRouter's wire format, not the proxy.
 * @module
 */

import type { JsonObject } from "../../lib/json.ts";
import type { ChatMessage, ChatRequest } from "../../lib/openrouter/types.ts";
import {
  deltaChunk,
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { errorBody, eventStream } from "../helpers/upstream.ts";

/** Responds to one chat request. */
export type ChatReply = (request: ChatRequest) => Response | Promise<Response>;

/** A tool call of the model. */
export interface ToolCall {
  name: string;
  /** Arguments; a string is sent unchanged, whether it is JSON or not. */
  input: JsonObject | string;
  id?: string;
}

/** How a stream arrives and ends. */
export interface Delivery {
  /** Milliseconds before the first piece. */
  delayMs?: number;
  /** The connection is reset instead of closed. */
  isReset?: boolean;
}

/** Text, with finish reason `stop`. */
export function textReply(text: string): ChatReply {
  return messageReply({ text });
}

/** Tool calls, in this order, in one turn. */
export function toolCallReply(...calls: ToolCall[]): ChatReply {
  return messageReply({ calls });
}

/** Text, then calls. The finish reason is derived from them unless given. */
export function messageReply(
  { text = "", calls = [], finish, usage }: {
    text?: string;
    calls?: ToolCall[];
    finish?: string;
    usage?: JsonObject;
  },
): ChatReply {
  const reason = finish ?? (calls.length > 0 ? "tool_calls" : "stop");
  return ({ stream }) => {
    const callsWithId = calls.map((call) => ({ ...call, id: call.id ?? newCallId() }));
    const tokens = usage ?? usageChunk()["usage"];
    if (!stream) {
      return Response.json(buildCompletion({ text, calls: callsWithId, reason, usage: tokens }));
    }
    return streamResponse([
      sse(roleChunk()),
      ...(text === "" ? [] : [sse(textChunk(text))]),
      ...callsWithId.flatMap(buildCallEvents),
      sse(finishChunk(reason), { ...usageChunk(), usage: tokens }, "[DONE]"),
    ]);
  };
}

/** A call with these arguments, finish reason and native finish reason. */
export function malformedCallReply(
  name: string,
  input: string,
  finish: string,
  native?: string,
): ChatReply {
  const call = { name, input };
  const finishJson = JSON.stringify(finishChunk(finish)).replace(
    '"native_finish_reason":null',
    `"native_finish_reason":${JSON.stringify(native ?? null)}`,
  );
  return (request) => {
    if (!request.stream) return messageReply({ calls: [call], finish })(request);
    return streamResponse([
      sse(roleChunk()),
      ...buildCallEvents(call, 0),
      sse(finishJson, usageChunk(), "[DONE]"),
    ]);
  };
}

/** One reply for each distinct conversation, in order of appearance; a repeated conversation gets the same reply. */
export function memoizedReplies(...replies: ChatReply[]): ChatReply {
  const conversations: string[] = [];
  return (request) => {
    const conversation = JSON.stringify(request.messages);
    if (!conversations.includes(conversation)) conversations.push(conversation);
    const reply = replies[conversations.indexOf(conversation)];
    return (reply ?? textReply("No more replies"))(request);
  };
}

/** An error status with OpenRouter's error body. */
export function errorReply(
  status: number,
  message: string,
  { more, headers = {} }: { more?: JsonObject; headers?: Record<string, string> } = {},
): ChatReply {
  return () => {
    const response = errorBody(status, message, more);
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  };
}

/** An error page of a gateway between the proxy and upstream. */
export function htmlErrorReply(status: number, html: string): ChatReply {
  return () => new Response(html, { status, headers: { "content-type": "text/html" } });
}

/** Part of a text, then a provider error, streamed or as JSON. */
export function interruptedReply(message: string): ChatReply {
  return ({ stream }) => {
    const error = { code: 502, message };
    if (!stream) {
      const message = { role: "assistant", content: "Half an" };
      return Response.json({ choices: [{ index: 0, message, finish_reason: "error", error }] });
    }
    return streamResponse([sse(roleChunk(), textChunk("Half an answer")), sse(errorChunk(error))]);
  };
}

/** These pieces for a streaming request; the other reply for a request without `stream`. */
export function streamOr(
  pieces: Piece[],
  otherwise: ChatReply,
  delivery: Delivery = {},
): ChatReply {
  return (request) => request.stream ? streamResponse(pieces, delivery) : otherwise(request);
}

/** A JSON response whose body ends before the JSON does. */
export const truncatedJsonReply: ChatReply = () =>
  new Response('{"id":"gen-1","choices":[{"message":{"role":"assi', {
    headers: { "content-type": "application/json" },
  });

type Piece = string | Uint8Array<ArrayBuffer>;

/** Sends each piece after a pause, so that the proxy usually receives it with a separate read. */
export function streamResponse(
  pieces: Piece[],
  { delayMs = 0, isReset = false }: Delivery = {},
): Response {
  const remaining = pieces.map((piece) =>
    typeof piece === "string" ? new TextEncoder().encode(piece) : piece
  );
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      await delay(remaining.length === pieces.length ? delayMs : 5);
      const piece = remaining.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (isReset) controller.error("Reset by the test");
      else controller.close();
    },
  }, { highWaterMark: 0 });
  return eventStream(body);
}

/** The events of one call: the name, then its arguments in two deltas. */
export function buildCallEvents(call: ToolCall, index: number): string[] {
  const deltas = splitArguments(call.input).map((part) => callDeltaEvent(part, index));
  return [callStartEvent(call, index), ...deltas];
}

/** The first delta of a call, with id and name. */
export function callStartEvent({ name, id }: ToolCall, index: number): string {
  return callEvent({ index, id: id ?? newCallId(), type: "function", function: { name } });
}

/** A delta of a call's arguments. */
export function callDeltaEvent(text: string, index: number): string {
  return callEvent({ index, function: { arguments: text } });
}

/** A call's arguments as JSON, split in the middle. */
export function splitArguments(input: ToolCall["input"]): [string, string] {
  const json = toArguments(input);
  const middle = Math.ceil(json.length / 2);
  return [json.slice(0, middle), json.slice(middle)];
}

/** An event with any delta. */
export function deltaEvent(delta: JsonObject): string {
  return sse(deltaChunk(delta));
}

/** The text of a message; other parts as their type in brackets. */
export function readText({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.type === "text" ? part.text : `[${part.type}]`)
    .join("\n");
}

/** The text of a request's messages, of one role or of all. */
export function readTexts(request?: ChatRequest, role?: ChatMessage["role"]): string {
  return (request?.messages ?? []).filter((message) => role === undefined || message.role === role)
    .map(readText).join("\n");
}

/** The last tool result in a request. */
export function readLastResult(request?: ChatRequest): string {
  const last = request?.messages.findLast((message) => message.role === "tool");
  return last === undefined ? "" : readText(last);
}

/** The call id, command and result of each shell command in a request. */
export function listCommandResults(
  { messages }: ChatRequest,
): [id: string, command: string, result: string][] {
  const results: [string, string, string][] = [];
  let commands = new Map<string, string>();
  for (const message of messages) {
    if (message.role === "assistant") {
      const calls = message.tool_calls ?? [];
      commands = new Map(
        calls.map((call) => [call.id, JSON.parse(call.function.arguments).command]),
      );
      if (commands.size !== calls.length) throw new Error("Two calls of a turn share an id");
    } else if (message.role === "tool") {
      const command = commands.get(message.tool_call_id) ?? "a call of another turn";
      results.push([message.tool_call_id, command, readText(message).trim()]);
    }
  }
  return results;
}

function callEvent(call: JsonObject): string {
  return deltaEvent({ tool_calls: [call] });
}

function buildCompletion(
  { text, calls, reason, usage }: {
    text: string;
    calls: (ToolCall & { id: string })[];
    reason: string;
    usage: unknown;
  },
): JsonObject {
  const toolCalls = calls.map(({ id, name, input }) => ({
    id,
    type: "function",
    function: { name, arguments: toArguments(input) },
  }));
  const message = {
    role: "assistant",
    content: text === "" ? null : text,
    tool_calls: toolCalls.length > 0 ? toolCalls : undefined,
  };
  return {
    id: "gen-1",
    object: "chat.completion",
    model: "anthropic/claude-4-sonnet",
    choices: [{ index: 0, message, finish_reason: reason }],
    usage,
  };
}

function toArguments(input: ToolCall["input"]): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

function newCallId(): string {
  return `call_${crypto.randomUUID().slice(0, 8)}`;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
