/**
 * A scripted model: a list of steps, each a function from a chat request to the upstream reply, which is streamed or
 * JSON as requested. Knows OpenRouter's wire format, not the proxy.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../lib/json.ts";
import type { ChatMessage, ChatRequest } from "../../lib/openrouter/types.ts";
import {
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { errorBody, eventStream } from "../helpers/upstream.ts";

/** One turn of the model. */
export type Step = (request: ChatRequest) => Response | Promise<Response>;

/** What a tool is called with. */
export interface Call {
  name: string;
  /** Arguments; a string goes out as it is, whether it is JSON or not. */
  input: JsonObject | string;
  id?: string;
}

/** How a stream arrives and ends. */
export interface Delivery {
  /** Milliseconds before the first piece. */
  delayMs?: number;
  /** The connection breaks instead of ending. */
  isCut?: boolean;
}

/** The model says this and is done. */
export function says(text: string): Step {
  return answers({ text });
}

/** The model calls these tools, in this order, in one turn. */
export function calls(...list: Call[]): Step {
  return answers({ calls: list });
}

/** Text, then calls; the finish reason follows from them unless given. */
export function answers(
  { text = "", calls = [], finish, usage }: {
    text?: string;
    calls?: Call[];
    finish?: string;
    usage?: JsonObject;
  },
): Step {
  const reason = finish ?? (calls.length > 0 ? "tool_calls" : "stop");
  return ({ stream }) => {
    const named = calls.map((call) => ({ ...call, id: call.id ?? newCallId() }));
    const spent = usage ?? usageChunk()["usage"];
    if (!stream) {
      return Response.json(buildCompletion({ text, calls: named, reason, usage: spent }));
    }
    return streams([
      sse(roleChunk()),
      ...(text === "" ? [] : [sse(textChunk(text))]),
      ...named.flatMap(buildCallChunks),
      sse(finishChunk(reason), { ...usageChunk(), usage: spent }, "[DONE]"),
    ]);
  };
}

/** A call that came so, with this finish reason, and with this one of the vendor's own. */
export function callsBadly(name: string, input: string, finish: string, native?: string): Step {
  const call = { name, input };
  const ended = JSON.stringify(finishChunk(finish)).replace(
    '"native_finish_reason":null',
    `"native_finish_reason":${JSON.stringify(native ?? null)}`,
  );
  return (request) => {
    if (!request.stream) return answers({ calls: [call], finish })(request);
    return streams([
      sse(roleChunk()),
      ...buildCallChunks(call, 0),
      sse(ended, usageChunk(), "[DONE]"),
    ]);
  };
}

/** A model that goes by the conversation alone: one that it has seen gets the answer that it got before. */
export function repeats(...steps: Step[]): Step {
  const seen: string[] = [];
  return (request) => {
    const said = JSON.stringify(request.messages);
    if (!seen.includes(said)) seen.push(said);
    return (steps[seen.indexOf(said)] ?? says("I have nothing more to say"))(request);
  };
}

/** An error before anything was said. */
export function fails(
  status: number,
  message: string,
  { more, headers = {} }: { more?: JsonObject; headers?: Record<string, string> } = {},
): Step {
  return () => {
    const response = errorBody(status, message, more);
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  };
}

/** A page of a machine between upstream and us. */
export function failsAsPage(status: number, html: string): Step {
  return () => new Response(html, { status, headers: { "content-type": "text/html" } });
}

/** Streamed and whole, the answer breaks off with an error of the provider. */
export function breaksOff(message: string): Step {
  return ({ stream }) => {
    const error = { code: 502, message };
    if (!stream) {
      const message = { role: "assistant", content: "Half an" };
      return Response.json({ choices: [{ index: 0, message, finish_reason: "error", error }] });
    }
    return streams([sse(roleChunk(), textChunk("Half an answer")), sse(errorChunk(error))]);
  };
}

/** These pieces of a stream where one is asked for; the other step where not. */
export function streamsOnly(pieces: Piece[], whole: Step, delivery: Delivery = {}): Step {
  return (request) => request.stream ? streams(pieces, delivery) : whole(request);
}

/** A plain answer whose body ends before its JSON does. */
export const breaksWhole: Step = () =>
  new Response('{"id":"gen-1","choices":[{"message":{"role":"assi', {
    headers: { "content-type": "application/json" },
  });

type Piece = string | Uint8Array<ArrayBuffer>;

/** Each piece is a read of its own at the other end, or nearly: a pause stands between them. */
export function streams(pieces: Piece[], { delayMs = 0, isCut = false }: Delivery = {}): Response {
  const left = pieces.map((piece) =>
    typeof piece === "string" ? new TextEncoder().encode(piece) : piece
  );
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      await pause(left.length === pieces.length ? delayMs : 5);
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (isCut) controller.error("cut by the script");
      else controller.close();
    },
  }, { highWaterMark: 0 });
  return eventStream(body);
}

/** The chunks of one call: the name, then its arguments in two pieces. */
export function buildCallChunks(call: Call, index: number): string[] {
  return [openCall(call, index), ...splitInput(call.input).map((part) => feedCall(part, index))];
}

/** The head of a call. */
export function openCall({ name, id }: Call, index: number): string {
  return callChunk({ index, id: id ?? newCallId(), type: "function", function: { name } });
}

/** A piece of a call's arguments. */
export function feedCall(text: string, index: number): string {
  return callChunk({ index, function: { arguments: text } });
}

/** Arguments as a model writes them, cut somewhere inside. */
export function splitInput(input: Call["input"]): [string, string] {
  const json = toArguments(input);
  const middle = Math.ceil(json.length / 2);
  return [json.slice(0, middle), json.slice(middle)];
}

/** The text of a message, whatever its shape. */
export function readText({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.type === "text" ? part.text : `[${part.type}]`)
    .join("\n");
}

/** All text of a request's messages, of one role or of all. */
export function readTexts(request?: ChatRequest, role?: ChatMessage["role"]): string {
  return (request?.messages ?? []).filter((message) => role === undefined || message.role === role)
    .map(readText).join("\n");
}

/** The last result of a tool that the request brings. */
export function readLastResult(request?: ChatRequest): string {
  const last = request?.messages.findLast((message) => message.role === "tool");
  return last === undefined ? "" : readText(last);
}

/** Commands with the ids and what came of each, as the model reads them. */
export function listEchoes(
  { messages }: ChatRequest,
): [id: string, command: string, result: string][] {
  const echoes: [string, string, string][] = [];
  let open = new Map<string, string>();
  for (const message of messages) {
    if (message.role === "assistant") {
      const made = message.tool_calls ?? [];
      open = new Map(made.map((call) => [call.id, JSON.parse(call.function.arguments).command]));
      if (open.size !== made.length) throw new Error("two calls of a turn share an id");
    } else if (message.role === "tool") {
      const command = open.get(message.tool_call_id) ?? "a call of another turn";
      echoes.push([message.tool_call_id, command, readText(message).trim()]);
    }
  }
  return echoes;
}

/** A chunk with any delta. */
export function deltaChunk(delta: JsonObject): string {
  const chunk: JsonObject = textChunk("");
  const [choice] = Array.isArray(chunk["choices"]) ? chunk["choices"] : [];
  if (!isJsonObject(choice)) throw new Error("textChunk has no choice");
  return sse({ ...chunk, choices: [{ ...choice, delta }] });
}

function callChunk(call: JsonObject): string {
  return deltaChunk({ tool_calls: [call] });
}

function buildCompletion(
  { text, calls, reason, usage }: {
    text: string;
    calls: (Call & { id: string })[];
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
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
  return {
    id: "gen-1",
    object: "chat.completion",
    model: "anthropic/claude-4-sonnet",
    choices: [{ index: 0, message, finish_reason: reason }],
    usage,
  };
}

function toArguments(input: Call["input"]): string {
  return typeof input === "string" ? input : JSON.stringify(input);
}

function newCallId(): string {
  return `call_${crypto.randomUUID().slice(0, 8)}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
