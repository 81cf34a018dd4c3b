/**
 * `POST /v1/messages`: reads the body, sends the request upstream, and responds.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/parse_request.ts";
import { ApiError, clientDisconnectedError } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { respondJson, respondStream } from "./respond.ts";
import { sendUpstream, type UpstreamResult } from "./send.ts";
import { readRequestBody } from "./read_body.ts";
import { recordSession } from "./record.ts";
import { requireBudget, setLimitHeaders } from "./budget.ts";
import { respondUnchanged, sendUnchanged } from "./passthrough.ts";

/**
 * Handles one message request.
 * @throws {ApiError} for every error before the response headers
 */
export async function handleMessages(context: RequestContext): Promise<RouteResult> {
  // First: without a key the body is not read, and the request is not counted.
  requireUpstreamKey(context);
  context.services.metrics.start(context.timeline);
  const result = context.services.config.dialect === "anthropic"
    ? await passMessages(context)
    : await translateMessages(context);
  setLimitHeaders(context, result.response.headers);
  return result;
}

async function translateMessages(context: RequestContext): Promise<RouteResult> {
  // No variable here refers to the parsed request: it may take 32 MB, and the response minutes.
  const result = await readAndSend(context, (body) => parseAndSend(context, body));
  const respond = result.response.isStream ? respondStream : respondJson;
  return await detectDisconnect(context, respond(context, result));
}

async function parseAndSend(context: RequestContext, body: unknown): Promise<UpstreamResult> {
  const request = parseMessagesRequest(body);
  context.record.model = request.model;
  requireBudget(context);
  return await sendUpstream(context, request);
}

async function passMessages(context: RequestContext): Promise<RouteResult> {
  const upstream = await readAndSend(context, (body) => sendUnchanged(context, body));
  return await detectDisconnect(context, respondUnchanged(context, upstream));
}

async function readAndSend<T>(
  context: RequestContext,
  send: (body: unknown) => Promise<T>,
): Promise<T> {
  const body = await readRequestBody(context);
  recordSession(context, body);
  const result = await detectDisconnect(context, send(body));
  context.bodyShare.release();
  return result;
}

/** An error after the client has disconnected is a consequence of that. */
async function detectDisconnect<T>({ request }: RequestContext, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (request.signal.aborted) throw clientDisconnectedError(error);
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
