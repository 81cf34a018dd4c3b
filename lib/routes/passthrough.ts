/**
 * Passes requests and responses through, for an upstream that implements Anthropic's API itself: all requests with
 * UPSTREAM_DIALECT=anthropic, those for Claude with `auto`. Access, keys, retries, timeouts, pings, errors and the log
 * work as on the translated route.
 * @module
 */

import { Field } from "../anthropic/field.ts";
import { requestsSafeguards } from "../anthropic/safeguards.ts";
import { toErrorBody } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { isJsonObject, type JsonObject, parseJson, toText } from "../json.ts";
import { mergeProvider } from "../model_target.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { parseErrorObject } from "../openrouter/errors.ts";
import { readReportedCost } from "../openrouter/cost.ts";
import { resolveModel, usesMessagesApi } from "../openrouter/model_mapping.ts";
import { encodeEvent } from "../stream/sse.ts";
import { createPacedBody, toJsonResponse } from "../stream/paced_body.ts";
import { passThrough } from "../stream/passthrough.ts";
import { readUpstreamText } from "../stream/read_text.ts";
import { CHARS_PER_TOKEN } from "../translate/token_calibration.ts";
import {
  estimateAnthropicTokens,
  listRequestedModels,
  toAnthropicRequest,
} from "../translate/request/anthropic_request.ts";
import {
  listFallbacks,
  replaceInput,
  toClaudeRequest,
} from "../translate/request/claude_request.ts";
import { toPlainTools } from "../translate/request/claude_tools.ts";
import { applyAnthropicSettings } from "../translate/request/target_settings.ts";
import {
  completeEvent,
  completeMessage,
  type CompletionOptions,
} from "../translate/response/anthropic_response.ts";
import { type Attempt, listUnsupported, resolveModels, sendWithRetries } from "./attempts.ts";
import { requireBudget, reserveCost } from "./budget.ts";
import { recordBlock, recordFirstEvent, recordModels, recordUsage, trackEnd } from "./record.ts";
import { invalidJsonError, toEventStream } from "./respond.ts";
import { createCall } from "./send.ts";

const DEFAULT_VERSION = "2023-06-01";
/** If neither the request nor the catalog has a limit. */
const DEFAULT_MAX_TOKENS = 64_000;
/** The JSON around the text of a delta. */
const DELTA_CHARS = 80;
/** Of the names from upstream that are kept for the log and the dashboard. */
const MAX_NAME_CHARS = 256;

/** A successful response, and how to complete it. */
export interface UnchangedResult {
  upstream: UpstreamResponse;
  completion: CompletionOptions;
}

/** Whether a request is sent to upstream's Messages API. An invalid one is not: the translated route reports why. */
export function isForMessagesApi(body: unknown, services: Services): boolean {
  const { dialect } = services.config;
  if (dialect !== "auto") return usesMessagesApi([], dialect);
  if (!isJsonObject(body) || typeof body["model"] !== "string") return false;
  const { models } = resolveModels(readNames(body, services), services);
  return usesMessagesApi(models, dialect);
}

/**
 * Sends a message request.
 * @throws {ApiError} for a body without a model, and for every error before upstream's headers
 */
export async function sendUnchanged(
  context: RequestContext,
  body: unknown,
): Promise<UnchangedResult> {
  const root = new Field(body);
  const request = root.asObject();
  const model = root.at("model").asName();
  const { services, record } = context;
  const resolved = resolveModels(readNames(request, services), services);
  record.model = model;
  recordModels(context, resolved.models);
  requireBudget(services);
  const upstream = await sendWithRetries(
    resolved,
    services,
    (attempt) => send(context, request, attempt),
  );
  return {
    upstream,
    completion: {
      model: services.config.dialect === "auto" ? model : null,
      reportsSafeguards: requestsSafeguards(request["safeguards"]),
    },
  };
}

/** The names of the models that may respond. With UPSTREAM_DIALECT=anthropic upstream handles the fallbacks. */
function readNames(
  { model, fallbacks }: JsonObject,
  { config }: Services,
): { model: string; fallbacks: string[] } {
  return {
    model: toText(model),
    fallbacks: config.dialect === "auto" ? listFallbacks(fallbacks) : [],
  };
}

async function send(
  context: RequestContext,
  request: JsonObject,
  attempt: Attempt,
): Promise<UpstreamResponse> {
  const { services, timeline } = context;
  const { models: [target], deadline } = attempt;
  recordModels(context, attempt.models);
  const body = prepare(context, request, attempt);
  reserve(context, body);
  timeline.add("sent", target);
  const { headers } = context.request;
  const upstream = await services.client.sendMessages({
    ...createCall(context),
    body,
    model: target,
    anthropicVersion: headers.get("anthropic-version") ?? DEFAULT_VERSION,
    anthropicBeta: headers.get("anthropic-beta"),
    timeoutMs: Math.max(1, deadline - services.now()),
    estimateInput: () => services.tokenCalibration.adjust(target, estimateAnthropicTokens(body)),
  });
  timeline.attachBody(upstream);
  return upstream;
}

/** The body to send, in the form of an attempt. Records the names of what is not sent. */
function prepare(
  context: RequestContext,
  request: JsonObject,
  { models, settings = {}, isPlain }: Attempt,
): JsonObject {
  const { services, record } = context;
  const { config, unavailableDefaults } = services;
  const dropped = new Set<string>();
  const options = {
    models,
    resolve: (name: string) => resolveModel(name, config, unavailableDefaults).models[0],
    provider: mergeProvider(config.provider, settings.provider),
    sessionId: context.request.headers.get("x-claude-code-session-id") ?? undefined,
    dropped,
  };
  const body = config.dialect === "auto"
    ? toClaudeRequest(request, options)
    : toAnthropicRequest(request, options);
  // Such an upstream reads the documents of every model.
  const unsupported = listUnsupported(models, services).filter((kind) => kind === "image");
  const readable = replaceInput(body, unsupported, { model: models[0], dropped });
  const plain = isPlain ? toPlainTools(readable, dropped) : readable;
  record.dropped = [...dropped];
  return applyAnthropicSettings(plain, settings);
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

async function passStream(
  context: RequestContext,
  { upstream, completion }: UnchangedResult,
): Promise<RouteResult> {
  const { services, timeline, redact } = context;
  const { finished, onEnd } = trackEnd(context);
  let outputTokens = 0;
  timeline.countOutput = () => outputTokens;
  const body = await passThrough(upstream.body, {
    timeoutMs: services.config.timeoutMs,
    pingMs: services.config.pingMs,
    now: services.now,
    openStreams: services.openStreams,
    onEvent: (event) => recordEvent(context, event),
    onDelta: (chars) => {
      outputTokens += Math.max(1, Math.ceil((chars - DELTA_CHARS) / CHARS_PER_TOKEN));
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
  { upstream, completion }: UnchangedResult,
): Promise<RouteResult> {
  const { config, byteBudget } = context.services;
  const { timeoutMs } = config;
  const text = await readUpstreamText(upstream.body, { timeoutMs, share: byteBudget.open() });
  const message = parseJson(text);
  if (!isJsonObject(message)) throw invalidJsonError(context, upstream);
  const { error } = message;
  if (error !== undefined && error !== null) throw parseErrorObject(error);
  recordMessage(context, message);
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
