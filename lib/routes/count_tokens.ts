/**
 * `POST /v1/messages/count_tokens`: a local estimate, calibrated by what answers report; upstream has no such
 * endpoint.
 * @module
 */

import { parseCountRequest } from "../anthropic/parse_request.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { resolveModel } from "../openrouter/model_mapping.ts";
import { estimateInputTokens } from "../translate/tokens.ts";
import { readJson } from "./read_body.ts";

/** Answers `{input_tokens}`. @throws {ApiError} for a body that is not a request */
export async function handleCountTokens(
  exchange: RequestContext,
  services: Services,
): Promise<RouteResult> {
  const body = await readJson(exchange.request, {
    maxBytes: services.config.maxBodyBytes,
    share: exchange.bodyShare,
    now: services.now,
  });
  const request = parseCountRequest(body);
  const { config, unavailableDefaults, tokenCalibration } = services;
  const [target] = resolveModel(request.model, config, unavailableDefaults).models;
  const tokens = tokenCalibration.adjust(target, estimateInputTokens(request));
  return { response: Response.json({ input_tokens: tokens }) };
}
