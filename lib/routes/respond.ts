/**
 * Answering: upstream's body → the response, streamed or whole. The head says what is true at that moment.
 * @module
 */

import type { Message, StreamEvent } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { parseJson } from "../json.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { encodeEvent } from "../stream/sse.ts";
import { createPacedBody, toJsonResponse } from "../stream/paced_body.ts";
import { createEventStream } from "../stream/event_stream.ts";
import { readUpstreamText } from "../stream/read_text.ts";
import type { StreamEnd } from "../stream/response_stream.ts";
import {
  toPrefillOnlyMessage,
  translateCompletion,
  translateResponse,
} from "../translate/response/message.ts";
import { StreamTranslator } from "../translate/response/stream_translator.ts";
import { countSearches, translateUsage } from "../translate/response/usage.ts";
import { vendorOf } from "../translate/reasoning.ts";
import type { UpstreamResult } from "./send.ts";

const EVENT_STREAM = "text/event-stream";
/** Content types that are no stream, whatever was asked for. Others are read as one: some servers send none. */
const WHOLE_BODY = /json$|html$/;

/** The request an answer belongs to. */
export interface RespondOptions {
  exchange: RequestContext;
  services: Services;
}

/**
 * A streamed answer. Its head waits for upstream's first real chunk.
 * @throws {ApiError} for a failure before that chunk
 */
export async function respondStream(
  upstream: UpstreamResult,
  options: RespondOptions,
): Promise<RouteResult> {
  const translator = createTranslator(upstream, options);
  if (WHOLE_BODY.test(upstream.answer.contentType)) {
    return await respondBuffered(upstream, { ...options, translator });
  }
  const { services, exchange } = options;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stream = await createEventStream(upstream.answer.body, translator, {
    timeoutMs: services.config.timeoutMs,
    pingMs: services.config.pingMs,
    now: services.now,
    openStreams: services.openStreams,
    share: services.byteBudget.open(),
    onFirstEvent: () => recordStart(translator, options),
    onEnd: (end) => {
      try {
        recordUsage(translator, exchange);
        learnTokens(upstream, translator, options);
        if (end.how === "complete") warnOfEnd(translator, options);
        recordEnd(end, exchange);
      } finally {
        // Whatever fails above, the request is under way no longer.
        resolve();
      }
    },
  });
  return { response: toEventStream(stream), finished: ended };
}

/** Upstream answered a stream request with one JSON body: the same events, all at once. */
async function respondBuffered(
  upstream: UpstreamResult,
  options: RespondOptions & { translator: StreamTranslator },
): Promise<RouteResult> {
  const { translator, exchange } = options;
  const completion = await readBody(upstream, options);
  const translate = () => translateCompletion(completion, translator);
  const events: StreamEvent[] = translateAndRecord(translate, translator, exchange);
  recordStart(translator, options);
  learnTokens(upstream, translator, options);
  warnOfEnd(translator, options);
  const text = events.map(encodeEvent).join("");
  return { response: toEventStream(createPacedBody(text, options.services.config.timeoutMs)) };
}

/**
 * A whole answer.
 * @throws {ApiError} for every answer that is not one
 */
export async function respondJson(
  upstream: UpstreamResult,
  options: RespondOptions,
): Promise<RouteResult> {
  const translator = createTranslator(upstream, options);
  const completion = await readBody(upstream, options);
  const translate = () => translateResponse(completion, translator);
  const translated: Message = translateAndRecord(translate, translator, options.exchange);
  const message = upstream.client.maxTokens === 0 ? toPrefillOnlyMessage(translated) : translated;
  recordStart(translator, options);
  learnTokens(upstream, translator, options);
  warnOfEnd(translator, options);
  return { response: toJsonResponse(message, options.services.config) };
}

/** Notes what upstream said even where the answer cannot be translated: it has its price all the same. */
function translateAndRecord<T>(
  translate: () => T,
  translator: StreamTranslator,
  exchange: RequestContext,
): T {
  try {
    return translate();
  } finally {
    recordUsage(translator, exchange);
  }
}

async function readBody(upstream: UpstreamResult, { services }: RespondOptions): Promise<unknown> {
  const text = await readUpstreamText(upstream.answer.body, {
    timeoutMs: services.config.timeoutMs,
    share: services.byteBudget.open(),
  });
  const completion = parseJson(text);
  if (completion !== undefined) return completion;
  throw invalidJsonError(upstream.answer);
}

/** The error for an answer that is whole and cannot be read. */
export function invalidJsonError({ contentType }: UpstreamResponse): ApiError {
  const message = `OpenRouter answered 200 with ${contentType || "nothing"} that is no JSON`;
  return new ApiError("api_error", message, { status: 502 });
}

function createTranslator(
  upstream: UpstreamResult,
  { exchange, services }: RespondOptions,
): StreamTranslator {
  const { timeline } = exchange;
  const { model, searchesWeb, hidesThinking, reportsSafeguards, stopSequences, takenCallIds } =
    upstream.client;
  const translator = new StreamTranslator({
    messageId: services.newId("msg"),
    model,
    inputTokens: services.tokenCalibration.adjust(upstream.target, upstream.inputTokens),
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
    onBlock: (block) => timeline.add("block", describeBlock(block)),
  });
  timeline.countOutput = () => translator.outputTokens;
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
  { target, inputTokens }: UpstreamResult,
  { metadata }: StreamTranslator,
  { exchange, services }: RespondOptions,
): void {
  const counted = metadata.usage?.prompt_tokens;
  // A fallback of another vendor counts in other tokens, and a search adds pages that nobody estimated.
  const isOthers = exchange.record.sentModels !== undefined && metadata.model !== null &&
    vendorOf(metadata.model) !== vendorOf(target);
  if (typeof counted !== "number" || isOthers || countSearches(metadata.usage) > 0) return;
  services.tokenCalibration.learn(target, inputTokens, counted);
}

/** What is known when the head leaves; the server puts the model into it. */
function recordStart(translator: StreamTranslator, { exchange, services }: RespondOptions): void {
  exchange.record.firstEventMs = Math.round(services.now() - exchange.startedAt);
  recordUsage(translator, exchange);
}

function recordUsage({ metadata }: StreamTranslator, { record }: RequestContext): void {
  if (metadata.model !== null) record.upstreamModel = metadata.model;
  if (metadata.provider !== null) record.provider = metadata.provider;
  if (metadata.usage === null) return;
  const usage = translateUsage(metadata.usage);
  record.inputTokens = usage.input_tokens;
  record.outputTokens = usage.output_tokens;
  record.cachedTokens = usage.cache_read_input_tokens;
  const written = usage.cache_creation_input_tokens;
  if (written > 0) record.writtenTokens = written;
  const costUsd = readReportedCost(metadata.usage);
  if (costUsd !== undefined) record.costUsd = costUsd;
}

/** An answer that is taken as whole although upstream ended it in an unusual way. */
function warnOfEnd({ warning }: StreamTranslator, { exchange, services }: RespondOptions): void {
  if (warning === null) return;
  const { requestId, upstreamModel } = exchange.record;
  services.log.write("warn", `${requestId} ${upstreamModel}: ${warning}, taken as complete`);
}

/** How the stream ended, for the log line. */
export function recordEnd(end: StreamEnd, { record, redact, request }: RequestContext): void {
  // Deno 2.5 ends the call upstream by the request's signal before it cancels the answer.
  if (end.how === "failed" && request.signal.aborted) end = { how: "client_gone" };
  record.outcome = end.how === "failed" ? end.error.type : end.how;
  if (end.how === "failed") record.error = redact(end.error.message);
}
