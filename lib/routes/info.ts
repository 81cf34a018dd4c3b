/**
 * `GET /`, `GET /health` and `/api/hello`: what this is, for people a page, and that it is alive.
 * @module
 */

import { accepts } from "@std/http/negotiation";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { PAGE, POLICY } from "../dashboard/generated.ts";

/** What `GET /` says of each endpoint. */
const ENDPOINTS = {
  "POST /v1/messages": "Anthropic Messages API, streamed or whole",
  "POST /v1/messages/count_tokens": "Local estimate of a request's input tokens",
  "GET /v1/models": "OpenRouter's models in Anthropic's shape",
  "GET /v1/models/{id}": "One of them",
  "GET /stats": "Figures of this process",
  "GET /health": "Liveness",
} as const;

/** The page loads nothing and runs nothing but what it brings, and nobody frames it. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
  "vary": "accept",
};

/** Liveness: exactly `{"status":"ok"}`. */
export function handleHealth(): RouteResult {
  return { response: Response.json({ status: "ok" }) };
}

/** The greeting that Claude Code sends at its start. */
export function handleHello(): RouteResult {
  return { response: Response.json({ message: "hello" }) };
}

/** The page for a person in a browser; what this is, as JSON, for everybody else. */
export function handleInfo({ request }: RequestContext, { about, config }: Services): RouteResult {
  const isPerson = accepts(request, "application/json", "text/html") === "text/html";
  if (isPerson) return { response: new Response(PAGE, { headers: PAGE_HEADERS }) };
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
  return { response: Response.json(info, { headers: { vary: "accept" } }) };
}
