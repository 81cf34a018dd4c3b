/**
 * Reading a request body: bounded in size, in time, in pieces and in depth, strict in its encoding.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import type { ByteShare } from "../byte_budget.ts";
import { ApiError } from "../errors.ts";
import { type Progress, readText } from "../stream/read_text.ts";

/** A body that sends nothing for so long is given up; the runtime has no limit of its own. */
const IDLE_MS = 30_000;
/** After this time a body must have come at the least rate: a byte now and then would hold its place for ever. */
const PATIENCE_MS = 60_000;
const LEAST_BYTES_PER_MS = 64;
/** A read costs the same for one byte as for 64 KB: pieces of one byte would take a whole core. */
const MAX_READS = 20_000;
const LEAST_BYTES_PER_READ = 16;
/** Deeper JSON is an attack: real requests stay below 30. Checked before the parser recurses. */
const MAX_DEPTH = 512;

/** The limits of {@linkcode readJson}. */
export interface BodyLimits {
  maxBytes: number;
  /** Of the memory for bodies; the caller releases it. */
  share?: ByteShare;
  /** A monotonic clock, in milliseconds. */
  now?: () => number;
  idleMs?: number;
  /** Told of the text before it is parsed. */
  onText?: (text: string) => void;
}

/**
 * The JSON value of a request body.
 * @throws {ApiError} 413 over the limit, 408 on silence or where it comes too slowly, 529 where there is no memory for
 * it, 400 for bytes in too many pieces, that are not UTF-8, not JSON, or too deep
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const declared = readLength(request.headers);
  if (declared !== null && declared > limits.maxBytes) throw tooLargeError(limits.maxBytes);
  const text = await readBody(request, { ...limits, declared });
  limits.onText?.(text);
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

/** @param limits `declared`: the runtime ends the body there; null: it ends when it ends */
async function readBody(
  { body }: Request,
  limits: BodyLimits & { declared: number | null },
): Promise<string> {
  if (body === null) return "";
  const { declared, share, idleMs = IDLE_MS } = limits;
  const check = createPaceCheck({ ...limits, idleMs });
  let text: string | null;
  try {
    // At once, and not as it comes: an upload that cannot end well is refused before it has cost anything.
    if (declared !== null) share?.resize(declared);
    text = await readText(declared === null ? limitBytes(body, limits) : body, {
      idleMs: idleMs,
      ...(declared !== null && { expectedBytes: declared }),
      onRead: (progress) => {
        if (declared === null) share?.resize(progress.bytes);
        check(progress);
      },
    });
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (cause instanceof RangeError) throw tooLargeError(limits.maxBytes, cause);
    const message = "The request body could not be read, or is not valid UTF-8";
    throw new ApiError("invalid_request_error", message, { cause });
  }
  if (text === null) throw timeoutError(`The request body sent nothing for ${idleMs / 1000} s`);
  return text;
}

/** Refuses a body that comes too slowly, or in too many pieces. */
function createPaceCheck(
  { now = () => performance.now(), idleMs }: { now?: (() => number) | undefined; idleMs: number },
): (progress: Progress) => void {
  let readAt = now();
  let waitedMs = 0;
  return ({ bytes, reads }) => {
    // A longer wait would have ended the reading: this process was stopped, which is not the client's fault.
    waitedMs += Math.min(now() - readAt, idleMs);
    readAt = now();
    if (waitedMs > PATIENCE_MS + bytes / LEAST_BYTES_PER_MS) {
      throw timeoutError(`The request body came at less than ${LEAST_BYTES_PER_MS} kB a second`);
    }
    if (reads > MAX_READS + bytes / LEAST_BYTES_PER_READ) {
      throw new ApiError("invalid_request_error", "The request body came in too many small pieces");
    }
  };
}

function limitBytes(body: ReadableStream<Uint8Array<ArrayBuffer>>, { maxBytes }: BodyLimits) {
  return body.pipeThrough(new LimitedBytesTransformStream(maxBytes, { error: true }));
}

function tooLargeError(maxBytes: number, cause?: unknown): ApiError {
  const limit = Number((maxBytes / 1024 / 1024).toFixed(2));
  return new ApiError(
    "request_too_large",
    `Request exceeds the maximum size of ${limit} MiB (MAX_BODY_MB)`,
    { cause },
  );
}

function timeoutError(message: string): ApiError {
  return new ApiError("timeout_error", message, { status: STATUS_CODE.RequestTimeout });
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
