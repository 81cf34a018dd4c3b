/**
 * Answering: upstream's body → the response, streamed or whole. The head says what is true at that moment.
 * @module
 */

import type { Message, StreamEvent } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { Answer, Exchange, Services } from "../request_context.ts";
import { parseJson } from "../json.ts";
import type { ChatAnswer } from "../openrouter/client.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { encodeEvent } from "../stream/sse.ts";
import { paceBody, toJsonResponse } from "../stream/paced_body.ts";
import { startPump, type StreamEnd } from "../stream/event_stream.ts";
import { readWhole } from "../stream/read_text.ts";
import {
  translateCompletion,
  translateResponse,
  withoutAnswer,
} from "../translate/response/message.ts";
import { StreamTranslator } from "../translate/response/stream_translator.ts";
import { countSearches, translateUsage } from "../translate/response/usage.ts";
import { toFamily } from "../translate/reasoning.ts";
import type { Asked } from "./send.ts";

const EVENT_STREAM = "text/event-stream";
/** Content types that are no stream, whatever was asked for. Others are read as one: some servers send none. */
const WHOLE_BODY = /json$|html$/;

/** The request an answer belongs to. */
export interface AnswerOptions {
  exchange: Exchange;
  services: Services;
}

/**
 * A streamed answer. Its head waits for upstream's first real chunk.
 * @throws {ApiError} for a failure before that chunk
 */
export async function answerStream(upstream: Asked, options: AnswerOptions): Promise<Answer> {
  const translator = createTranslator(upstream, options);
  if (WHOLE_BODY.test(upstream.answer.contentType)) {
    return await answerStreamAtOnce(upstream, { ...options, translator });
  }
  const { services, exchange } = options;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stream = await startPump(upstream.answer.body, translator, {
    timeoutMs: services.config.timeoutMs,
    pingMs: services.config.pingMs,
    now: services.now,
    openStreams: services.openStreams,
    share: services.byteBudget.open(),
    onFirstEvent: () => noteHead(translator, options),
    onEnd: (end) => {
      try {
        noteFacts(translator, exchange);
        learnTokens(upstream, translator, options);
        if (end.how === "complete") warnOfEnd(translator, options);
        noteEnd(end, exchange);
      } finally {
        // Whatever fails above, the request is under way no longer.
        resolve();
      }
    },
  });
  return { response: toEventStream(stream), ended };
}

/** Upstream answered a stream request with one JSON body: the same events, all at once. */
async function answerStreamAtOnce(
  upstream: Asked,
  options: AnswerOptions & { translator: StreamTranslator },
): Promise<Answer> {
  const { translator, exchange } = options;
  const completion = await readBody(upstream, options);
  const translate = () => translateCompletion(completion, translator);
  const events: StreamEvent[] = translateNoting(translate, translator, exchange);
  noteHead(translator, options);
  learnTokens(upstream, translator, options);
  warnOfEnd(translator, options);
  const text = events.map(encodeEvent).join("");
  return { response: toEventStream(paceBody(text, options.services.config.timeoutMs)) };
}

/**
 * A whole answer.
 * @throws {ApiError} for every answer that is not one
 */
export async function answerPlain(upstream: Asked, options: AnswerOptions): Promise<Answer> {
  const translator = createTranslator(upstream, options);
  const completion = await readBody(upstream, options);
  const translate = () => translateResponse(completion, translator);
  const translated: Message = translateNoting(translate, translator, options.exchange);
  const message = upstream.wanted.maxTokens === 0 ? withoutAnswer(translated) : translated;
  noteHead(translator, options);
  learnTokens(upstream, translator, options);
  warnOfEnd(translator, options);
  return { response: toJsonResponse(message, options.services.config) };
}

/** Notes what upstream said even where the answer cannot be translated: it has its price all the same. */
function translateNoting<T>(
  translate: () => T,
  translator: StreamTranslator,
  exchange: Exchange,
): T {
  try {
    return translate();
  } finally {
    noteFacts(translator, exchange);
  }
}

async function readBody(upstream: Asked, { services }: AnswerOptions): Promise<unknown> {
  const text = await readWhole(upstream.answer.body, {
    timeoutMs: services.config.timeoutMs,
    share: services.byteBudget.open(),
  });
  const completion = parseJson(text);
  if (completion !== undefined) return completion;
  throw createNoJson(upstream.answer);
}

/** The error for an answer that is whole and cannot be read. */
export function createNoJson({ contentType }: ChatAnswer): ApiError {
  const message = `OpenRouter answered 200 with ${contentType || "nothing"} that is no JSON`;
  return new ApiError("api_error", message, { status: 502 });
}

function createTranslator(
  upstream: Asked,
  { exchange, services }: AnswerOptions,
): StreamTranslator {
  const { journey } = exchange;
  const { model, searchesWeb, hidesThinking, reportsSafeguards, stopSequences, takenCallIds } =
    upstream.wanted;
  const translator = new StreamTranslator({
    messageId: services.newId("msg"),
    model,
    inputTokens: services.calibration.adjust(upstream.target, upstream.inputTokens),
    newCallId: () => services.newId("toolu"),
    target: upstream.target,
    searchesWeb,
    contextManagement: upstream.contextManagement,
    hidesThinking,
    names: upstream.names,
    cacheTtl: upstream.cacheTtl,
    takenCallIds,
    stopSequences,
    visibleTokens: upstream.visibleTokens,
    reportsSafeguards,
    redact: exchange.redact,
    onBlock: (block) => journey.mark("block", describeBlock(block)),
  });
  journey.countOutput = () => translator.outputTokens;
  return translator;
}

/** What a timeline says of a block: its kind, and which tool. */
export function describeBlock({ type, name }: { type?: unknown; name?: unknown }): string {
  return [type, name].filter((word) => typeof word === "string").join(" ");
}

/** The response of a stream. */
export function toEventStream(body: BodyInit): Response {
  const headers = {
    "content-type": `${EVENT_STREAM}; charset=utf-8`,
    // Intermediaries must neither store nor compress nor buffer what is still being written.
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  };
  return new Response(body, { headers });
}

/** The next estimate for this model is better by what upstream has counted. */
function learnTokens(
  { target, inputTokens }: Asked,
  { facts }: StreamTranslator,
  { exchange, services }: AnswerOptions,
): void {
  const counted = facts.usage?.prompt_tokens;
  // A fallback of another vendor counts in other tokens, and a search adds pages that nobody estimated.
  const isOthers = exchange.record.sent !== undefined && facts.model !== null &&
    toFamily(facts.model) !== toFamily(target);
  if (typeof counted !== "number" || isOthers || countSearches(facts.usage) > 0) return;
  services.calibration.learn(target, inputTokens, counted);
}

/** What is known when the head leaves; the server puts the model into it. */
function noteHead(translator: StreamTranslator, { exchange, services }: AnswerOptions): void {
  exchange.record.firstEventMs = Math.round(services.now() - exchange.startedAt);
  noteFacts(translator, exchange);
}

function noteFacts({ facts }: StreamTranslator, { record }: Exchange): void {
  if (facts.model !== null) record.target = facts.model;
  if (facts.provider !== null) record.provider = facts.provider;
  if (facts.usage === null) return;
  const usage = translateUsage(facts.usage);
  record.inputTokens = usage.input_tokens;
  record.outputTokens = usage.output_tokens;
  record.cachedTokens = usage.cache_read_input_tokens;
  const written = usage.cache_creation_input_tokens;
  if (written > 0) record.writtenTokens = written;
  const costUsd = readReportedCost(facts.usage);
  if (costUsd !== undefined) record.costUsd = costUsd;
}

/** An answer that is taken as whole although upstream ended it in an unusual way. */
function warnOfEnd({ warning }: StreamTranslator, { exchange, services }: AnswerOptions): void {
  if (warning === null) return;
  const { requestId, target } = exchange.record;
  services.log.write("warn", `${requestId} ${target}: ${warning}, taken as complete`);
}

/** How the stream ended, for the log line. */
export function noteEnd(end: StreamEnd, { record, redact, request }: Exchange): void {
  // Deno 2.5 ends the call upstream by the request's signal before it cancels the answer.
  if (end.how === "failed" && request.signal.aborted) end = { how: "client_gone" };
  record.end = end.how === "failed" ? end.error.type : end.how;
  if (end.how === "failed") record.error = redact(end.error.message);
}
