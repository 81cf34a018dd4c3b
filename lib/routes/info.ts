/**
 * `GET /`, `GET /health` and `/api/hello`: the dashboard or a summary as JSON, and liveness.
 * @module
 */

import { accepts } from "@std/http/negotiation";
import type { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { ERROR_PAGE, ERROR_POLICY, PAGE, POLICY } from "../dashboard/generated.ts";

const ENDPOINTS = {
  "POST /v1/messages": "Anthropic Messages API, with or without streaming",
  "POST /v1/messages/count_tokens": "Local estimate of a request's input tokens",
  "GET /v1/models": "OpenRouter's models in Anthropic's format",
  "GET /v1/models/{id}": "One model",
  "GET /stats": "Statistics of this process",
  "GET /stats/history": "Totals of past requests, with HISTORY",
  "POST /stats/capture": "Switches the capture of bodies on or off",
  "GET /health": "Liveness",
} as const;

const HTML_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "vary": "accept",
};
/** The dashboard loads nothing from elsewhere and cannot be framed. */
const PAGE_HEADERS = {
  ...HTML_HEADERS,
  "content-security-policy": POLICY,
  "cache-control": "no-cache",
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
  if (isBrowser(request)) return { response: new Response(PAGE, { headers: PAGE_HEADERS }) };
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

function isBrowser(request: Request): boolean {
  return accepts(request, "application/json", "text/html") === "text/html";
}

const PASSWORD_FIX =
  "Reload this page. Enter any user name, and one of the keys in PROXY_API_KEYS as the password.";
const LINK_FIX =
  "If the proxy was started with Claude Code, open the link that the terminal showed at the start.";
const LOCAL_FIX =
  "Open this address on the computer that runs the proxy, as http://localhost and its port.";
const KEYS_FIX = "To open it from elsewhere, set PROXY_API_KEYS and restart the proxy.";

/** What to do about an error of the dashboard's address; nothing for errors that say it themselves. */
function listFixes({ status, headers }: ApiError): string[] {
  if (status === 403) return [LOCAL_FIX, KEYS_FIX];
  if (status !== 401) return [];
  // The browser shows no prompt where a password would not help.
  return "www-authenticate" in headers ? [PASSWORD_FIX, LINK_FIX] : [LINK_FIX];
}

/** A small page for a browser that may not open the dashboard; null for other clients and other errors. */
export function toErrorPage(
  { request, record }: RequestContext,
  error: ApiError,
): Response | null {
  const { status, message, headers } = error;
  const fixes = listFixes(error);
  const isDashboard = request.method === "GET" && record.path === "/";
  if (fixes.length === 0 || !isDashboard || !isBrowser(request)) return null;
  const page = ERROR_PAGE.replace("<!-- message -->", () => escapeHtml(message))
    .replace("<!-- fixes -->", () => fixes.map((text) => `<p>${escapeHtml(text)}</p>`).join(""));
  return new Response(page, {
    status,
    headers: {
      ...HTML_HEADERS,
      "content-security-policy": ERROR_POLICY,
      "cache-control": "no-store",
      ...headers,
    },
  });
}

function escapeHtml(text: string): string {
  const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (char) => escapes[char] ?? char);
}
