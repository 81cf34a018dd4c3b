/**
 * The proxy's error class and the HTTP status of each of Anthropic's error types.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";

/** The error types of the API. */
export type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "request_too_large"
  | "rate_limit_error"
  | "timeout_error"
  | "api_error"
  | "overloaded_error";

/** `details` is sent only if a client acts on it. */
export type ErrorBody = {
  type: ErrorType;
  message: string;
  details?: Record<string, unknown> | undefined;
};

/** The status of each error type unless the error has its own. 529 is Anthropic's. */
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

/** Without `x-should-retry: false` clients retry a 401 like a 5xx (Claude Code: 7 attempts in 37 s). */
const NEVER_RETRIED: ReadonlySet<number> = new Set([
  STATUS_CODE.BadRequest,
  STATUS_CODE.Unauthorized,
  STATUS_CODE.PaymentRequired,
  STATUS_CODE.Forbidden,
  STATUS_CODE.NotFound,
]);

/** Options of an {@linkcode ApiError}. */
export interface ApiErrorOptions {
  /** The underlying error; written to the debug log, never sent to the client. */
  cause?: unknown;
  /** Overrides the status of the type, e.g. 502 for an `api_error` of upstream. */
  status?: number | undefined;
  /** Additional response headers, e.g. `retry-after` or `allow`. */
  headers?: Record<string, string>;
  /** Anthropic's `details`, which some clients act on. */
  details?: Record<string, unknown>;
}

/** An error in Anthropic's format. Clients get no other. */
export class ApiError extends Error {
  /** Distinguishes it from other errors in a log. */
  override readonly name = "ApiError";
  /** Anthropic's error type. */
  readonly type: ErrorType;
  /** The HTTP status of the response. */
  readonly status: number;
  /** Additional response headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Anthropic's `details`, if any. */
  readonly details: Record<string, unknown> | undefined;

  /** Creates the error; `message` is sent to the client. */
  constructor(type: ErrorType, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.type = type;
    this.status = options.status ?? STATUS_OF[type];
    this.headers = options.headers ?? {};
    this.details = options.details;
  }
}

/** Converts anything thrown to an {@linkcode ApiError}; other errors become a 500 without details. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError("api_error", "Internal error of the proxy", { cause: error });
}

/** Upstream's messages may be long. Cut after redaction: half a key is a secret too. */
const MAX_MESSAGE_CHARS = 2000;

/** The error for a client that disconnected; only logged. 499 is nginx's status for it. */
export function clientDisconnectedError(cause: unknown): ApiError {
  return new ApiError("api_error", "The client closed the connection", { status: 499, cause });
}

/** The `error` object of Anthropic's error format, with the message redacted. */
export function toErrorBody(error: ApiError, redact: (text: string) => string): ErrorBody {
  const message = redact(error.message).slice(0, MAX_MESSAGE_CHARS);
  const body: ErrorBody = { type: error.type, message };
  if (error.details !== undefined) body.details = error.details;
  return body;
}

/** The error response while no headers are sent yet: `{type:"error", error, request_id}`. */
export function toErrorResponse(
  error: ApiError,
  options: { requestId: string; redact: (text: string) => string },
): Response {
  const headers = new Headers();
  if (NEVER_RETRIED.has(error.status)) headers.set("x-should-retry", "false");
  // Last, because the error's own headers override the default.
  for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
  const body = {
    type: "error",
    error: toErrorBody(error, options.redact),
    request_id: options.requestId,
  };
  return Response.json(body, { status: error.status, headers });
}

/**
 * Whether an error of `fetch` or `Deno.serve` means that the process has too many open files (EMFILE). Deno reports the
 * code only in the message of the error or of its cause.
 */
export function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && /os error 24\b/.test(`${error.message} ${error.cause}`);
}
