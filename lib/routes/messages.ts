/**
 * `POST /v1/messages`: the journey of a request, from body to answer.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/validate.ts";
import type { MessagesRequest } from "../anthropic/types.ts";
import { ApiError, createClientGone } from "../errors.ts";
import type { Answer, Exchange, Services } from "../exchange.ts";
import { readJson } from "./body.ts";
import { requireBudget } from "./budget.ts";
import { answerPlain, answerStream } from "./answer.ts";
import { type AskOptions, askUpstream } from "./ask.ts";
import { relayMessages } from "./native.ts";

/**
 * Handles one message request.
 * @throws {ApiError} for everything that goes wrong before the head of the answer has left
 */
export async function handleMessages(exchange: Exchange, services: Services): Promise<Answer> {
  // First: a client without a key must not make the proxy read a large body, nor appear in the figures.
  const key = findKey(exchange, services);
  services.figures.begin(exchange.journey);
  const body = await readJson(exchange.request, { maxBytes: services.config.maxBodyBytes });
  exchange.journey.inspection?.keep("request", body);
  const isNative = services.config.dialect === "anthropic";
  try {
    return isNative
      ? await relayMessages(body, { exchange, services, key })
      : await translateMessages(body, { exchange, services, key });
  } catch (error) {
    // What breaks after the client has left broke because it left.
    if (exchange.request.signal.aborted) throw createClientGone(error);
    throw error;
  }
}

async function translateMessages(body: unknown, options: AskOptions): Promise<Answer> {
  const { exchange, services } = options;
  const asked: MessagesRequest = parseMessagesRequest(body);
  exchange.record.model = asked.model;
  requireBudget(services);
  const upstream = await askUpstream(asked, options);
  const answerOptions = { asked, exchange, services };
  return asked.stream
    ? await answerStream(upstream, answerOptions)
    : await answerPlain(upstream, answerOptions);
}

/** The key that pays; null only for another server than OpenRouter, which may want none. */
function findKey({ upstreamKey }: Exchange, { config }: Services): string | null {
  if (upstreamKey !== null || config.dialect === "openai") return upstreamKey;
  throw new ApiError(
    "authentication_error",
    "No OpenRouter key: set OPENROUTER_API_KEY for the proxy, or send your own sk-or-… key",
  );
}
