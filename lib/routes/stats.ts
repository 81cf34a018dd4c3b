/**
 * `GET /stats`: the metrics of this process as JSON, for the page and for machines.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";

/** Figures change with every request, and are nobody's to keep. */
const HEADERS = { "cache-control": "no-store" };

/**
 * All metrics; `?after=N` leaves out the requests up to that number, for who asks again and again.
 * `?request=ID`: the bodies of one request instead.
 * @throws {ApiError} 400 for a number that is none, 404 where no bodies are kept
 */
export function handleStats({ url }: RequestContext, { metrics, config }: Services): RouteResult {
  const requestId = url.searchParams.get("request");
  if (requestId !== null) {
    const bodies = metrics.findBodies(requestId)?.read();
    if (bodies === undefined) throw notKept(config.capturesBodies);
    return { response: toJsonResponse(bodies, { ...config, headers: HEADERS }) };
  }
  const after = url.searchParams.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(after)) {
    throw new ApiError("invalid_request_error", "after: Input should be a whole number from 0");
  }
  const read = metrics.read(Number(after));
  return { response: toJsonResponse(read, { ...config, headers: HEADERS }) };
}

function notKept(inspects: boolean): ApiError {
  const why = inspects
    ? "This request's bodies are not kept any more"
    : "Set INSPECT=1 to keep bodies";
  return new ApiError("not_found_error", why);
}
