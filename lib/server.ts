/**
 * Request in, response out: the door, the routes, the request id, the log line, and the one place where an
 * error becomes a response. Knows nothing of messages and blocks.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import {
  authorize,
  authorizePreflight,
  type AuthRequest,
  findAllowedOrigin,
  type Peer,
  readClientKeys,
} from "./auth.ts";
import { ApiError, toApiError, toErrorResponse } from "./errors.ts";
import type { RequestContext, RouteResult, Services } from "./request_context.ts";
import { RequestTimeline } from "./metrics/request_timeline.ts";
import type { RequestRecord } from "./log.ts";
import { createRedactor, listSecrets, looksLikeKey } from "./redact.ts";
import { handleCountTokens } from "./routes/count_tokens.ts";
import { handleHealth, handleHello, handleInfo } from "./routes/info.ts";
import { handleMessages } from "./routes/messages.ts";
import { handleModel, handleModelList } from "./routes/models.ts";
import { handleStats } from "./routes/stats.ts";
import { settlesWithin } from "./stream/deadline.ts";

/**
 * A handler for `Deno.serve`, or for a test without a socket.
 * @param left settles when the answer has left, as far as the caller can tell
 */
export type Handler = (
  request: Request,
  peer: Peer,
  left?: Promise<unknown>,
) => Promise<Response>;

type Route = (exchange: RequestContext, services: Services) => RouteResult | Promise<RouteResult>;

type Methods = Readonly<Record<string, Route>>;

/** Path → method → route. */
const ROUTES: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  ["/", { GET: handleInfo, HEAD: handleHealth }],
  ["/health", { GET: handleHealth, HEAD: handleHealth }],
  ["/api/hello", { GET: handleHello, HEAD: handleHello }],
  ["/stats", { GET: handleStats }],
  ["/v1/messages", { POST: handleMessages }],
  ["/v1/messages/count_tokens", { POST: handleCountTokens }],
  ["/v1/models", { GET: handleModelList }],
]);
const MODEL_PREFIX = "/v1/models/";

const MAX_HEADER_CHARS = 1000;
/** Response headers that a web page of an allowed origin may read. */
const EXPOSED = "request-id, x-proxy-model, x-proxy-dropped, retry-after, x-should-retry";

/** What is kept of every request, even one that makes no exchange. */
type Trace = Pick<RequestContext, "record" | "redact" | "startedAt" | "timeline" | "bodyShare">;

/** Creates the handler. It never rejects. */
export function createHandler(services: Services): Handler {
  let inFlight = 0;
  const secrets = listSecrets(services.config);
  return async (request, peer, left) => {
    // At once: where a client leaves it may be rejected, and nothing else looks at it before the answer has ended.
    const hasGone = left?.catch(() => {});
    const trace = createTrace(request, services, secrets);
    const others = inFlight++;
    const { response: given, finished } = await answer(request, peer, { services, trace, others });
    trace.bodyShare.release();
    const response = inspect(given, trace);
    response.headers.set("request-id", trace.record.requestId);
    describeRecord(response.headers, trace);
    trace.record.status = response.status;
    finish(trace, services, finished)
      .then(() => waitUntilGone(hasGone, services.config.timeoutMs))
      .then(() => inFlight--);
    return response;
  };
}

/**
 * Waits until an answer has left: what is not taken waits in memory, whatever route it is of. Not for longer than a
 * client may take nothing: by then only its last piece is kept.
 */
async function waitUntilGone(gone: Promise<unknown> | undefined, timeoutMs: number): Promise<void> {
  if (gone !== undefined) await settlesWithin(gone, timeoutMs);
}

function createTrace(request: Request, services: Services, secrets: readonly string[]): Trace {
  const startedAt = services.now();
  const redact = createRedactor([
    ...secrets,
    ...readClientKeys(request.headers).filter(looksLikeKey),
  ]);
  const record: RequestRecord = {
    requestId: services.newId("req"),
    method: request.method,
    path: "",
    status: 0,
    totalMs: 0,
    outcome: "complete",
  };
  const timeline = new RequestTimeline({ record, startedAt, redact, now: services.now });
  return { startedAt, redact, record, timeline: timeline, bodyShare: services.byteBudget.open() };
}

async function answer(
  request: Request,
  peer: Peer,
  { services, trace, others }: { services: Services; trace: Trace; others: number },
): Promise<RouteResult> {
  let result: RouteResult;
  try {
    const url = parseUrl(request);
    trace.record.path = url.pathname;
    const visit: AuthRequest = {
      method: request.method,
      path: url.pathname,
      headers: request.headers,
      host: request.headers.get("host") ?? url.host,
      peer,
    };
    if (visit.method === "OPTIONS") return answerPreflight(visit, services);
    const { upstreamKey } = authorize(visit, services.config);
    if (others >= countPlaces(visit, services)) throw tooManyRequestsError();
    const exchange = { ...trace, request, url, upstreamKey };
    result = await untilShutdown(findRoute(visit)(exchange, services), services);
  } catch (error) {
    result = { response: describeError(error, trace, services) };
  }
  // On errors too: without it the page cannot read what is wrong.
  const corsOrigin = findAllowedOrigin(request.headers, services.config);
  if (corsOrigin !== null) allowOrigin(result.response.headers, corsOrigin);
  return result;
}

/** The answer, or the error of a shutdown that comes before it. */
async function untilShutdown(
  answer: RouteResult | Promise<RouteResult>,
  { openStreams }: Services,
): Promise<RouteResult> {
  const { promise: shutdown, reject: end } = Promise.withResolvers<never>();
  const waiting = { end };
  openStreams.add(waiting);
  try {
    return await Promise.race([answer, shutdown]);
  } finally {
    openStreams.delete(waiting);
  }
}

/** Some of the places are for people who look at what keeps a full server busy. */
const PLACES_TO_LOOK = 32;

/** How many requests may be under way before this one is refused. */
function countPlaces({ path }: AuthRequest, { config: { maxInflight } }: Services): number {
  if (path.startsWith("/v1/")) return maxInflight;
  return path === "/" || path === "/stats" ? maxInflight + PLACES_TO_LOOK : Infinity;
}

/** The one URL parse. @throws {ApiError} 400 for a request target or Host that makes no URL */
function parseUrl(request: Request): URL {
  try {
    return new URL(request.url);
  } catch (cause) {
    throw new ApiError("invalid_request_error", "The request target is no valid URL", { cause });
  }
}

/** @throws {ApiError} 404 for an unknown path, 405 with `allow` for an unknown method */
function findRoute({ method, path }: AuthRequest): Route {
  const methods = ROUTES.get(path) ?? modelMethods(path);
  if (methods === undefined) {
    throw new ApiError("not_found_error", `Not found: ${method} ${path}`);
  }
  const route = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (route !== undefined) return route;
  throw new ApiError("invalid_request_error", `Method not allowed: ${method} ${path}`, {
    status: STATUS_CODE.MethodNotAllowed,
    headers: { allow: Object.keys(methods).join(", ") },
  });
}

/** Ids hold slashes; clients send them raw or percent-encoded. */
function modelMethods(path: string): Methods | undefined {
  if (!path.startsWith(MODEL_PREFIX)) return undefined;
  try {
    const id = decodeURIComponent(path.slice(MODEL_PREFIX.length));
    return id === "" ? undefined : { GET: (_exchange, services) => handleModel(id, services) };
  } catch {
    return undefined;
  }
}

function answerPreflight(visit: AuthRequest, { config }: Services): RouteResult {
  const { corsOrigin } = authorizePreflight(visit, config);
  const headers = new Headers({
    "access-control-allow-methods": "GET, POST, HEAD",
    "access-control-max-age": "600",
  });
  const asked = visit.headers.get("access-control-request-headers");
  if (asked !== null) headers.set("access-control-allow-headers", asked);
  allowOrigin(headers, corsOrigin);
  return { response: new Response(null, { status: STATUS_CODE.NoContent, headers }) };
}

function allowOrigin(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", EXPOSED);
  headers.append("vary", "Origin");
}

function describeError(error: unknown, { record, redact }: Trace, { log }: Services): Response {
  const failure = toApiError(error);
  record.outcome = failure.status === 499 ? "client_gone" : failure.type;
  record.error = redact(failure.message);
  if (failure.cause !== undefined) {
    const isOurs = failure !== error;
    log.write(isOurs ? "error" : "debug", `${record.requestId} ${describeCause(failure.cause)}`);
  }
  return toErrorResponse(failure, { requestId: record.requestId, redact });
}

/** With INSPECT the answer is kept as it goes out. */
function inspect(response: Response, { timeline: { capturedBodies } }: Trace): Response {
  if (capturedBodies === null || response.body === null) return response;
  return new Response(capturedBodies.capture("answer", response.body), response);
}

/** The headers that tell what became of a request: the model that was asked, and what did not travel. */
function describeRecord(headers: Headers, { record, redact }: Trace): void {
  const set = (name: string, value: string) =>
    // Names come from clients and upstream; a header takes printable ASCII, and not too much of it.
    headers.set(name, redact(value).replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_HEADER_CHARS));
  if (record.upstreamModel !== undefined) set("x-proxy-model", record.upstreamModel);
  if (record.dropped?.length) set("x-proxy-dropped", record.dropped.join(", "));
}

/** For our own log only. A bug of ours shows its stack there; clients never see one. */
function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.stack ?? `${cause.name}: ${cause.message}`;
}

/**
 * The metrics, the span and the log line, when the answer has gone out. Never rejects: what fails behind an answer
 * must not end the process.
 */
async function finish(
  trace: Trace,
  services: Services,
  ended: Promise<void> | undefined,
): Promise<void> {
  try {
    await ended;
    recordEnd(trace, services);
  } catch (cause) {
    const { requestId } = trace.record;
    writeSafely(services.log, `${requestId} was not recorded: ${describeCause(cause)}`);
  }
}

function recordEnd(
  { record, startedAt, timeline }: Trace,
  { log, now, metrics, reportSpan }: Services,
): void {
  record.totalMs = Math.round(now() - startedAt);
  const finished = metrics.finish(timeline);
  if (finished !== null) reportSpan(finished);
  log.request(record);
}

function writeSafely(log: Services["log"], message: string): void {
  try {
    log.write("error", message);
  } catch {
    // There is no other place to say it.
  }
}

function tooManyRequestsError(): ApiError {
  return new ApiError("overloaded_error", "Too many requests at once (MAX_INFLIGHT)", {
    headers: { "retry-after": "1" },
  });
}
