/**
 * `GET /`, `GET /health` and `/api/hello`: what this is, and that it is alive.
 * @module
 */

import { accepts } from "@std/http/negotiation";
import type { Answer, Exchange, Services } from "../exchange.ts";

/** What `GET /` says of each endpoint. */
const ENDPOINTS = {
  "POST /v1/messages": "Anthropic Messages API, streamed or whole",
  "POST /v1/messages/count_tokens": "Local estimate of a request's input tokens",
  "GET /v1/models": "OpenRouter's models in Anthropic's shape",
  "GET /v1/models/{id}": "One of them",
  "GET /stats": "Figures of this process",
  "GET /health": "Liveness",
} as const;

/** Liveness: exactly `{"status":"ok"}`. */
export function handleHealth(): Answer {
  return { response: Response.json({ status: "ok" }) };
}

/** The greeting that Claude Code sends at its start. */
export function handleHello(): Answer {
  return { response: Response.json({ message: "hello" }) };
}

/** What this is: JSON, on one line for machines and indented for a person in a browser. */
export function handleInfo({ request }: Exchange, { about, config }: Services): Answer {
  const { opus, sonnet, haiku, other } = config.targets;
  const info = {
    ...about,
    endpoints: ENDPOINTS,
    models: {
      opus: opus.models.join(","),
      sonnet: sonnet.models.join(","),
      haiku: haiku.models.join(","),
      other: other.models.join(","),
    },
  };
  const isPerson = accepts(request, "application/json", "text/html") === "text/html";
  const body = JSON.stringify(info, null, isPerson ? 2 : 0);
  return { response: new Response(body, { headers: { "content-type": "application/json" } }) };
}
