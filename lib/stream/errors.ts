/**
 * Errors of a response that ends before it is complete, shared by everything that reads or sends one.
 * @module
 */

import { ApiError } from "../errors.ts";

/** Upstream exceeded a size limit. @param what such as "an event of more than 16 MiB" */
export function responseTooLargeError(what: string): ApiError {
  return new ApiError("api_error", `Upstream sent ${what}`, { status: 502 });
}

/** The connection was cut, or its bytes cannot be decoded. */
export function connectionLostError(cause?: unknown): ApiError {
  const message = "The upstream connection closed before the response was complete";
  return new ApiError("api_error", message, { status: 502, cause });
}

export function idleTimeoutError(timeoutMs: number): ApiError {
  const message = `No data from upstream for ${timeoutMs / 1000} s (TIMEOUT_S)`;
  return new ApiError("timeout_error", message);
}

/** Aborts the response of a client that stays connected and does not read. */
export function clientTimeoutError(): Error {
  return new Error("The client read nothing within TIMEOUT_S");
}
