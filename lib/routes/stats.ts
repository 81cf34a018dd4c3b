/**
 * `GET /stats`: the figures of this process as JSON, for the page and for machines.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { Answer, Exchange, Services } from "../exchange.ts";

/** Figures change with every request, and are nobody's to keep. */
const HEADERS = { "cache-control": "no-store" };

/**
 * All figures; `?after=N` leaves out the requests up to that number, for who asks again and again.
 * @throws {ApiError} 400 for a number that is none
 */
export function handleStats({ url }: Exchange, { figures }: Services): Answer {
  const after = url.searchParams.get("after") ?? "0";
  if (!/^\d{1,15}$/.test(after)) {
    throw new ApiError("invalid_request_error", "after: Input should be a whole number from 0");
  }
  return { response: Response.json(figures.read(Number(after)), { headers: HEADERS }) };
}
