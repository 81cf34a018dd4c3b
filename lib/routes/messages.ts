/**
 * `POST /v1/messages`: the journey of a request, from body to answer.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/parse_request.ts";
import { ApiError, createClientGone } from "../errors.ts";
import type { Answer, Exchange, Services } from "../request_context.ts";
import { answerPlain, answerStream } from "./respond.ts";
import { type Asked, type AskOptions, askUpstream } from "./send.ts";
import { readJson } from "./read_body.ts";
import { requireBudget } from "./budget.ts";
import { askNatively, relayAnswer } from "./passthrough.ts";

/**
 * Handles one message request.
 * @throws {ApiError} for everything that goes wrong before the head of the answer has left
 */
export async function handleMessages(exchange: Exchange, services: Services): Promise<Answer> {
  // First: a client without a key must not make the proxy read a large body, nor appear in the figures.
  const key = findKey(exchange, services);
  services.figures.begin(exchange.journey);
  const options = { exchange, services, key };
  return services.config.dialect === "anthropic"
    ? await relayMessages(options)
    : await translateMessages(options);
}

async function translateMessages(options: AskOptions): Promise<Answer> {
  const { exchange, services } = options;
  // Nothing here holds the request: it may have 32 MB, and the answer may take minutes.
  const upstream = await askWith(options, (body) => translateAndAsk(body, options));
  exchange.bodyShare.release();
  const answer = upstream.wanted.stream ? answerStream : answerPlain;
  return await orClientGone(exchange, answer(upstream, { exchange, services }));
}

async function translateAndAsk(body: unknown, options: AskOptions): Promise<Asked> {
  const asked = parseMessagesRequest(body);
  options.exchange.record.model = asked.model;
  requireBudget(options.services);
  return await askUpstream(asked, options);
}

async function relayMessages(options: AskOptions): Promise<Answer> {
  const { exchange, services } = options;
  const answer = await askWith(options, (body) => askNatively(body, options));
  exchange.bodyShare.release();
  return await orClientGone(exchange, relayAnswer(answer, exchange, services));
}

/** Reads the body, and asks with it. */
async function askWith<T>(
  { exchange, services }: AskOptions,
  ask: (body: unknown) => Promise<T>,
): Promise<T> {
  const body = await readJson(exchange.request, {
    maxBytes: services.config.maxBodyBytes,
    share: exchange.bodyShare,
    now: services.now,
    onText: (text) => exchange.journey.inspection?.keep("request", text),
  });
  return await orClientGone(exchange, ask(body));
}

/** What breaks after the client has left broke because it left. */
async function orClientGone<T>({ request }: Exchange, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (request.signal.aborted) throw createClientGone(error);
    throw error;
  }
}

/** The key that pays; null only for another server than OpenRouter, which may want none. */
function findKey({ upstreamKey }: Exchange, { config }: Services): string | null {
  if (upstreamKey !== null || config.dialect === "openai") return upstreamKey;
  throw new ApiError(
    "authentication_error",
    "No OpenRouter key: set OPENROUTER_API_KEY for the proxy, or send your own sk-or-… key",
  );
}
