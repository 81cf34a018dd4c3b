/**
 * Passes responses through, of an upstream that implements Anthropic's API itself. Timeouts, pings, errors and the log
 * work as on the translated route.
 * @module
 */

import { toErrorBody } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { parseErrorObject } from "../openrouter/errors.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { encodeEvent } from "../stream/sse.ts";
import { createPacedBody, toJsonResponse } from "../stream/paced_body.ts";
import { passThrough } from "../stream/passthrough.ts";
import { readUpstreamText } from "../stream/read_text.ts";
import { CHARS_PER_TOKEN } from "../translate/token_calibration.ts";
import {
  completeEvent,
  completeMessage,
  type CompletionOptions,
} from "../translate/response/anthropic_response.ts";
import { recordBlock, recordFirstEvent, recordUsage, trackEnd, trackIdle } from "./record.ts";
import { invalidJsonError, toEventStream } from "./respond.ts";

/** The JSON around the text of a delta. */
const DELTA_CHARS = 80;
/** Of the names from upstream that are kept for the log and the dashboard. */
const MAX_NAME_CHARS = 256;

/** A successful response, and what its request says about it. */
export interface UnchangedResult {
  upstream: UpstreamResponse;
  completion: CompletionOptions;
  target: string;
  /** Estimated, before calibration; null if that differs from the estimate of `count_tokens`. */
  inputTokens: number | null;
}

/** Passes the response through. @throws {ApiError} for an error before the headers are sent */
export async function respondUnchanged(
  context: RequestContext,
  result: UnchangedResult,
): Promise<RouteResult> {
  return result.upstream.contentType === "text/event-stream"
    ? await passStream(context, result)
    : await passJson(context, result);
}

async function passStream(
  context: RequestContext,
  result: UnchangedResult,
): Promise<RouteResult> {
  const { upstream, completion } = result;
  const { services, timeline, redact } = context;
  let isComparable = true;
  const output = { outputTokens: 0 };
  const { finished, onEnd } = trackEnd(context, (end) => {
    if (end.how === "complete" && isComparable) learnTokens(context, result);
  });
  timeline.output = output;
  const body = await passThrough(upstream.body, {
    timeoutMs: services.config.timeoutMs,
    pingMs: services.config.pingMs,
    now: services.now,
    openStreams: services.openStreams,
    onTimer: trackIdle(context),
    onEvent: (event) => {
      isComparable &&= isAsSent(event);
      recordEvent(context, event);
    },
    onDelta: (chars) => {
      output.outputTokens += Math.max(1, Math.ceil((chars - DELTA_CHARS) / CHARS_PER_TOKEN));
    },
    rewrite: (event) => completeEvent(event, completion),
    onEnd,
    parseError: parseErrorObject,
    encodeError: (error) => encodeEvent({ type: "error", error: toErrorBody(error, redact) }),
  });
  return { response: toEventStream(body), finished };
}

async function passJson(
  context: RequestContext,
  result: UnchangedResult,
): Promise<RouteResult> {
  const { upstream, completion } = result;
  const { config, byteBudget } = context.services;
  const { timeoutMs } = config;
  const text = await readUpstreamText(upstream.body, { timeoutMs, share: byteBudget.open() });
  const message = parseJson(text);
  if (!isJsonObject(message)) throw invalidJsonError(context, upstream);
  const { error } = message;
  if (error !== undefined && error !== null) throw parseErrorObject(error);
  recordMessage(context, message);
  if (isAsSent(message)) learnTokens(context, result);
  const completed = completeMessage(message, completion);
  if (completed !== message) return { response: toJsonResponse(completed, config) };
  const headers = { "content-type": "application/json" };
  return { response: new Response(createPacedBody(text, timeoutMs), { headers }) };
}

/** Reads the model and first usage from `message_start`, the final usage from `message_delta`. */
function recordEvent(context: RequestContext, event: JsonObject): void {
  const { type, message, content_block: block, usage } = event;
  if (type === "message_start") {
    recordFirstEvent(context);
    if (isJsonObject(message)) recordMessage(context, message);
  } else if (type === "content_block_start" && isJsonObject(block)) {
    recordBlock(context, block);
  } else if (type === "message_delta" && isJsonObject(usage)) {
    recordUsage(context, usage, readReportedCost(usage));
  }
}

function recordMessage(context: RequestContext, { model, provider, usage }: JsonObject): void {
  const { record } = context;
  if (typeof model === "string") record.upstreamModel = model.slice(0, MAX_NAME_CHARS);
  if (typeof provider === "string") record.provider = provider.slice(0, MAX_NAME_CHARS);
  if (isJsonObject(usage)) recordUsage(context, usage, readReportedCost(usage));
}

/** Calibrates the token estimate of the model by the input tokens that upstream counted. */
function learnTokens(
  { record, services }: RequestContext,
  { target, inputTokens }: UnchangedResult,
): void {
  const { inputTokens: input, cachedTokens = 0, writtenTokens = 0 } = record;
  if (input === undefined || inputTokens === null) return;
  services.tokenCalibration.learn(target, inputTokens, input + cachedTokens + writtenTokens);
}

/** Whether upstream has read the request as it was sent: its tools add content, and edits of the context remove some. */
function isAsSent(
  { content_block: block, content, context_management: edits }: JsonObject,
): boolean {
  const blocks = Array.isArray(content) ? content : [block];
  const isEdited = isJsonObject(edits) && Array.isArray(edits["applied_edits"]) &&
    edits["applied_edits"].length > 0;
  return !isEdited &&
    !blocks.some((one) => isJsonObject(one) && one["type"] === "server_tool_use");
}
