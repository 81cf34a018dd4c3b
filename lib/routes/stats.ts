/**
 * `GET /stats`: the figures of this process as JSON, for the page and for machines.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { Answer, Exchange, Services } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";

/** Figures change with every request, and are nobody's to keep. */
const HEADERS = { "cache-control": "no-store" };

/**
 * All figures; `?after=N` leaves out the requests up to that number, for who asks again and again.
 * `?request=ID`: the bodies of one request instead.
 * @throws {ApiError} 400 for a number that is none, 404 where no bodies are kept
 */
export function handleStats({ url }: Exchange, { figures, config }: Services): Answer {
  const requestId = url.searchParams.get("request");
  if (requestId !== null) {
    const bodies = figures.findBodies(requestId)?.read();
    if (bodies === undefined) throw notKept(config.inspects);
    return { response: toJsonResponse(bodies, { ...config, headers: HEADERS }) };
  }
  const after = url.searchParams.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(after)) {
    throw new ApiError("invalid_request_error", "after: Input should be a whole number from 0");
  }
  const read = figures.read(Number(after));
  return { response: toJsonResponse(read, { ...config, headers: HEADERS }) };
}

function notKept(inspects: boolean): ApiError {
  const why = inspects
    ? "This request's bodies are not kept any more"
    : "Set INSPECT=1 to keep bodies";
  return new ApiError("not_found_error", why);
}
