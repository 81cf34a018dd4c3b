/**
 * Handles a request: authorization, routing, the request ID and the log line. The one place that turns a thrown error
 * into a response. Knows nothing of messages and content blocks.
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
import { Disconnect } from "./disconnect_signal.ts";
import { ApiError, toErrorResponse } from "./errors.ts";
import type { RequestContext, RouteResult, Services } from "./request_context.ts";
import { RequestTimeline } from "./metrics/request_timeline.ts";
import type { RequestRecord } from "./log.ts";
import { type ConfiguredKeys, createRedactor, listSecrets, looksLikeKey } from "./redact.ts";
import { handleCountTokens } from "./routes/count_tokens.ts";
import { handleHistory } from "./routes/history.ts";
import { handleHealth, handleHello, handleInfo, toErrorPage } from "./routes/info.ts";
import { handleMessages } from "./routes/messages.ts";
import { handleModel, handleModelList } from "./routes/models.ts";
import { recordError, recordFinished } from "./routes/record.ts";
import { handleCapture, handleStats } from "./routes/stats.ts";
import { settlesWithin } from "./stream/deadline.ts";

/**
 * A handler for `Deno.serve`, or for a test without a socket.
 * @param completed settles when the response has been sent, as far as the caller knows
 */
export type Handler = (
  request: Request,
  peer: Peer,
  completed?: Promise<unknown>,
) => Promise<Response>;

type Route = (context: RequestContext) => RouteResult | Promise<RouteResult>;

type Methods = Readonly<Record<string, Route>>;

/** Path → method → route. */
const ROUTES: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  ["/", { GET: handleInfo, HEAD: handleHealth }],
  ["/health", { GET: handleHealth, HEAD: handleHealth }],
  ["/api/hello", { GET: handleHello, HEAD: handleHello }],
  ["/stats", { GET: handleStats }],
  ["/stats/history", { GET: handleHistory }],
  ["/stats/capture", { POST: handleCapture }],
  ["/v1/messages", { POST: handleMessages }],
  ["/v1/messages/count_tokens", { POST: handleCountTokens }],
  ["/v1/models", { GET: handleModelList }],
]);
const MODEL_PREFIX = "/v1/models/";

const MAX_HEADER_CHARS = 1000;
/** Response headers that scripts of an allowed origin may read. */
const EXPOSED_HEADERS = "request-id, x-proxy-model, x-proxy-dropped, retry-after, x-should-retry";

/** Creates the handler. It never rejects. */
export function createHandler(services: Services): Handler {
  const { inFlight } = services;
  const redactor = new RequestRedactor(services.config);
  return async (request, peer, completed) => {
    // Handled at once: it may reject when the client disconnects, long before it is awaited.
    const sent = completed?.catch(() => {});
    const context = createContext(request, services, redactor.create(request.headers));
    const { response: routed, finished } = await respond(context, peer, inFlight.enter());
    context.bodyShare.release();
    const response = captureBody(context, routed);
    response.headers.set("request-id", context.record.requestId);
    setProxyHeaders(context, response.headers);
    context.record.status = response.status;
    recordFinished(context, finished)
      .then(() => context.disconnect.stop())
      .then(() => waitUntilSent(sent, services.config.timeoutMs))
      .then(() => inFlight.leave());
    return response;
  };
}

/** Redacts the configured keys, and those of the client of one request. */
class RequestRedactor {
  readonly #secrets: readonly string[];
  /** Nearly all clients send one of the configured keys, or a word. */
  readonly #redact: (text: string) => string;

  constructor(config: ConfiguredKeys) {
    this.#secrets = listSecrets(config);
    this.#redact = createRedactor(this.#secrets);
  }

  create(headers: Headers): (text: string) => string {
    const keys = readClientKeys(headers).filter((key) =>
      looksLikeKey(key) && !this.#secrets.includes(key)
    );
    return keys.length === 0 ? this.#redact : createRedactor([...this.#secrets, ...keys]);
  }
}

/**
 * Waits until a response has been sent: until then it takes memory, whatever the route. Not longer than a client may
 * be idle: after that only the last chunk is left.
 */
async function waitUntilSent(sent: Promise<unknown> | undefined, timeoutMs: number): Promise<void> {
  if (sent !== undefined) await settlesWithin(sent, timeoutMs);
}

function createContext(
  request: Request,
  services: Services,
  redact: (text: string) => string,
): RequestContext {
  const startedAt = services.now();
  const record: RequestRecord = {
    requestId: services.newId("req"),
    method: request.method,
    path: "",
    status: 0,
    totalMs: 0,
    outcome: "complete",
  };
  return {
    request,
    readUrl: () => parseUrl(request.url),
    disconnect: new Disconnect(request),
    services,
    upstreamKey: null,
    record,
    timeline: new RequestTimeline({ record, startedAt, redact, now: services.now }),
    bodyShare: services.byteBudget.open(),
    startedAt,
    redact,
  };
}

/** @param others how many other requests are in flight */
async function respond(context: RequestContext, peer: Peer, others: number): Promise<RouteResult> {
  const { request, record, services } = context;
  const { config, dashboardLink: link } = services;
  let result: RouteResult;
  try {
    const url = context.readUrl();
    const { pathname: path, host } = url;
    record.path = path;
    const { method, headers } = request;
    const authRequest = {
      ...{ method, path, headers, peer },
      host: headers.get("host") ?? host,
      // Else the error is a 404 or 405, whatever the type.
      readsBody: findMethods(path)?.[method] !== undefined,
    };
    if (method === "OPTIONS") return respondToPreflight(authRequest, services);
    const access = authorize(authRequest, config, link?.read(url));
    context.upstreamKey = access.upstreamKey;
    context.timeline.keyIndex = access.keyIndex;
    if (others >= findMaxInFlight(path, config.maxInflight)) throw tooManyRequestsError();
    // Redeemed before the first await, so that only one request can use the link.
    const cookie = access.usesLink && link?.redeem(config.port);
    result = await untilShutdown(findRoute(method, path)(context), services);
    if (cookie !== undefined) result.response.headers.set("set-cookie", cookie);
  } catch (error) {
    result = { response: toResponse(context, error) };
  }
  // On errors too: without the header a web page cannot read what is wrong.
  const corsOrigin = findAllowedOrigin(request.headers, config);
  if (corsOrigin !== null) setCorsHeaders(result.response.headers, corsOrigin);
  return result;
}

/** Waits for a route. @throws {ApiError} if the drain period ends before it has a response */
async function untilShutdown(
  result: RouteResult | Promise<RouteResult>,
  { openStreams }: Services,
): Promise<RouteResult> {
  const { promise: shutdown, reject: end } = Promise.withResolvers<never>();
  const pending = { end };
  openStreams.add(pending);
  try {
    return await Promise.race([result, shutdown]);
  } finally {
    openStreams.delete(pending);
  }
}

/** Extra places for `/`, `/stats` and its parts, so that a busy server can be inspected. */
const EXTRA_IN_FLIGHT = 32;

function findMaxInFlight(path: string, maxInflight: number): number {
  if (path.startsWith("/v1/")) return maxInflight;
  return path === "/" || /^\/stats(\/|$)/.test(path) ? maxInflight + EXTRA_IN_FLIGHT : Infinity;
}

function parseUrl(url: string): URL {
  try {
    return new URL(url);
  } catch (cause) {
    const message = "The request target is not a valid URL";
    throw new ApiError("invalid_request_error", message, { cause });
  }
}

/** @throws {ApiError} 404 for an unknown path, 405 with `allow` for an unknown method */
function findRoute(method: string, path: string): Route {
  const methods = findMethods(path);
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

function findMethods(path: string): Methods | undefined {
  return ROUTES.get(path) ?? findModelMethods(path);
}

/** Model IDs contain slashes; clients send them raw or percent-encoded. */
function findModelMethods(path: string): Methods | undefined {
  if (!path.startsWith(MODEL_PREFIX)) return undefined;
  try {
    const id = decodeURIComponent(path.slice(MODEL_PREFIX.length));
    return id === "" ? undefined : { GET: (context) => handleModel(context, id) };
  } catch {
    return undefined;
  }
}

function respondToPreflight(request: AuthRequest, { config }: Services): RouteResult {
  const { corsOrigin } = authorizePreflight(request, config);
  const headers = new Headers({
    "access-control-allow-methods": "GET, POST, HEAD",
    "access-control-max-age": "600",
  });
  const requested = request.headers.get("access-control-request-headers");
  if (requested !== null) headers.set("access-control-allow-headers", requested);
  setCorsHeaders(headers, corsOrigin);
  return { response: new Response(null, { status: STATUS_CODE.NoContent, headers }) };
}

function setCorsHeaders(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", EXPOSED_HEADERS);
  headers.append("vary", "Origin");
}

function toResponse(context: RequestContext, error: unknown): Response {
  const { record: { requestId }, redact } = context;
  const apiError = recordError(context, error);
  return toErrorPage(context, apiError) ?? toErrorResponse(apiError, { requestId, redact });
}

/** Captures the response body as it is sent (INSPECT). */
function captureBody({ timeline }: RequestContext, response: Response): Response {
  if (timeline.capturedBodies === null || response.body === null) return response;
  return new Response(timeline.capturedBodies.capture("answer", response.body), response);
}

/** Reports the upstream model and the dropped fields. */
function setProxyHeaders({ record, redact }: RequestContext, headers: Headers): void {
  const set = (name: string, value: string) =>
    // The values come from clients and upstream; a header takes printable ASCII of limited length.
    headers.set(name, redact(value).replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_HEADER_CHARS));
  if (record.upstreamModel !== undefined) set("x-proxy-model", record.upstreamModel);
  if (record.dropped?.length) set("x-proxy-dropped", record.dropped.join(", "));
}

function tooManyRequestsError(): ApiError {
  return new ApiError("overloaded_error", "Too many concurrent requests (MAX_INFLIGHT)", {
    headers: { "retry-after": "1" },
  });
}
