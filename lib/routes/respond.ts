/**
 * Responds with upstream's translated response, as a stream or as one JSON body.
 * @module
 */

import type { Message } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { parseJson } from "../json.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { encodeEvent } from "../stream/sse.ts";
import { createPacedBody, toJsonResponse } from "../stream/paced_body.ts";
import { createEventStream } from "../stream/event_stream.ts";
import { readUpstreamText } from "../stream/read_text.ts";
import type { ResponseContext } from "../translate/request/response_context.ts";
import {
  toPrefillOnlyMessage,
  translateCompletion,
  translateResponse,
} from "../translate/response/message.ts";
import { StreamTranslator } from "../translate/response/stream_translator.ts";
import { translateUsage } from "../translate/response/usage.ts";
import { vendorOf } from "../openrouter/model_mapping.ts";
import { recordBlock, recordFirstEvent, recordUsage, trackEnd, trackIdle } from "./record.ts";
import type { UpstreamResult } from "./upstream_call.ts";

const EVENT_STREAM = "text/event-stream";
/** Content types of a complete body. All others are read as a stream: some servers send no content type. */
const COMPLETE_BODY = /json$|html$/;

/**
 * Responds with a stream. Its headers are sent after upstream's first real chunk.
 * @throws {ApiError} for an error before that chunk
 */
export async function respondStream(
  context: RequestContext,
  result: UpstreamResult,
): Promise<RouteResult> {
  const { upstream, response } = result;
  if (COMPLETE_BODY.test(upstream.contentType)) return await respondBuffered(context, result);
  const { services } = context;
  const translator = createTranslator(context, response);
  const { finished, onEnd } = trackEnd(context, (end) => {
    recordMetadata(context, translator);
    learnTokens(context, response, translator);
    if (end.how === "complete") logWarning(context, translator);
  });
  const stream = await createEventStream(upstream.body, translator, {
    timeoutMs: services.config.timeoutMs,
    pingMs: services.config.pingMs,
    now: services.now,
    openStreams: services.openStreams,
    onTimer: trackIdle(context),
    share: services.byteBudget.open(),
    onFirstEvent: () => {
      recordFirstEvent(context);
      recordMetadata(context, translator);
    },
    onEnd,
  });
  return { response: toEventStream(stream), finished };
}

/** Upstream responded to a streaming request with one JSON body: all events are sent at once. */
async function respondBuffered(
  context: RequestContext,
  result: UpstreamResult,
): Promise<RouteResult> {
  const events = await translateBody(context, result, translateCompletion);
  const body = createPacedBody(
    events.map(encodeEvent).join(""),
    context.services.config.timeoutMs,
  );
  return { response: toEventStream(body) };
}

/**
 * Responds with one JSON body.
 * @throws {ApiError} if upstream's response is not a complete message
 */
export async function respondJson(
  context: RequestContext,
  result: UpstreamResult,
): Promise<RouteResult> {
  const translated = await readMessage(context, result);
  const message = result.response.isPrefillOnly ? toPrefillOnlyMessage(translated) : translated;
  return { response: toJsonResponse(message, context.services.config) };
}

/** Reads upstream's JSON body as a message, and records it. @throws {ApiError} if it is not a complete message */
export function readMessage(context: RequestContext, result: UpstreamResult): Promise<Message> {
  return translateBody(context, result, translateResponse);
}

/** Reads, translates and records a JSON body. */
async function translateBody<T>(
  context: RequestContext,
  { upstream, response }: UpstreamResult,
  translate: (completion: unknown, translator: StreamTranslator) => T,
): Promise<T> {
  const translator = createTranslator(context, response);
  const completion = await readCompletion(context, upstream);
  let translated: T;
  try {
    translated = translate(completion, translator);
  } catch (error) {
    // Upstream charges for a response that cannot be translated too.
    recordMetadata(context, translator);
    throw error;
  }
  recordFirstEvent(context);
  recordMetadata(context, translator);
  learnTokens(context, response, translator);
  logWarning(context, translator);
  return translated;
}

async function readCompletion(
  context: RequestContext,
  upstream: UpstreamResponse,
): Promise<unknown> {
  const { config, byteBudget } = context.services;
  const { timeoutMs } = config;
  const text = await readUpstreamText(upstream.body, { timeoutMs, share: byteBudget.open() });
  const completion = parseJson(text);
  if (completion !== undefined) return completion;
  throw invalidJsonError(context, upstream);
}

/** Creates the error for a complete body that cannot be parsed. */
export function invalidJsonError(
  { services }: RequestContext,
  { contentType }: UpstreamResponse,
): ApiError {
  const { host } = new URL(services.config.baseUrl);
  const type = contentType || "a body without a content type";
  const message = `${host} responded 200 with ${type} that is not valid JSON`;
  return new ApiError("api_error", message, { status: 502 });
}

function createTranslator(context: RequestContext, response: ResponseContext): StreamTranslator {
  const { services, timeline, redact } = context;
  const translator = new StreamTranslator({
    ...response,
    messageId: services.newId("msg"),
    inputTokens: services.tokenCalibration.adjust(response.target, response.inputTokens),
    newCallId: () => services.newId("toolu"),
    redact,
    onBlock: (block) => recordBlock(context, block),
  });
  timeline.output = translator;
  return translator;
}

/** Creates the response of a stream. */
export function toEventStream(body: BodyInit): Response {
  const headers = {
    "content-type": `${EVENT_STREAM}; charset=utf-8`,
    // Intermediaries must neither store nor compress nor buffer a stream.
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  };
  return new Response(body, { headers });
}

/** Calibrates the token estimate of the model by the prompt tokens that upstream counted. */
function learnTokens(
  { record, services }: RequestContext,
  { target, inputTokens }: ResponseContext,
  { metadata: { usage, model } }: StreamTranslator,
): void {
  if (usage === null || typeof usage.prompt_tokens !== "number") return;
  // A fallback of another vendor has another tokenizer, and a search adds pages that the estimate cannot know.
  const isOtherVendor = record.sentModels !== undefined && model !== null &&
    vendorOf(model) !== vendorOf(target);
  if (isOtherVendor || translateUsage(usage).server_tool_use !== undefined) return;
  services.tokenCalibration.learn(target, inputTokens, usage.prompt_tokens);
}

function recordMetadata(context: RequestContext, { metadata }: StreamTranslator): void {
  const { record } = context;
  if (metadata.model !== null) record.upstreamModel = metadata.model;
  if (metadata.provider !== null) record.provider = metadata.provider;
  if (metadata.usage === null) return;
  recordUsage(context, translateUsage(metadata.usage), readReportedCost(metadata.usage));
}

/** Logs an unusual end of a response that is treated as complete. */
function logWarning({ record, services }: RequestContext, { warning }: StreamTranslator): void {
  if (warning === null) return;
  const { requestId, upstreamModel } = record;
  services.log.write("warn", `${requestId} ${upstreamModel}: ${warning}, taken as complete`);
}
