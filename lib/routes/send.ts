/**
 * Sends a request upstream: resolves the model, translates the request, and retries in another form after errors that
 * allow it.
 * @module
 */

import type { MessagesRequest } from "../anthropic/types.ts";
import type { RequestContext, Services } from "../request_context.ts";
import type { UpstreamResponse } from "../openrouter/client.ts";
import { findRefusal, type Refusal } from "../openrouter/errors.ts";
import { type ResolvedModel, resolveModel } from "../openrouter/model_mapping.ts";
import { toOpenAiRequest } from "../translate/request/openai_request.ts";
import type { InputKind } from "../translate/request/placeholders.ts";
import { translateRequest } from "../translate/request/request.ts";
import type { ResponseContext } from "../translate/request/response_context.ts";
import { reserveCost } from "./budget.ts";
import { describeImages } from "./describe_images.ts";
import { recordModels } from "./record.ts";
import { createCall } from "./upstream_call.ts";

/** Upstream's response, and what its translation needs from the request. */
export interface UpstreamResult {
  upstream: UpstreamResponse;
  response: ResponseContext;
}

/** One form of a request, for one target. */
interface Attempt extends ResolvedModel {
  /** When TIMEOUT_S ends, by the services' clock. */
  deadline: number;
  /** Tools are sent with plain schemas, because the target has rejected one. */
  isPlain: boolean;
}

/**
 * Sends a request upstream. After an error that another form of the request may avoid, remembers the reason for the
 * lifetime of the process and sends the request once more, within the same TIMEOUT_S.
 * @throws {ApiError} for upstream's errors, or if upstream cannot be reached
 */
export async function sendUpstream(
  context: RequestContext,
  request: MessagesRequest,
): Promise<UpstreamResult> {
  const { services } = context;
  const deadline = services.now() + services.config.timeoutMs;
  const resolved = resolveModels(request, services);
  const isPlain = services.learnedLimits.plainSchemas.has(resolved.models[0]);
  let attempt: Attempt = { ...resolved, deadline, isPlain };
  const retried = new Map<Refusal, unknown>();
  for (;;) {
    try {
      const result = await send(context, request, attempt);
      if (attempt.isPlain) learnPlain(attempt, services);
      return result;
    } catch (error) {
      const refusal = findRefusal(error);
      if (refusal === null) throw error;
      // The first schema error is about the client's own schema, the second about the simplified one.
      if (retried.has(refusal)) throw refusal === "tool_schema" ? retried.get(refusal) : error;
      retried.set(refusal, error);
      const next = RETRIES[refusal](attempt, services);
      if (next === null) throw error;
      attempt = next;
    }
  }
}

/** Returns the next attempt; null to report the error. */
type Retry = (attempt: Attempt, services: Services) => Attempt | null;

const RETRIES: Readonly<Record<Refusal, Retry>> = {
  unknown_model: replaceDefault,
  tool_schema: simplifySchemas,
  image_input: hideImages,
};

function replaceDefault(
  attempt: Attempt,
  { config, unavailableDefaults, learnedLimits, log }: Services,
): Attempt | null {
  const { models: [target], fallback } = attempt;
  if (fallback === null || config.dialect !== "openrouter") return null;
  if (unavailableDefaults.add(target)) {
    log.write("warn", `OpenRouter does not know ${target}; using ${fallback} instead`);
  }
  const isPlain = learnedLimits.plainSchemas.has(fallback);
  return { ...attempt, models: [fallback], fallback: null, isPlain };
}

function simplifySchemas(attempt: Attempt): Attempt | null {
  return attempt.isPlain ? null : { ...attempt, isPlain: true };
}

/** Only after plain schemas have worked: otherwise they would be sent to a target that rejects them as well. */
function learnPlain({ models: [target] }: Attempt, { learnedLimits, log }: Services): void {
  if (!learnedLimits.plainSchemas.add(target)) return;
  log.write("warn", `${target} refused the schema of a tool; sending plain schemas from now on`);
}

/** A note replaces each image. OpenRouter rejects a list of models only if none of them accepts images. */
function hideImages(attempt: Attempt, { learnedLimits, log }: Services): Attempt | null {
  const learned = attempt.models.filter((model) => learnedLimits.textOnly.add(model));
  if (learned.length === 0) return null;
  log.write(
    "warn",
    `${learned.join(", ")} refused an image; from now on a note is sent in its place`,
  );
  return attempt;
}

/** Lists what none of the models accepts, by the catalog or by earlier errors. */
function listUnsupported(
  models: readonly string[],
  { catalog, learnedLimits, config }: Services,
): InputKind[] {
  const isUnsupported = (kind: InputKind) =>
    models.every((model) =>
      learnedLimits.textOnly.has(model) ||
      catalog.find(model)?.inputModalities?.includes(kind) === false
    );
  // OpenRouter parses PDFs for every model, except with the engine `native`.
  const parsesFiles = config.dialect === "openrouter" && config.pdfEngine !== "native";
  const kinds: InputKind[] = parsesFiles ? ["image"] : ["image", "file"];
  return kinds.filter(isUnsupported);
}

/** Resolves the requested model, followed by the request's own fallbacks. */
function resolveModels(
  { model, fallbacks }: MessagesRequest,
  { config, unavailableDefaults }: Services,
): ResolvedModel {
  const first = resolveModel(model, config, unavailableDefaults);
  if (fallbacks.length === 0) return first;
  const others = fallbacks.flatMap((name) =>
    resolveModel(name, config, unavailableDefaults).models
  );
  const [target, ...rest] = [...new Set([...first.models, ...others])];
  return { models: [target ?? first.models[0], ...rest], fallback: null };
}

async function send(
  context: RequestContext,
  request: MessagesRequest,
  { models, deadline, isPlain }: Attempt,
): Promise<UpstreamResult> {
  const { services, record, timeline } = context;
  const { config, tokenCalibration } = services;
  const [target] = models;
  recordModels(context, models);
  const unsupported = listUnsupported(models, services);
  const describes = unsupported.includes("image");
  const { body, response, ...translated } = translateRequest(request, {
    models,
    limits: services.catalog.find(target) ?? {},
    sessionId: context.request.headers.get("x-claude-code-session-id") ?? undefined,
    provider: config.provider,
    pdfEngine: config.pdfEngine,
    unsupported,
    descriptions: describes ? await describeImages(context, request, deadline) : undefined,
    plainSchemas: isPlain,
    resolveModel: (name) => resolveModel(name, config, services.unavailableDefaults).models[0],
  });
  const dropped = new Set(translated.dropped);
  const isOpenAi = config.dialect === "openai";
  const chatRequest = isOpenAi ? toOpenAiRequest(body, dropped) : body;
  record.dropped = [...dropped];
  const { cacheTtl, isStream } = response;
  const inputTokens = tokenCalibration.adjust(target, response.inputTokens);
  reserveCost(context, { models, inputTokens, maxTokens: body.max_tokens, cacheTtl, isStream });
  timeline.add("sent", target);
  const upstream = await services.client.sendChat({
    ...createCall(context),
    body: chatRequest,
    anthropicBeta: isOpenAi ? null : translated.anthropicBeta,
    timeoutMs: Math.max(1, deadline - services.now()),
    estimateInput: () => tokenCalibration.adjust(target, response.inputTokens),
  });
  timeline.attachBody(upstream);
  return { upstream, response };
}
