/**
 * The native route: upstream speaks Anthropic's own API, so the body goes and the answer comes back as they
 * are. Access, keys, times, errors and the log stay ours.
 * @module
 */

import { Field } from "../anthropic/field.ts";
import { toErrorBody } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
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
import { describeBlock, invalidJsonError, recordEnd, toEventStream } from "./respond.ts";

const DEFAULT_VERSION = "2023-06-01";
/** Where neither the request nor the model list says how much may be written. */
const DEFAULT_MAX_TOKENS = 64_000;
/** The JSON of a delta around its text. */
const DELTA_CHARS = 80;
/** Names of upstream's are kept for the log and the page. */
const MAX_NAME_CHARS = 256;

/**
 * Passes a message request on.
 * @throws {ApiError} for a body without a model, and for everything that goes wrong before upstream's head has come
 */
export async function sendUnchanged(
  body: unknown,
  { exchange, services, key }: { exchange: RequestContext; services: Services; key: string | null },
): Promise<UpstreamResponse> {
  const root = new Field(body);
  const request = root.asObject();
  const { config, unavailableDefaults, catalog } = services;
  const asked = root.at("model").asName();
  const resolve = (name: string) => resolveModel(name, config, unavailableDefaults).models;
  const models = resolve(asked);
  const { record, timeline } = exchange;
  record.model = asked;
  record.upstreamModel = models[0];
  if (models.length > 1) record.sentModels = models;
  const { headers } = exchange.request;
  timeline.sentModel = models[0];
  timeline.add("asked", models[0]);
  requireBudget(services);
  const sent = toAnthropicRequest(request, {
    models,
    resolve: (name) => resolve(name)[0],
    provider: config.provider,
  });
  reserve(sent, exchange, services);
  const answer = await services.client.sendMessages({
    body: sent,
    model: models[0],
    anthropicVersion: headers.get("anthropic-version") ?? DEFAULT_VERSION,
    anthropicBeta: headers.get("anthropic-beta"),
    key,
    signal: exchange.request.signal,
    timeoutMs: config.timeoutMs,
    suggestModels: (model) => catalog.suggestModels(model),
    onSend: (text) => timeline.capturedBodies?.set("sent", text),
    onErrorBody: (text) => timeline.attachErrorBody(text),
  });
  timeline.attachBody(answer);
  return answer;
}

/** Passes the answer on. @throws {ApiError} for what goes wrong before the head has left */
export async function respondUnchanged(
  answer: UpstreamResponse,
  exchange: RequestContext,
  services: Services,
): Promise<RouteResult> {
  return answer.contentType === "text/event-stream"
    ? passStream(answer, exchange, services)
    : await passJson(answer, exchange, services);
}

function reserve(sent: JsonObject, exchange: RequestContext, services: Services): void {
  const { catalog, tokenCalibration, metrics } = services;
  // The estimate reads the whole body.
  if (!metrics.budget.isLimited) return;
  const models = listRequestedModels(sent);
  const { max_tokens: asked } = sent;
  const most = catalog.find(models[0])?.maxOutputTokens;
  const maxTokens = typeof asked === "number" && asked > 0
    ? Math.min(asked, most ?? asked)
    : most ?? DEFAULT_MAX_TOKENS;
  const inputTokens = tokenCalibration.adjust(models[0], estimateAnthropicTokens(sent));
  const isStream = sent["stream"] === true;
  reserveCost({ models, inputTokens, maxTokens, cacheTtl: "5m", isStream }, { exchange, services });
}

function passStream(
  answer: UpstreamResponse,
  exchange: RequestContext,
  services: Services,
): RouteResult {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let outputTokens = 0;
  exchange.timeline.countOutput = () => outputTokens;
  const body = passThrough(answer.body, {
    timeoutMs: services.config.timeoutMs,
    now: services.now,
    openStreams: services.openStreams,
    onEvent: (event) => recordEvent(event, exchange, services),
    onDelta: (chars) => {
      outputTokens += Math.max(1, Math.ceil((chars - DELTA_CHARS) / CHARS_PER_TOKEN));
    },
    onEnd: (end) => {
      recordEnd(end, exchange);
      resolve();
    },
    parseError: parseErrorObject,
    encodeError: (error) =>
      encodeEvent({ type: "error", error: toErrorBody(error, exchange.redact) }),
  });
  return { response: toEventStream(body), finished: ended };
}

async function passJson(
  answer: UpstreamResponse,
  exchange: RequestContext,
  { config, byteBudget }: Services,
): Promise<RouteResult> {
  const text = await readUpstreamText(answer.body, {
    timeoutMs: config.timeoutMs,
    share: byteBudget.open(),
  });
  const message = parseJson(text);
  if (!isJsonObject(message)) throw invalidJsonError(answer);
  const { error } = message;
  if (error !== undefined && error !== null) throw parseErrorObject(error);
  recordMessage(message, exchange);
  const headers = { "content-type": "application/json" };
  return { response: new Response(createPacedBody(text, config.timeoutMs), { headers }) };
}

/** The model and the tokens stand in `message_start`, the final tokens in `message_delta`. */
function recordEvent(event: JsonObject, exchange: RequestContext, { now }: Services): void {
  const { record, startedAt, timeline } = exchange;
  if (event["type"] === "message_start") {
    record.firstEventMs = Math.round(now() - startedAt);
    if (isJsonObject(event["message"])) recordMessage(event["message"], exchange);
  } else if (event["type"] === "content_block_start" && isJsonObject(event["content_block"])) {
    timeline.add("block", describeBlock(event["content_block"]));
  } else if (event["type"] === "message_delta" && isJsonObject(event["usage"])) {
    recordUsage(event["usage"], exchange);
  }
}

function recordMessage(message: JsonObject, exchange: RequestContext): void {
  const { model, provider, usage } = message;
  if (typeof model === "string") exchange.record.upstreamModel = model.slice(0, MAX_NAME_CHARS);
  if (typeof provider === "string") exchange.record.provider = provider.slice(0, MAX_NAME_CHARS);
  if (isJsonObject(usage)) recordUsage(usage, exchange);
}

/** Later metrics replace earlier ones; what is not said again stays. */
function recordUsage(usage: JsonObject, { record }: RequestContext): void {
  const read = (key: string): number | undefined =>
    typeof usage[key] === "number" ? usage[key] : undefined;
  const input = read("input_tokens");
  const output = read("output_tokens");
  const cached = read("cache_read_input_tokens");
  const written = read("cache_creation_input_tokens");
  const cost = readReportedCost(usage);
  if (input !== undefined) record.inputTokens = input;
  if (output !== undefined) record.outputTokens = output;
  if (cached !== undefined) record.cachedTokens = cached;
  if (written) record.writtenTokens = written;
  if (cost !== undefined) record.costUsd = cost;
}
