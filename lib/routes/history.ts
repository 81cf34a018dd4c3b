/**
 * `GET /stats/history`: totals of past requests by day, month, model, key or session; and the entry of a request there.
 * @module
 */

import { ApiError } from "../errors.ts";
import { QueryError } from "../history/query.ts";
import type { History, HistoryReport } from "../history/types.ts";
import { labelKey } from "../metrics/budget.ts";
import type { FinishedRequest } from "../metrics/types.ts";
import type { RequestContext, RouteResult, Services } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";

const HEADERS = { "cache-control": "no-store" };

/**
 * Responds with a report: `?by=day|month|model|key|session&since=7d`, or `12h`, or a date of UTC.
 * @throws {ApiError} 400 for an invalid query, 404 if there is no history, 500 if its file cannot be read
 */
export async function handleHistory({ readUrl, services }: RequestContext): Promise<RouteResult> {
  const { history, config } = services;
  if (history === null) {
    throw new ApiError("not_found_error", "There is no history: set HISTORY to the path of a file");
  }
  const report = await readReport(history, readUrl().searchParams, services);
  return { response: toJsonResponse(report, { ...config, headers: HEADERS }) };
}

async function readReport(
  history: History,
  parameters: URLSearchParams,
  { log }: Services,
): Promise<HistoryReport> {
  try {
    return await history.read({ by: parameters.get("by"), since: parameters.get("since") });
  } catch (cause) {
    if (cause instanceof QueryError) {
      throw new ApiError("invalid_request_error", cause.message, { cause });
    }
    log.write("warn", `The history cannot be read: ${cause instanceof Error ? cause.message : ""}`);
    const message = "The history cannot be read: see the proxy's log";
    throw new ApiError("api_error", message, { cause });
  }
}

/** Adds a completed request to the history, if there is one. */
export function recordHistory(
  { timeline: { keyIndex }, upstreamKey, services }: RequestContext,
  finished: FinishedRequest,
): void {
  const { history, config } = services;
  history?.add(finished, {
    key: keyIndex === null ? undefined : labelKey(keyIndex),
    isClient: upstreamKey !== null && upstreamKey !== config.openrouterApiKey,
  });
}
