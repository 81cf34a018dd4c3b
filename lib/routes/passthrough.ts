/**
 * Sends requests unchanged, to an upstream that implements Anthropic's API itself: all requests with
 * UPSTREAM_DIALECT=anthropic, those for Claude with `auto`. Access, keys, retries, limits and the log work as on the
 * translated route.
 * @module
 */

import { Field } from "../anthropic/field.ts";
import { parseCountRequest, parseFallbacks } from "../anthropic/parse_request.ts";
import { requestsSafeguards } from "../anthropic/safeguards.ts";
import type { RequestContext, Services } from "../request_context.ts";
import { isJsonObject, type JsonObject, toText } from "../json.ts";
import { mergeProvider } from "../model_target.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { resolveModel, usesMessagesApi } from "../openrouter/model_mapping.ts";
import {
  estimateAnthropicTokens,
  findAnthropicCacheTtl,
  listRequestedModels,
  toAnthropicRequest,
} from "../translate/request/anthropic_request.ts";
import { replaceInput, toClaudeRequest } from "../translate/request/claude_request.ts";
import { toPlainTools } from "../translate/request/claude_tools.ts";
import { applyAnthropicSettings } from "../translate/request/target_settings.ts";
import { estimateInputTokens } from "../translate/tokens.ts";
import { type Attempt, listUnsupported, resolveModels, sendWithRetries } from "./attempts.ts";
import { requireBudget, reserveCost } from "./budget.ts";
import type { UnchangedResult } from "./passthrough_response.ts";
import { readSessionHeader, recordModels } from "./record.ts";
import { createCall } from "./upstream_call.ts";

const DEFAULT_VERSION = "2023-06-01";
/** If neither the request nor the catalog has a limit. */
const DEFAULT_MAX_TOKENS = 64_000;

/**
 * Whether a request is sent to upstream's Messages API. One without a model is not: the translated route reports that.
 * @throws {ApiError} 400 for fallbacks of another form
 */
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
  requireBudget(context);
  const inputTokens = services.config.dialect === "auto" ? estimateTokens(request) : null;
  const upstream = await sendWithRetries(
    resolved,
    services,
    (attempt) => send(context, request, { ...attempt, inputTokens }),
  );
  return {
    upstream,
    target: resolved.models[0],
    inputTokens,
    completion: {
      model: services.config.dialect === "auto" ? model : null,
      reportsSafeguards: requestsSafeguards(request["safeguards"]),
    },
  };
}

/** The names of the models that may respond. With UPSTREAM_DIALECT=anthropic upstream handles the fallbacks. */
function readNames(
  request: JsonObject,
  { config }: Services,
): { model: string; fallbacks: string[] } {
  const fallbacks = config.dialect === "auto"
    ? new Field(request).optional("fallbacks", parseFallbacks) ?? []
    : [];
  return { model: toText(request["model"]), fallbacks };
}

/** An attempt with the estimated tokens of the request; null if they are counted only when needed. */
type EstimatedAttempt = Attempt & { inputTokens: number | null };

async function send(
  context: RequestContext,
  request: JsonObject,
  attempt: EstimatedAttempt,
): Promise<UpstreamResponse> {
  const { services, timeline } = context;
  const { tokenCalibration, metrics: { budget } } = services;
  const { models: [target], deadline, inputTokens } = attempt;
  recordModels(context, attempt.models);
  const body = prepare(context, request, attempt);
  const estimateInput = () =>
    tokenCalibration.adjust(target, inputTokens ?? estimateAnthropicTokens(body));
  if (budget.isLimited) reserve(context, body, estimateInput());
  timeline.add("sent", target);
  const { headers } = context.request;
  const upstream = await services.client.sendMessages({
    ...createCall(context),
    body,
    model: target,
    anthropicVersion: headers.get("anthropic-version") ?? DEFAULT_VERSION,
    anthropicBeta: headers.get("anthropic-beta"),
    timeoutMs: Math.max(1, deadline - services.now()),
    estimateInput,
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
    sessionId: readSessionHeader(context),
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

/** Estimated tokens, counted as `count_tokens` does; in a request of an unknown form all strings are counted. */
function estimateTokens(request: JsonObject): number {
  try {
    return estimateInputTokens(parseCountRequest(request));
  } catch {
    return estimateAnthropicTokens(request);
  }
}

function reserve(context: RequestContext, request: JsonObject, inputTokens: number): void {
  const { catalog } = context.services;
  const models = listRequestedModels(request);
  const { max_tokens: requested } = request;
  const limit = catalog.find(models[0])?.maxOutputTokens;
  const maxTokens = typeof requested === "number" && requested > 0
    ? Math.min(requested, limit ?? requested)
    : limit ?? DEFAULT_MAX_TOKENS;
  const isStream = request["stream"] === true;
  const cacheTtl = findAnthropicCacheTtl(request);
  reserveCost(context, { models, inputTokens, maxTokens, cacheTtl, isStream });
}
