/**
 * `GET /`, `GET /health` and `/api/hello`: the dashboard or a summary as JSON, and liveness.
 * @module
 */

import { accepts } from "@std/http/negotiation";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { PAGE, POLICY } from "../dashboard/generated.ts";

const ENDPOINTS = {
  "POST /v1/messages": "Anthropic Messages API, with or without streaming",
  "POST /v1/messages/count_tokens": "Local estimate of a request's input tokens",
  "GET /v1/models": "OpenRouter's models in Anthropic's format",
  "GET /v1/models/{id}": "One model",
  "GET /stats": "Statistics of this process",
  "GET /stats/history": "Totals of past requests, with HISTORY",
  "GET /health": "Liveness",
} as const;

/** The dashboard loads nothing from elsewhere and cannot be framed. */
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

/** Responds to the probe that Claude Code sends when it starts. */
export function handleHello(): RouteResult {
  return { response: Response.json({ message: "hello" }) };
}

/** The dashboard for browsers, a summary as JSON for other clients. */
export function handleInfo({ request, services }: RequestContext): RouteResult {
  const isBrowser = accepts(request, "application/json", "text/html") === "text/html";
  if (isBrowser) return { response: new Response(PAGE, { headers: PAGE_HEADERS }) };
  const { opus, sonnet, haiku, other } = services.config.targets;
  const info = {
    ...services.about,
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
