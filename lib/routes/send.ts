/**
 * Translates a request and sends it upstream.
 * @module
 */

import type { MessagesRequest } from "../anthropic/types.ts";
import type { RequestContext } from "../request_context.ts";
import { mergeProvider, toOpenAiSettings } from "../model_target.ts";
import { resolveModel } from "../openrouter/model_mapping.ts";
import { toOpenAiRequest } from "../translate/request/openai_request.ts";
import { applySettings } from "../translate/request/target_settings.ts";
import { translateRequest } from "../translate/request/request.ts";
import { type Attempt, listUnsupported, resolveModels, sendWithRetries } from "./attempts.ts";
import { reserveCost } from "./budget.ts";
import { describeImages } from "./describe_images.ts";
import { readSessionHeader, recordModels } from "./record.ts";
import { createCall, type UpstreamResult } from "./upstream_call.ts";

/**
 * Sends a translated request upstream.
 * @throws {ApiError} for upstream's errors, or if upstream cannot be reached
 */
export async function sendUpstream(
  context: RequestContext,
  request: MessagesRequest,
): Promise<UpstreamResult> {
  const { services } = context;
  return await sendWithRetries(
    resolveModels(request, services),
    services,
    (attempt) => send(context, request, attempt),
  );
}

async function send(
  context: RequestContext,
  request: MessagesRequest,
  { models, settings: targetSettings = {}, deadline, isPlain }: Attempt,
): Promise<UpstreamResult> {
  const { services, record, timeline } = context;
  const { config, tokenCalibration } = services;
  const [target] = models;
  const isOpenAi = config.dialect === "openai";
  const settings = isOpenAi ? toOpenAiSettings(targetSettings) : targetSettings;
  recordModels(context, models);
  const unsupported = listUnsupported(models, services);
  const describes = unsupported.includes("image");
  const { body, response, ...translated } = translateRequest(applySettings(request, settings), {
    models,
    limits: services.catalog.find(target) ?? {},
    sessionId: readSessionHeader(context),
    provider: mergeProvider(config.provider, settings.provider),
    serviceTier: settings.service_tier,
    pdfEngine: config.pdfEngine,
    unsupported,
    descriptions: describes ? await describeImages(context, request, deadline) : undefined,
    plainSchemas: isPlain,
    resolveModel: (name) => resolveModel(name, config, services.unavailableDefaults).models[0],
  });
  const dropped = new Set(translated.dropped);
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
