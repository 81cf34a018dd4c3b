/**
 * `POST /v1/messages`: reads the body, sends the request upstream, translated or unchanged, and responds.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/parse_request.ts";
import { ApiError, clientDisconnectedError } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { respondJson, respondStream } from "./respond.ts";
import { sendUpstream } from "./send.ts";
import type { UpstreamResult } from "./upstream_call.ts";
import { readRequestBody } from "./read_body.ts";
import { recordSession } from "./record.ts";
import { requireBudget, setLimitHeaders } from "./budget.ts";
import { isForMessagesApi, sendUnchanged } from "./passthrough.ts";
import { respondUnchanged, type UnchangedResult } from "./passthrough_response.ts";

/**
 * Handles one message request.
 * @throws {ApiError} for every error before the response headers
 */
export async function handleMessages(context: RequestContext): Promise<RouteResult> {
  // First: without a key the body is not read, and the request is not counted.
  requireUpstreamKey(context);
  context.services.metrics.start(context.timeline);
  // No variable here refers to the request's body: it may take 32 MB, and the response minutes.
  const upstreamResult = await readAndSend(context);
  const result = await detectDisconnect(context, respond(context, upstreamResult));
  setLimitHeaders(context, result.response.headers);
  return result;
}

async function readAndSend(context: RequestContext): Promise<UpstreamResult | UnchangedResult> {
  const body = await readRequestBody(context);
  recordSession(context, body);
  const result = await detectDisconnect(context, send(context, body));
  context.bodyShare.release();
  return result;
}

async function send(
  context: RequestContext,
  body: unknown,
): Promise<UpstreamResult | UnchangedResult> {
  if (isForMessagesApi(body, context.services)) return await sendUnchanged(context, body);
  const request = parseMessagesRequest(body);
  context.record.model = request.model;
  requireBudget(context);
  return await sendUpstream(context, request);
}

async function respond(
  context: RequestContext,
  result: UpstreamResult | UnchangedResult,
): Promise<RouteResult> {
  if ("completion" in result) return await respondUnchanged(context, result);
  return result.response.isStream
    ? await respondStream(context, result)
    : await respondJson(context, result);
}

/** An error after the client has disconnected is a consequence of that. */
async function detectDisconnect<T>(context: RequestContext, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (context.disconnect.signal.aborted) throw clientDisconnectedError(error);
    throw error;
  }
}

/** Servers other than OpenRouter may need no key. */
function requireUpstreamKey({ upstreamKey, services: { config } }: RequestContext): void {
  if (upstreamKey !== null || config.dialect === "openai") return;
  throw new ApiError(
    "authentication_error",
    "No OpenRouter key: set OPENROUTER_API_KEY for the proxy, or send your own sk-or-… key",
  );
}
