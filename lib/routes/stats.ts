/**
 * `GET /stats`: the metrics of this process as JSON, for the dashboard and for scripts.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";

const HEADERS = { "cache-control": "no-store" };

/**
 * Responds with all metrics. `?after=N` omits the requests up to that number, for polling clients.
 * `?request=ID` returns the bodies of one request instead, `?session=ID` one session.
 * @throws {ApiError} 400 for an invalid number, 404 if the bodies were not captured or the session is unknown
 */
export function handleStats({ url, services }: RequestContext): RouteResult {
  const { metrics, config, history } = services;
  const sessionId = url.searchParams.get("session");
  if (sessionId !== null) {
    const session = metrics.findSession(sessionId);
    if (session === undefined) throw new ApiError("not_found_error", "No request of this session");
    return { response: toJsonResponse(session, { ...config, headers: HEADERS }) };
  }
  const requestId = url.searchParams.get("request");
  if (requestId !== null) {
    const bodies = metrics.findBodies(requestId)?.read();
    if (bodies === undefined) throw bodiesNotFoundError(config.capturesBodies);
    return { response: toJsonResponse(bodies, { ...config, headers: HEADERS }) };
  }
  const after = url.searchParams.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(after)) {
    throw new ApiError("invalid_request_error", "after: Input should be a whole number from 0");
  }
  const stats = metrics.read(Number(after));
  if (history !== null) stats.history = { days: history.days };
  return { response: toJsonResponse(stats, { ...config, headers: HEADERS }) };
}

function bodiesNotFoundError(capturesBodies: boolean): ApiError {
  const message = capturesBodies
    ? "The bodies of this request are no longer kept"
    : "Set INSPECT=1 to capture bodies";
  return new ApiError("not_found_error", message);
}
