/**
 * `POST /v1/messages`: the journey of a request, from body to answer.
 * @module
 */

import { parseMessagesRequest } from "../anthropic/validate.ts";
import type { MessagesRequest } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import type { Answer, Exchange, Services } from "../exchange.ts";
import { readJson } from "./body.ts";
import { answerPlain, answerStream } from "./answer.ts";
import { askUpstream } from "./ask.ts";

/** Longer lists would not fit into a response header of common servers. */
const MAX_DROPPED_CHARS = 1000;

/**
 * Handles one message request.
 * @throws {ApiError} for everything that goes wrong before the head of the answer has left
 */
export async function handleMessages(exchange: Exchange, services: Services): Promise<Answer> {
  const body = await readJson(exchange.request, { maxBytes: services.config.maxBodyBytes });
  const asked: MessagesRequest = parseMessagesRequest(body);
  exchange.record.model = asked.model;
  const key = requireKey(exchange);
  const upstream = await askUpstream(asked, { exchange, services, key });
  exchange.record.dropped = upstream.dropped;
  const answer = asked.stream
    ? await answerStream(upstream, { asked, exchange, services })
    : await answerPlain(upstream, { asked, exchange, services });
  if (upstream.dropped.length > 0) {
    answer.response.headers.set("x-proxy-dropped", formatDropped(upstream.dropped));
  }
  return answer;
}

function requireKey({ upstreamKey }: Exchange): string {
  if (upstreamKey !== null) return upstreamKey;
  throw new ApiError(
    "authentication_error",
    "No OpenRouter key: set OPENROUTER_API_KEY for the proxy, or send your own sk-or-… key",
  );
}

/** Field names only, but some came from the client: a header takes printable ASCII. */
function formatDropped(dropped: string[]): string {
  return dropped.join(", ").replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_DROPPED_CHARS);
}
