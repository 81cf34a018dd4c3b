/**
 * The embedded upstream: a small simulated OpenRouter on a loopback port of its own, for the demo.
 * What it says is in script.ts; here it gets OpenRouter's form: chunks, usage, comments, HTTP.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { Chunk, Delta, ReasoningDetail } from "../../openrouter/types.ts";
import { type ChatReply, createReply, type ErrorReply, errorReply, PROVIDER } from "./replies.ts";
import { CHARS_PER_TOKEN } from "../../translate/token_calibration.ts";

/** What an answer has of its moment. */
export interface ReplyMeta {
  id: string;
  /** Seconds since the epoch. */
  created: number;
  /** Characters of the request body, from which the prompt is estimated. */
  promptChars: number;
}

/** An upstream that listens. */
export interface FakeOpenRouter {
  /** What OPENROUTER_BASE_URL has to be. */
  baseUrl: string;
  /** Ends it when what it is answering has gone out. May be called again. */
  stop(): Promise<void>;
}

const BASE_PATH = "/api/v1";
const COMMENT = ": OPENROUTER PROCESSING\n\n";
const DONE = "data: [DONE]\n\n";
/** In USD per token, for every model: a made-up price for made-up words. */
const PRICE = { prompt: 0.000003, completion: 0.000015 } as const;
const CLAUDE_FORMAT = "anthropic-claude-v1";
const encoder = new TextEncoder();

/** Models of `GET /models`: id, name, context length, most output tokens. */
const MODELS = [
  ["anthropic/claude-opus-4.5", "Anthropic: Claude Opus 4.5", 200_000, 64_000],
  ["anthropic/claude-sonnet-4.5", "Anthropic: Claude Sonnet 4.5", 1_000_000, 64_000],
  ["anthropic/claude-haiku-4.5", "Anthropic: Claude Haiku 4.5", 200_000, 64_000],
  ["google/gemini-2.5-pro", "Google: Gemini 2.5 Pro", 1_048_576, 65_536],
  ["openai/gpt-5", "OpenAI: GPT-5", 400_000, 128_000],
] as const;
/** What `GET /key` says of every key. */
const KEY_FACTS = { label: "simulated", limit: null, limit_remaining: null, is_free_tier: false };
const MODELS_CREATED = 1_759_000_000;

/**
 * Starts listening on 127.0.0.1, any free port.
 * @param options `pauseMs`: the pause before every chunk, so that arriving can be seen; 0 for none
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
      // Whoever stops it has its answers; under Deno 2.5 a shutdown may wait for a connection for ever.
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
      return hasKey(request) ? Response.json({ data: KEY_FACTS }) : refuseKey();
    case `POST ${BASE_PATH}/chat/completions`:
      return await answerChat(request, pauseMs);
    default:
      await request.body?.cancel();
      return toErrorResponse(errorReply(STATUS_CODE.NotFound, "Simulated: no such endpoint"));
  }
}

async function answerChat(request: Request, pauseMs: number): Promise<Response> {
  const text = await request.text();
  if (!hasKey(request)) return refuseKey();
  const body = parseJson(text);
  const reply = createReply(body);
  if (reply.type === "refusal") return toErrorResponse(reply);
  const created = Math.floor(Date.now() / 1000);
  const id = `gen-${created}-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
  const occasion: ReplyMeta = { id, created, promptChars: text.length };
  const headers = { "x-generation-id": id };
  if (isJsonObject(body) && body["stream"] === true) {
    const stream = pace(toFrames(reply, occasion), pauseMs);
    return new Response(stream, { headers: { ...headers, "content-type": "text/event-stream" } });
  }
  const completion = JSON.stringify(toCompletion(reply, occasion));
  const sent = reply.fate === "cut" ? completion.slice(0, completion.length / 2) : completion;
  return new Response(sent, { headers: { ...headers, "content-type": "application/json" } });
}

function hasKey(request: Request): boolean {
  return /^Bearer \S+$/.test(request.headers.get("authorization") ?? "");
}

function refuseKey(): Response {
  return toErrorResponse(errorReply(STATUS_CODE.Unauthorized, "Simulated: no bearer key"));
}

/** A whole completion; one that is to fail is an error under HTTP 200, as OpenRouter sends it. */
export function toCompletion(answer: ChatReply, occasion: ReplyMeta): JsonObject {
  if (answer.fate === "error") return { ...createBroken().body };
  const details = answer.reasoning === "" ? null : [
    { ...toDetail({ text: answer.reasoning }), signature: createSignature(answer) },
  ];
  const message = {
    role: "assistant",
    content: answer.call === null ? answer.text : null,
    refusal: null,
    reasoning: answer.reasoning || null,
    ...(details !== null && { reasoning_details: details }),
    ...(answer.call !== null && {
      tool_calls: [{ index: 0, id: toCallId(occasion), type: "function", function: answer.call }],
    }),
  };
  const choice = { index: 0, logprobs: null, ...toFinish(answer), message };
  return {
    ...toHead(answer, occasion),
    object: "chat.completion",
    choices: [choice],
    usage: countUsage(answer, occasion),
  };
}

/** The events of a stream, one a frame, ready to be sent. */
export function toFrames(answer: ChatReply, occasion: ReplyMeta): string[] {
  const frames = toChunks(answer, occasion).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  const [first = "", ...rest] = frames;
  // Comments come while a request is queued, and between chunks too.
  const all = [COMMENT, COMMENT, first, COMMENT, ...rest];
  return answer.fate === "cut" ? all : [...all, DONE];
}

/**
 * The chunks of a stream, in OpenRouter's order: reasoning, its signature, text or a call, the finish reason,
 * and once more the finish reason with the usage. An answer that is to fail ends within its text.
 */
export function toChunks(answer: ChatReply, occasion: ReplyMeta): Chunk[] {
  const head = { ...toHead(answer, occasion), object: "chat.completion.chunk" };
  const open = { finish_reason: null, native_finish_reason: null };
  const toChunk = (delta: Delta, finish: object = open) => ({
    ...head,
    choices: [{ index: 0, delta: { role: "assistant", ...delta }, ...finish }],
  });
  const reasoning = toReasoningDeltas(answer).map((delta) => toChunk(delta));
  const said = toReplyDeltas(answer, occasion).map((delta) => toChunk(delta));
  if (answer.fate !== "whole") {
    const half = [...reasoning, ...said.slice(0, Math.ceil(said.length / 2))];
    if (answer.fate === "cut") return half;
    const error = toChunk({ content: "" }, { finish_reason: "error" });
    return [...half, { ...error, ...createBroken().body }];
  }
  const finish = toFinish(answer);
  return [
    ...reasoning,
    ...said,
    toChunk({ content: "", reasoning: null }, finish),
    { ...toChunk({ content: "" }, finish), usage: countUsage(answer, occasion) },
  ];
}

/** Text in pieces of a few words, then the signature alone, as Claude's reasoning arrives. */
function toReasoningDeltas(answer: ChatReply): Delta[] {
  if (answer.reasoning === "") return [];
  const texts = splitWords(answer.reasoning, 4).map((text) => ({
    content: "",
    reasoning: text,
    reasoning_details: [toDetail({ text })],
  }));
  const signature = { signature: createSignature(answer) };
  return [...texts, { content: "", reasoning_details: [toDetail(signature)] }];
}

/** The text in pieces of a few words, or the call: its name, an empty fragment, its arguments. */
function toReplyDeltas(answer: ChatReply, occasion: ReplyMeta): Delta[] {
  if (answer.call === null) return splitWords(answer.text, 3).map((content) => ({ content }));
  const { name, arguments: json } = answer.call;
  const half = Math.ceil(json.length / 2);
  const first = { id: toCallId(occasion), type: "function", function: { name, arguments: "" } };
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

/** Looks like one, and says what it is to anyone who decodes it. */
function createSignature(answer: ChatReply): string {
  return btoa(`simulated signature of ${answer.reasoning.length} characters of reasoning`);
}

function toHead(answer: ChatReply, { id, created }: ReplyMeta) {
  return { id, created, model: answer.model, provider: PROVIDER };
}

function toFinish({ finishReason, nativeFinishReason }: ChatReply) {
  return { finish_reason: finishReason, native_finish_reason: nativeFinishReason };
}

function toCallId({ id }: ReplyMeta): string {
  return `toolu_${id.split("-").at(-1)}`;
}

function countUsage(answer: ChatReply, { promptChars }: ReplyMeta) {
  const reasoning = countTokens(answer.reasoning.length);
  const prompt = countTokens(promptChars);
  const said = answer.text.length + (answer.call?.arguments.length ?? 0);
  const completion = reasoning + countTokens(said);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    cost: prompt * PRICE.prompt + completion * PRICE.completion,
    is_byok: false,
    prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function countTokens(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

/** What an answer ends in that fails after it began. */
function createBroken(): ErrorReply {
  return errorReply(STATUS_CODE.BadGateway, "Simulated: the answer broke off, as asked for");
}

/** Reached where a request breaks off while it is read; the runtime would print it among the demo. */
function toServerError(): Response {
  return toErrorResponse(errorReply(STATUS_CODE.InternalServerError, "Simulated: cannot read"));
}

function toErrorResponse({ status, headers, body }: ErrorReply): Response {
  return Response.json(body, { status, headers });
}

function describeModel([id, name, context, output]: (typeof MODELS)[number]): JsonObject {
  return {
    id,
    name,
    created: MODELS_CREATED,
    context_length: context,
    pricing: { prompt: String(PRICE.prompt), completion: String(PRICE.completion) },
    top_provider: { context_length: context, max_completion_tokens: output, is_moderated: false },
    supported_parameters: [
      "max_tokens",
      "reasoning",
      "stop",
      "temperature",
      "tool_choice",
      "tools",
    ],
    reasoning: { mandatory: false, supports_max_tokens: id.startsWith("anthropic/") },
  };
}

/** A body that sends a frame after each pause; a reader that leaves ends the pause too. */
function pace(frames: readonly string[], pauseMs: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const waiting = frames.values();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = () =>
    new Promise((resolve) => {
      timer = setTimeout(resolve, pauseMs);
    });
  return new ReadableStream({
    async pull(controller) {
      if (pauseMs > 0) await pause();
      const { value, done } = waiting.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => clearTimeout(timer),
  });
}
