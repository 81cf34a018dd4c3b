/**
 * Passes requests and responses through unchanged, for an upstream that implements Anthropic's API itself. Access,
 * keys, timeouts, errors and the log work as on the translated route.
 * @module
 */

import { Field } from "../anthropic/field.ts";
import { toErrorBody } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { parseErrorObject } from "../openrouter/errors.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { resolveModel } from "../openrouter/model_mapping.ts";
import { encodeEvent } from "../stream/sse.ts";
import { createPacedBody } from "../stream/paced_body.ts";
import { passThrough } from "../stream/passthrough.ts";
import { readUpstreamText } from "../stream/read_text.ts";
import { CHARS_PER_TOKEN } from "../translate/token_calibration.ts";
import {
  estimateAnthropicTokens,
  listRequestedModels,
  toAnthropicRequest,
} from "../translate/request/anthropic_request.ts";
import { requireBudget, reserveCost } from "./budget.ts";
import {
  recordBlock,
  recordFirstEvent,
  recordModels,
  recordUsage,
  trackEnd,
  trackIdle,
} from "./record.ts";
import { invalidJsonError, toEventStream } from "./respond.ts";
import { createCall } from "./send.ts";

const DEFAULT_VERSION = "2023-06-01";
/** If neither the request nor the catalog has a limit. */
const DEFAULT_MAX_TOKENS = 64_000;
/** The JSON around the text of a delta. */
const DELTA_CHARS = 80;
/** Of the names from upstream that are kept for the log and the dashboard. */
const MAX_NAME_CHARS = 256;

/**
 * Sends a message request.
 * @throws {ApiError} for a body without a model, and for every error before upstream's headers
 */
export async function sendUnchanged(
  context: RequestContext,
  body: unknown,
): Promise<UpstreamResponse> {
  const root = new Field(body);
  const request = root.asObject();
  const { services, timeline } = context;
  const { config, unavailableDefaults } = services;
  const model = root.at("model").asName();
  const resolve = (name: string) => resolveModel(name, config, unavailableDefaults).models;
  const models = resolve(model);
  context.record.model = model;
  recordModels(context, models);
  timeline.add("sent", models[0]);
  requireBudget(context);
  const upstreamRequest = toAnthropicRequest(request, {
    models,
    resolve: (name) => resolve(name)[0],
    provider: config.provider,
  });
  reserve(context, upstreamRequest);
  const { headers } = context.request;
  const upstream = await services.client.sendMessages({
    ...createCall(context),
    body: upstreamRequest,
    model: models[0],
    anthropicVersion: headers.get("anthropic-version") ?? DEFAULT_VERSION,
    anthropicBeta: headers.get("anthropic-beta"),
    timeoutMs: config.timeoutMs,
  });
  timeline.attachBody(upstream);
  return upstream;
}

/** Passes the response through. @throws {ApiError} for an error before the headers are sent */
export async function respondUnchanged(
  context: RequestContext,
  upstream: UpstreamResponse,
): Promise<RouteResult> {
  return upstream.contentType === "text/event-stream"
    ? passStream(context, upstream)
    : await passJson(context, upstream);
}

function reserve(context: RequestContext, request: JsonObject): void {
  const { catalog, tokenCalibration, metrics } = context.services;
  // The estimate reads the whole body.
  if (!metrics.budget.isLimited) return;
  const models = listRequestedModels(request);
  const { max_tokens: requested } = request;
  const limit = catalog.find(models[0])?.maxOutputTokens;
  const maxTokens = typeof requested === "number" && requested > 0
    ? Math.min(requested, limit ?? requested)
    : limit ?? DEFAULT_MAX_TOKENS;
  const inputTokens = tokenCalibration.adjust(models[0], estimateAnthropicTokens(request));
  const isStream = request["stream"] === true;
  reserveCost(context, { models, inputTokens, maxTokens, cacheTtl: "5m", isStream });
}

function passStream(context: RequestContext, upstream: UpstreamResponse): RouteResult {
  const { services, timeline, redact } = context;
  const { finished, onEnd } = trackEnd(context);
  let outputTokens = 0;
  timeline.countOutput = () => outputTokens;
  const body = passThrough(upstream.body, {
    timeoutMs: services.config.timeoutMs,
    now: services.now,
    openStreams: services.openStreams,
    onTimer: trackIdle(context),
    onEvent: (event) => recordEvent(context, event),
    onDelta: (chars) => {
      outputTokens += Math.max(1, Math.ceil((chars - DELTA_CHARS) / CHARS_PER_TOKEN));
    },
    onEnd,
    parseError: parseErrorObject,
    encodeError: (error) => encodeEvent({ type: "error", error: toErrorBody(error, redact) }),
  });
  return { response: toEventStream(body), finished };
}

async function passJson(
  context: RequestContext,
  upstream: UpstreamResponse,
): Promise<RouteResult> {
  const { config, byteBudget } = context.services;
  const { timeoutMs } = config;
  const text = await readUpstreamText(upstream.body, { timeoutMs, share: byteBudget.open() });
  const message = parseJson(text);
  if (!isJsonObject(message)) throw invalidJsonError(context, upstream);
  const { error } = message;
  if (error !== undefined && error !== null) throw parseErrorObject(error);
  recordMessage(context, message);
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
