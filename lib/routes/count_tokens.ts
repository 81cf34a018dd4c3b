/**
 * `POST /v1/messages/count_tokens`: a local estimate, calibrated by the usage of earlier responses; OpenRouter has no
 * such endpoint.
 * @module
 */

import { parseCountRequest } from "../anthropic/parse_request.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { resolveModel } from "../openrouter/model_mapping.ts";
import { estimateInputTokens } from "../translate/tokens.ts";
import { readRequestBody } from "./read_body.ts";

/** Responds with `{input_tokens}`. @throws {ApiError} for an invalid request */
export async function handleCountTokens(context: RequestContext): Promise<RouteResult> {
  const request = parseCountRequest(await readRequestBody(context));
  const { config, unavailableDefaults, tokenCalibration } = context.services;
  const [target] = resolveModel(request.model, config, unavailableDefaults).models;
  const tokens = tokenCalibration.adjust(target, estimateInputTokens(request));
  return { response: Response.json({ input_tokens: tokens }) };
}
