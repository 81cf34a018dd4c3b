/**
 * `GET /stats`: the metrics of this process as JSON, for the dashboard and for scripts. `POST /stats/capture` switches
 * the capture of bodies on and off.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { Bodies, SessionStats } from "../metrics/types.ts";
import type { RequestContext, RouteResult } from "../request_context.ts";
import { toJsonResponse } from "../stream/paced_body.ts";
import { findClosestLimit } from "./budget.ts";
import { readJson } from "./read_body.ts";
import { readSetup } from "./setup.ts";

const HEADERS = { "cache-control": "no-store" };
/** Completed requests in one response. */
const MAX_LIMIT = 1000;
const MAX_SWITCH_BYTES = 1024;

/**
 * Responds with all metrics. `?after=N` omits the requests up to that number, for polling clients; `?limit=N` lists
 * more or fewer than 200. Instead of the metrics, `?before=N` returns only older requests, `?request=ID` the bodies of
 * one request, `?session=ID` one session, `?setup=1` how the proxy is set up.
 * @throws {ApiError} 400 for an invalid number, 404 if the bodies were not captured or the session is unknown
 */
export async function handleStats(context: RequestContext): Promise<RouteResult> {
  const { readUrl, services: { config } } = context;
  const { searchParams } = readUrl();
  const [read] = PARTS.filter(([name]) => searchParams.has(name)).map(([, read]) => read);
  const value = await (read ?? readMetrics)(context);
  return { response: toJsonResponse(value, { ...config, headers: HEADERS }) };
}

/** Reads what a parameter selects; the value, or a promise for it. */
type Reader = (context: RequestContext) => unknown;

/** Parameter → what it selects. */
const PARTS: readonly (readonly [name: string, read: Reader])[] = [
  ["session", readSession],
  ["request", readBodies],
  ["setup", readSetup],
  ["before", readOlder],
];

async function readMetrics(context: RequestContext): Promise<unknown> {
  const { figures, history } = context.services;
  const stats = await figures.read(readNumber(context, "after") ?? 0, readLimit(context));
  if (history !== null) stats.history = { days: history.days };
  return stats;
}

async function readOlder(context: RequestContext): Promise<unknown> {
  const before = readNumber(context, "before") ?? 0;
  const limit = readLimit(context) ?? MAX_LIMIT;
  return { requests: await context.services.figures.listCompleted({ before, limit }) };
}

async function readSession(context: RequestContext): Promise<SessionStats> {
  const { readUrl, services: { figures } } = context;
  const session = await figures.findSession(readUrl().searchParams.get("session") ?? "");
  if (session === undefined) throw new ApiError("not_found_error", "No request of this session");
  const { spentUsd, maxCostUsd } = findClosestLimit(context) ?? {};
  const limit = spentUsd === undefined || maxCostUsd === undefined
    ? null
    : { spentUsd, maxCostUsd };
  return { ...session, limit };
}

async function readBodies({ readUrl, services }: RequestContext): Promise<Bodies> {
  const { metrics, figures } = services;
  const bodies = await figures.readBodies(readUrl().searchParams.get("request") ?? "");
  if (bodies !== undefined) return bodies;
  const message = metrics.capturesBodies
    ? "The bodies of this request were not captured, or are no longer kept"
    : "Set INSPECT=1 to capture bodies, or switch it on in the dashboard";
  throw new ApiError("not_found_error", message);
}

function readLimit(context: RequestContext): number | undefined {
  return readNumber(context, "limit", { from: 1, to: MAX_LIMIT });
}

/** @throws {ApiError} 400 for a value that is not a whole number in the range */
function readNumber(
  { readUrl }: RequestContext,
  name: string,
  { from, to }: { from: number; to: number } = { from: 0, to: Number.MAX_SAFE_INTEGER },
): number | undefined {
  const text = readUrl().searchParams.get(name);
  if (text === null) return undefined;
  const number = Number(text);
  if (/^\d{1,15}$/.test(text) && number >= from && number <= to) return number;
  const range = to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`;
  throw new ApiError("invalid_request_error", `${name}: Input should be a whole number ${range}`);
}

/**
 * Switches the capture of bodies: `{"on": true}` or `{"on": false}`, which also drops those captured so far. Allowed
 * to the clients that may read bodies; the authorization has checked origin and content type.
 * @throws {ApiError} 400 for another body
 */
export async function handleCapture(context: RequestContext): Promise<RouteResult> {
  const { request, record, services: { figures, log, config } } = context;
  const body = await readJson(request, { maxBytes: MAX_SWITCH_BYTES });
  const isOn = isJsonObject(body) ? body["on"] : undefined;
  if (typeof isOn !== "boolean") {
    throw new ApiError("invalid_request_error", "on: Input should be true or false");
  }
  await figures.setCapture(isOn);
  const what = isOn ? "on: clients of the dashboard can read them" : "off";
  log.write("warn", `${record.requestId} switched the capture of bodies ${what}`);
  return { response: toJsonResponse({ on: isOn }, { ...config, headers: HEADERS }) };
}
