/**
 * Reads a request body, with limits on its size, time, chunks and nesting.
 * @module
 */

import { STATUS_CODE } from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import type { ByteShare } from "../byte_budget.ts";
import { ApiError } from "../errors.ts";
import { findStringEnd } from "../json.ts";
import type { RequestContext } from "../request_context.ts";
import { type Progress, readSmallText, readText } from "../stream/read_text.ts";
import { findLastWords } from "./preview.ts";

/** Idle timeout of an upload; the runtime has none. */
const IDLE_MS = 30_000;
/** After this time an upload must have the minimum rate: otherwise one byte now and then would keep it open forever. */
const GRACE_MS = 60_000;
const MIN_BYTES_PER_MS = 64;
/** A read costs the same for one byte as for 64 KB: chunks of one byte would take a whole core. */
const MAX_READS = 20_000;
const MIN_BYTES_PER_READ = 16;
/** A body of up to this size is read in one call, under one time limit: reads of its own need buffers of 64 KB. */
const SMALL_BYTES = 128 * 1024;
/** Deeper JSON is an attack: real requests stay below 30. Checked before the parser recurses. */
const MAX_DEPTH = 512;

/** The limits of {@linkcode readJson}. */
export interface BodyLimits {
  maxBytes: number;
  /** The memory of the body; the caller releases it. */
  share?: ByteShare;
  /** A monotonic clock, in milliseconds. */
  now?: () => number;
  idleMs?: number;
  /** Called with the text before it is parsed. */
  onText?: (text: string) => void;
}

/** Reads the JSON body of a request, within the server's limits. @throws {ApiError} as {@linkcode readJson} */
export async function readRequestBody(
  { request, services, bodyShare, timeline }: RequestContext,
): Promise<unknown> {
  const body = await readJson(request, {
    maxBytes: services.config.maxBodyBytes,
    share: bodyShare,
    now: services.now,
    onText: (text) => timeline.capturedBodies?.set("request", text),
  });
  timeline.capturedBodies?.setPreview(findLastWords(body));
  return body;
}

/**
 * Reads a JSON body.
 * @throws {ApiError} 413 over the size limit, 408 for an idle or slow upload, 529 without free memory, 400 for too many
 * chunks, invalid UTF-8, invalid JSON, or too many levels
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const declared = readContentLength(request.headers);
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

/** Only the position: the parser's own message quotes the body, which must not be logged. */
function describeSyntaxError(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const [position] = /end of JSON input|at position \d+( \(line \d+ column \d+\))?/.exec(message) ??
    [];
  return position === undefined ? "" : `: unexpected ${position.replace(/^at/, "text at")}`;
}

/** Null for chunked bodies. The runtime rejects requests with both headers. */
function readContentLength(headers: Headers): number | null {
  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) && !headers.has("transfer-encoding") ? Number(length) : null;
}

/** @param limits `declared`: the content length, at which the runtime ends the body; null for a chunked body */
async function readBody(
  request: Request,
  limits: BodyLimits & { declared: number | null },
): Promise<string> {
  const { body } = request;
  if (body === null) return "";
  const { declared, share, idleMs = IDLE_MS } = limits;
  try {
    // Before the first read: an upload without free memory is rejected at once.
    if (declared !== null) share?.resize(declared);
    return declared !== null && declared <= SMALL_BYTES
      ? await readSmall(request, idleMs)
      : await readLarge(body, { ...limits, idleMs });
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (cause instanceof RangeError) throw tooLargeError(limits.maxBytes, cause);
    const message = "The request body could not be read, or is not valid UTF-8";
    throw new ApiError("invalid_request_error", message, { cause });
  }
}

/** @throws {ApiError} 408 for an idle or slow upload, 400 for too many chunks, 529 without free memory */
async function readLarge(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  limits: BodyLimits & { declared: number | null; idleMs: number },
): Promise<string> {
  const { declared, share, idleMs } = limits;
  const checkPace = createPaceCheck(limits);
  const text = await readText(declared === null ? limitBytes(body, limits) : body, {
    idleMs,
    ...(declared !== null && { expectedBytes: declared }),
    onRead: (progress) => {
      if (declared === null) share?.resize(progress.bytes);
      checkPace(progress);
    },
  });
  if (text !== null) return text;
  throw timeoutError(`No data in the request body for ${idleMs / 1000} s`);
}

/** @throws {ApiError} 408 if the body is not complete in time */
async function readSmall(request: Request, timeoutMs: number): Promise<string> {
  const text = await readSmallText(request, timeoutMs);
  if (text !== null) return text;
  throw timeoutError(`The request body did not arrive within ${timeoutMs / 1000} s`);
}

/** Rejects a body that arrives too slowly, or in too many chunks. */
function createPaceCheck(
  { now = () => performance.now(), idleMs }: { now?: (() => number) | undefined; idleMs: number },
): (progress: Progress) => void {
  let readAt = now();
  let waitedMs = 0;
  return ({ bytes, reads }) => {
    // A longer wait would have hit the idle timeout: this process was suspended, which is not the client's fault.
    waitedMs += Math.min(now() - readAt, idleMs);
    readAt = now();
    if (waitedMs > GRACE_MS + bytes / MIN_BYTES_PER_MS) {
      throw timeoutError(`The request body arrived at less than ${MIN_BYTES_PER_MS} kB/s`);
    }
    if (reads > MAX_READS + bytes / MIN_BYTES_PER_READ) {
      throw new ApiError(
        "invalid_request_error",
        "The request body arrived in too many small chunks",
      );
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

/** Whether the brackets outside strings nest too deep. Strings are skipped, so base64 costs nothing. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at++);
    if (code === QUOTE) at = findStringEnd(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

// Character codes: a loop over numbers takes a fifth of the time of a regular expression.
const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
