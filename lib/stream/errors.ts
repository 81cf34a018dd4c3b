/**
 * What is said of an answer that did not come to its end, however it is read.
 * @module
 */

import { ApiError } from "../errors.ts";

/** More came than is kept. @param what such as "an event of more than 16 MiB" */
export function responseTooLargeError(what: string): ApiError {
  return new ApiError("api_error", `Upstream sent ${what}`, { status: 502 });
}

/** The connection was cut, or what came over it is no text. */
export function connectionLostError(cause?: unknown): ApiError {
  const message = "OpenRouter's answer broke off before it was complete";
  return new ApiError("api_error", message, { status: 502, cause });
}

/** Nothing came for so many milliseconds. */
export function idleTimeoutError(timeoutMs: number): ApiError {
  const message = `OpenRouter was silent for ${timeoutMs / 1000} s (TIMEOUT_S)`;
  return new ApiError("timeout_error", message);
}
