/**
 * A simulated OpenRouter on a loopback port, for the demo. Gives the replies of replies.ts OpenRouter's format:
 * chunks, usage, comments, HTTP.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { Chunk, Delta, ReasoningDetail } from "../../openrouter/types.ts";
import { describeModel, findPrice, MODELS } from "./models.ts";
import { type ChatReply, createReply, type ErrorReply, errorReply, PROVIDER } from "./replies.ts";
import { CHARS_PER_TOKEN } from "../../translate/token_calibration.ts";

/** Metadata of one reply. */
export interface ReplyMeta {
  id: string;
  /** Seconds since the epoch. */
  created: number;
  /** Length of the request body, from which the prompt tokens are estimated. */
  promptChars: number;
}

/** A listening upstream. */
export interface FakeOpenRouter {
  /** The value for OPENROUTER_BASE_URL. */
  baseUrl: string;
  /** Stops it at once. May be called again. */
  stop(): Promise<void>;
}

const BASE_PATH = "/api/v1";
const COMMENT = ": OPENROUTER PROCESSING\n\n";
const DONE = "data: [DONE]\n\n";
const CLAUDE_FORMAT = "anthropic-claude-v1";
const encoder = new TextEncoder();

/** Response of `GET /key` for every key. */
const KEY_FACTS = { label: "simulated", limit: null, limit_remaining: null, is_free_tier: false };

/**
 * Starts listening on 127.0.0.1, any free port.
 * @param options `pauseMs`: pause before every chunk, so that the stream is visible
 */
export function startFakeOpenRouter({ pauseMs = 0 }: { pauseMs?: number } = {}): FakeOpenRouter {
  const controller = new AbortController();
  const { signal } = controller;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal, onListen: () => {}, onError: toServerError },
    (request) => handle(request, pauseMs),
  );
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}${BASE_PATH}`,
    stop() {
      // Not `shutdown`, which on Deno 2.5 may wait for a connection for ever.
      controller.abort();
      return server.finished;
    },
  };
}

async function handle(request: Request, pauseMs: number): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case `GET ${BASE_PATH}/models`:
      return Response.json({ data: MODELS.map(describeModel), total_count: MODELS.length });
    case `GET ${BASE_PATH}/key`:
      return hasKey(request) ? Response.json({ data: KEY_FACTS }) : createKeyError();
    case `POST ${BASE_PATH}/chat/completions`:
      return await handleChat(request, pauseMs);
    default:
      await request.body?.cancel();
      return toErrorResponse(errorReply(STATUS_CODE.NotFound, "Simulated: no such endpoint"));
  }
}

async function handleChat(request: Request, pauseMs: number): Promise<Response> {
  const text = await request.text();
  if (!hasKey(request)) return createKeyError();
  const body = parseJson(text);
  const reply = createReply(body);
  if (reply.type === "error") return toErrorResponse(reply);
  const created = Math.floor(Date.now() / 1000);
  const id = `gen-${created}-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  const meta: ReplyMeta = { id, created, promptChars: text.length };
  const headers = { "x-generation-id": id };
  if (isJsonObject(body) && body["stream"] === true) {
    const stream = pace(toFrames(reply, meta), pauseMs);
    return new Response(stream, { headers: { ...headers, "content-type": "text/event-stream" } });
  }
  const completion = JSON.stringify(toCompletion(reply, meta));
  const cut = reply.ending === "cut" ? completion.slice(0, completion.length / 2) : completion;
  return new Response(cut, { headers: { ...headers, "content-type": "application/json" } });
}

function hasKey(request: Request): boolean {
  return /^Bearer \S+$/.test(request.headers.get("authorization") ?? "");
}

function createKeyError(): Response {
  return toErrorResponse(errorReply(STATUS_CODE.Unauthorized, "Simulated: no bearer key"));
}

/** Creates a completion. A failing one is an error with status 200, as OpenRouter sends it. */
export function toCompletion(reply: ChatReply, meta: ReplyMeta): JsonObject {
  if (reply.ending === "error") return { ...createLateError().body };
  const details = reply.reasoning === "" ? undefined : [
    { ...toDetail({ text: reply.reasoning }), signature: createSignature(reply) },
  ];
  const message = {
    role: "assistant",
    content: reply.call === null ? reply.text : null,
    refusal: null,
    reasoning: reply.reasoning || null,
    reasoning_details: details,
    tool_calls: reply.call === null
      ? undefined
      : [{ index: 0, id: toCallId(meta), type: "function", function: reply.call }],
  };
  const choice = { index: 0, logprobs: null, ...toFinish(reply), message };
  return {
    ...toMetadata(reply, meta),
    object: "chat.completion",
    choices: [choice],
    usage: countUsage(reply, meta),
  };
}

/** The events of a stream, encoded as SSE. */
export function toFrames(reply: ChatReply, meta: ReplyMeta): string[] {
  const frames = toChunks(reply, meta).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const [first = "", ...rest] = frames;
  // OpenRouter sends comments before the first chunk and between chunks.
  const all = [COMMENT, COMMENT, first, COMMENT, ...rest];
  return reply.ending === "cut" ? all : [...all, DONE];
}

/**
 * Creates the chunks of a stream in OpenRouter's order: reasoning, its signature, text or a tool call, the finish
 * reason, and the finish reason again with the usage. A failing reply ends within its text.
 */
export function toChunks(reply: ChatReply, meta: ReplyMeta): Chunk[] {
  const common = { ...toMetadata(reply, meta), object: "chat.completion.chunk" };
  const unfinished = { finish_reason: null, native_finish_reason: null };
  const toChunk = (delta: Delta, finish: object = unfinished) => ({
    ...common,
    choices: [{ index: 0, delta: { role: "assistant", ...delta }, ...finish }],
  });
  const reasoning = toReasoningDeltas(reply).map((delta) => toChunk(delta));
  const content = toContentDeltas(reply, meta).map((delta) => toChunk(delta));
  if (reply.ending !== "complete") {
    const half = [...reasoning, ...content.slice(0, Math.ceil(content.length / 2))];
    if (reply.ending === "cut") return half;
    const error = toChunk({ content: "" }, { finish_reason: "error" });
    return [...half, { ...error, ...createLateError().body }];
  }
  const finish = toFinish(reply);
  return [
    ...reasoning,
    ...content,
    toChunk({ content: "", reasoning: null }, finish),
    { ...toChunk({ content: "" }, finish), usage: countUsage(reply, meta) },
  ];
}

/** Reasoning in pieces of a few words, then the signature alone, as OpenRouter streams Claude's. */
function toReasoningDeltas(reply: ChatReply): Delta[] {
  if (reply.reasoning === "") return [];
  const texts = splitWords(reply.reasoning, 4).map((text) => ({
    content: "",
    reasoning: text,
    reasoning_details: [toDetail({ text })],
  }));
  const signature = { signature: createSignature(reply) };
  return [...texts, { content: "", reasoning_details: [toDetail(signature)] }];
}

/** Text in pieces of a few words, or the tool call: its name, an empty fragment, its arguments. */
function toContentDeltas(reply: ChatReply, meta: ReplyMeta): Delta[] {
  if (reply.call === null) return splitWords(reply.text, 3).map((content) => ({ content }));
  const { name, arguments: json } = reply.call;
  const half = Math.ceil(json.length / 2);
  const first = { id: toCallId(meta), type: "function", function: { name, arguments: "" } };
  const rest = ["", json.slice(0, half), json.slice(half)].map((part) => ({
    function: { arguments: part },
  }));
  return [first, ...rest].map((call) => ({
    content: null,
    tool_calls: [{ index: 0, ...call }],
  }));
}

function splitWords(text: string, words: number): string[] {
  return text.match(new RegExp(`\\s*(?:\\S+\\s*){1,${words}}`, "g")) ?? [];
}

function toDetail(content: Pick<ReasoningDetail, "text" | "signature">): ReasoningDetail {
  return { type: "reasoning.text", ...content, format: CLAUDE_FORMAT, index: 0 };
}

/** Base64 like a real signature; decoded, it says that it is simulated. */
function createSignature(reply: ChatReply): string {
  return btoa(`simulated signature of ${reply.reasoning.length} characters of reasoning`);
}

function toMetadata(reply: ChatReply, { id, created }: ReplyMeta) {
  return { id, created, model: reply.model, provider: PROVIDER };
}

function toFinish({ finishReason, nativeFinishReason }: ChatReply) {
  return { finish_reason: finishReason, native_finish_reason: nativeFinishReason };
}

function toCallId({ id }: ReplyMeta): string {
  return `toolu_${id.split("-").at(-1)}`;
}

function countUsage(reply: ChatReply, { promptChars }: ReplyMeta) {
  const reasoning = countTokens(reply.reasoning.length);
  const prompt = countTokens(promptChars);
  const contentChars = reply.text.length + (reply.call?.arguments.length ?? 0);
  const completion = reasoning + countTokens(contentChars);
  const price = findPrice(reply.model);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    cost: (prompt * price.prompt + completion * price.completion) / 1e6,
    is_byok: false,
    prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function countTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

/** The error of a reply that fails after its start. */
function createLateError(): ErrorReply {
  return errorReply(STATUS_CODE.BadGateway, "Simulated: the response failed, as requested");
}

/** For a request whose body cannot be read; the runtime would print the error in the demo's output. */
function toServerError(): Response {
  return toErrorResponse(errorReply(STATUS_CODE.InternalServerError, "Simulated: cannot read"));
}

function toErrorResponse({ status, headers, body }: ErrorReply): Response {
  return Response.json(body, { status, headers });
}

/** A body that sends a frame after each pause. Cancelling it ends the pause. */
function pace(frames: readonly string[], pauseMs: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const remaining = frames.values();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = () =>
    new Promise((resolve) => {
      timer = setTimeout(resolve, pauseMs);
    });
  return new ReadableStream({
    async pull(controller) {
      if (pauseMs > 0) await pause();
      const { value, done } = remaining.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => clearTimeout(timer),
  });
}
