/**
 * The one error of this program and the one table from Anthropic's error type to an HTTP status.
 * Knows nothing of who raises errors or who sends them.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import type { ErrorBody, ErrorType } from "./anthropic/types.ts";

/** The status each error type has unless the error says otherwise. 529 is Anthropic's own. */
const STATUS_OF: Record<ErrorType, number> = {
  invalid_request_error: STATUS_CODE.BadRequest,
  authentication_error: STATUS_CODE.Unauthorized,
  billing_error: STATUS_CODE.PaymentRequired,
  permission_error: STATUS_CODE.Forbidden,
  not_found_error: STATUS_CODE.NotFound,
  request_too_large: STATUS_CODE.ContentTooLarge,
  rate_limit_error: STATUS_CODE.TooManyRequests,
  api_error: STATUS_CODE.InternalServerError,
  timeout_error: STATUS_CODE.GatewayTimeout,
  overloaded_error: 529,
};

/** Clients retry a 401 like a 5xx unless told not to (Claude Code: 7 attempts in 37 s). */
const NEVER_RETRIED: ReadonlySet<number> = new Set([
  STATUS_CODE.BadRequest,
  STATUS_CODE.Unauthorized,
  STATUS_CODE.PaymentRequired,
  STATUS_CODE.Forbidden,
  STATUS_CODE.NotFound,
]);

/** What an {@linkcode ApiError} may carry besides its type and message. */
export interface ApiErrorOptions {
  /** What went wrong underneath; goes to the debug log, never to the client. */
  cause?: unknown;
  /** Where the status differs from the type's own, e.g. 502 for an `api_error` of upstream. */
  status?: number;
  /** Further response headers, e.g. `retry-after` or `allow`. */
  headers?: Record<string, string>;
  /** Anthropic's `details`, which some clients act on. */
  details?: Record<string, unknown>;
}

/** An error in Anthropic's terms. The only one that reaches a client. */
export class ApiError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = "ApiError";
  /** Anthropic's word for what went wrong. */
  readonly type: ErrorType;
  /** The HTTP status it is answered with. */
  readonly status: number;
  /** Response headers that belong to it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Anthropic's `details`; undefined where there are none. */
  readonly details: Record<string, unknown> | undefined;

  /** Creates the error; `message` is what the client reads. */
  constructor(type: ErrorType, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.type = type;
    this.status = options.status ?? STATUS_OF[type];
    this.headers = options.headers ?? {};
    this.details = options.details;
  }
}

/** Anything thrown → an {@linkcode ApiError}; what is not one already becomes a 500 without detail. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError("api_error", "Internal error of the proxy", { cause: error });
}

/** Longer explanations of upstream say nothing more. Cut after redaction: half a key is a secret too. */
const MAX_MESSAGE_CHARS = 2000;

/** The error for a client that has left: nobody reads it but the log. 499 is the usual number for it. */
export function createClientGone(cause: unknown): ApiError {
  return new ApiError("api_error", "The client closed the connection", { status: 499, cause });
}

/** The `error` object of Anthropic's envelope; `redact` sees every word that leaves. */
export function toErrorBody(error: ApiError, redact: (text: string) => string): ErrorBody {
  const message = redact(error.message).slice(0, MAX_MESSAGE_CHARS);
  const body: ErrorBody = { type: error.type, message };
  if (error.details !== undefined) body.details = error.details;
  return body;
}

/** The whole answer for an error before the head has left: `{type:"error", error, request_id}`. */
export function toErrorResponse(
  error: ApiError,
  options: { requestId: string; redact: (text: string) => string },
): Response {
  const headers = new Headers();
  if (NEVER_RETRIED.has(error.status)) headers.set("x-should-retry", "false");
  // Last: an error may know better than its status.
  for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
  const body = {
    type: "error",
    error: toErrorBody(error, options.redact),
    request_id: options.requestId,
  };
  return Response.json(body, { status: error.status, headers });
}
