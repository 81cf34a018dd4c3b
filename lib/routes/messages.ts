/**
 * `POST /v1/messages`: the timeline of a request, from body to answer.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/parse_request.ts";
import { ApiError, clientDisconnectedError } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { respondJson, respondStream } from "./respond.ts";
import { type SendOptions, sendUpstream, type UpstreamResult } from "./send.ts";
import { readJson } from "./read_body.ts";
import { requireBudget } from "./budget.ts";
import { respondUnchanged, sendUnchanged } from "./passthrough.ts";

/**
 * Handles one message request.
 * @throws {ApiError} for everything that goes wrong before the head of the answer has left
 */
export async function handleMessages(
  exchange: RequestContext,
  services: Services,
): Promise<RouteResult> {
  // First: a client without a key must not make the proxy read a large body, nor appear in the metrics.
  const key = findKey(exchange, services);
  services.metrics.start(exchange.timeline);
  const options = { exchange, services, key };
  return services.config.dialect === "anthropic"
    ? await passMessages(options)
    : await translateMessages(options);
}

async function translateMessages(options: SendOptions): Promise<RouteResult> {
  const { exchange, services } = options;
  // Nothing here holds the request: it may have 32 MB, and the answer may take minutes.
  const upstream = await sendWithBudget(options, (body) => translateAndSend(body, options));
  exchange.bodyShare.release();
  const answer = upstream.client.stream ? respondStream : respondJson;
  return await throwIfClientGone(exchange, answer(upstream, { exchange, services }));
}

async function translateAndSend(body: unknown, options: SendOptions): Promise<UpstreamResult> {
  const asked = parseMessagesRequest(body);
  options.exchange.record.model = asked.model;
  requireBudget(options.services);
  return await sendUpstream(asked, options);
}

async function passMessages(options: SendOptions): Promise<RouteResult> {
  const { exchange, services } = options;
  const answer = await sendWithBudget(options, (body) => sendUnchanged(body, options));
  exchange.bodyShare.release();
  return await throwIfClientGone(exchange, respondUnchanged(answer, exchange, services));
}

/** Reads the body, and asks with it. */
async function sendWithBudget<T>(
  { exchange, services }: SendOptions,
  ask: (body: unknown) => Promise<T>,
): Promise<T> {
  const body = await readJson(exchange.request, {
    maxBytes: services.config.maxBodyBytes,
    share: exchange.bodyShare,
    now: services.now,
    onText: (text) => exchange.timeline.capturedBodies?.set("request", text),
  });
  return await throwIfClientGone(exchange, ask(body));
}

/** What breaks after the client has left broke because it left. */
async function throwIfClientGone<T>({ request }: RequestContext, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (request.signal.aborted) throw clientDisconnectedError(error);
    throw error;
  }
}

/** The key that pays; null only for another server than OpenRouter, which may want none. */
function findKey({ upstreamKey }: RequestContext, { config }: Services): string | null {
  if (upstreamKey !== null || config.dialect === "openai") return upstreamKey;
  throw new ApiError(
    "authentication_error",
    "No OpenRouter key: set OPENROUTER_API_KEY for the proxy, or send your own sk-or-… key",
  );
}
