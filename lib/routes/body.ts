/**
 * Reading a request body: bounded in size, in silence and in depth, strict in its encoding.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { ApiError } from "../errors.ts";
import { readText } from "../sse/whole.ts";

/** A body that sends nothing for so long is given up; the runtime has no limit of its own. */
const IDLE_MS = 30_000;
/** Deeper JSON is an attack: real requests stay below 30. Checked before the parser recurses. */
const MAX_DEPTH = 512;

/** The limits of {@linkcode readJson}. */
export interface BodyLimits {
  maxBytes: number;
  idleMs?: number;
}

/**
 * The JSON value of a request body.
 * @throws {ApiError} 413 over the limit, 408 on silence, 400 for bytes that are no UTF-8, no JSON, or too deep
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const declared = readLength(request.headers);
  if (declared !== null && declared > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const text = await readBody(request, { ...limits, isBounded: declared !== null });
  if (isTooDeep(text)) {
    throw new ApiError(
      "invalid_request_error",
      `The request body is nested deeper than ${MAX_DEPTH} levels`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = `The request body is not valid JSON${describeSyntaxError(error)}`;
    throw new ApiError("invalid_request_error", message);
  }
}

/** Where the parser stopped. Its own words quote the body, which is nobody's to log. */
function describeSyntaxError(error: unknown): string {
  const words = error instanceof Error ? error.message : "";
  const place = /end of JSON input|at position \d+( \(line \d+ column \d+\))?/.exec(words)?.[0];
  return place === undefined ? "" : `: unexpected ${place.replace(/^at/, "text at")}`;
}

/** The declared length; null for a body that ends when it ends. The runtime refuses heads that say both. */
function readLength(headers: Headers): number | null {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && !headers.has("transfer-encoding") ? Number(length) : null;
}

/** @param limits `isBounded`: the runtime ends the body at its declared length, so nothing need be counted */
async function readBody(
  { body }: Request,
  limits: BodyLimits & { isBounded: boolean },
): Promise<string> {
  if (body === null) return "";
  const idleMs = limits.idleMs ?? IDLE_MS;
  let text: string | null;
  try {
    text = await readText(limits.isBounded ? body : limitBytes(body, limits), idleMs);
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(limits.maxBytes, cause);
    const message = "The request body could not be read, or is not valid UTF-8";
    throw new ApiError("invalid_request_error", message, { cause });
  }
  if (text === null) throw timedOut(idleMs);
  return text;
}

function limitBytes(body: ReadableStream<Uint8Array<ArrayBuffer>>, { maxBytes }: BodyLimits) {
  return body.pipeThrough(new LimitedBytesTransformStream(maxBytes, { error: true }));
}

function tooLarge(maxBytes: number, cause?: unknown): ApiError {
  const limit = Number((maxBytes / 1024 / 1024).toFixed(2));
  return new ApiError(
    "request_too_large",
    `Request exceeds the maximum size of ${limit} MiB (MAX_BODY_MB)`,
    { cause },
  );
}

function timedOut(idleMs: number): ApiError {
  return new ApiError("timeout_error", `The request body sent nothing for ${idleMs / 1000} s`, {
    status: STATUS_CODE.RequestTimeout,
  });
}

/** Whether the brackets outside strings nest too deep. Strings are jumped over, so base64 costs nothing. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at++);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

// Codes and not characters: a loop over numbers costs a fifth of a regular expression's matches.
const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The place behind the quote that ends a string; the end of the text where it never ends. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}
