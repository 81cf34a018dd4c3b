/**
 * Reads a body that is not an event stream as a whole, with limits on its length and on idle time.
 * @module
 */

import type { ByteShare } from "../byte_budget.ts";
import { ApiError } from "../errors.ts";
import { BodyReader, type ByteStream } from "./body_reader.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { Deadline } from "./deadline.ts";
import { connectionLostError, idleTimeoutError, responseTooLargeError } from "./errors.ts";

/** Of one response: enough for the longest text and for large images. It is translated in one piece. */
const MAX_MIB = 20;
/** Of an error body. */
const MAX_ERROR_CHARS = 256 * 1024;
/** The most to read at once where the length is declared. */
const READ_BYTES = 64 * 1024;

/** Options of {@linkcode readUpstreamText}. */
export interface UpstreamTextOptions {
  timeoutMs: number;
  /** Of the memory budget for bodies; released when the body has been read. */
  share?: ByteShare;
}

/**
 * The text of an upstream response.
 * @throws {ApiError} 504 when upstream was idle for `timeoutMs`, 502 when the connection was lost or the body is too
 * long or not UTF-8, 529 when the memory budget is exhausted
 */
export async function readUpstreamText(
  body: ByteStream,
  { timeoutMs, share }: UpstreamTextOptions,
): Promise<string> {
  let text: string | null;
  try {
    text = await readText(body, {
      idleMs: timeoutMs,
      onRead: ({ bytes }) => {
        if (bytes > MAX_MIB * 1024 * 1024) {
          throw responseTooLargeError(`a response of more than ${MAX_MIB} MiB`);
        }
        share?.resize(bytes);
      },
    });
  } catch (cause) {
    throw cause instanceof ApiError ? cause : connectionLostError(cause);
  } finally {
    share?.release();
  }
  if (text !== null) return text;
  throw idleTimeoutError(timeoutMs);
}

/**
 * The text of an error response, up to 256 KiB and what has arrived within `timeoutMs`. Never throws: after a broken
 * gzip stream or a lost connection the status still says what happened.
 */
export async function readErrorText(body: ByteStream | null, timeoutMs: number): Promise<string> {
  if (body === null) return "";
  const reader = new BodyReader(body);
  // Not an idle timeout: an error that trickles in must not hold the request for long.
  const deadline = new Deadline(timeoutMs, () => reader.timeOut());
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MAX_ERROR_CHARS) {
    const piece = await reader.read();
    if (piece === null) break;
    text += decoder.decode(piece, { stream: true });
  }
  deadline.stop();
  reader.cancel();
  return text;
}

/**
 * The text of a short body in one call, or null after a time limit.
 * @throws what breaks the body, or a TypeError for bytes that are not UTF-8
 */
export async function readSmallText(body: Body, timeoutMs: number): Promise<string | null> {
  const { promise: expired, resolve } = Promise.withResolvers<null>();
  const deadline = new Deadline(timeoutMs, () => resolve(null));
  try {
    const bytes = await Promise.race([body.bytes(), expired]);
    return bytes === null ? null : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } finally {
    deadline.stop();
  }
}

/** What has been read of a body so far. */
export interface Progress {
  bytes: number;
  reads: number;
}

/** Options of {@linkcode readText}. */
export interface ReadOptions {
  /** The longest wait for more. */
  idleMs: number;
  /** The declared length. */
  expectedBytes?: number;
  /** Called after each read. Throwing ends the reading. */
  onRead: (progress: Progress) => void;
}

/**
 * The text of a body, or null after an idle timeout. The body is cancelled where it is not read to its end.
 * @throws what breaks the body, what `onRead` throws, or a TypeError for bytes that are not UTF-8
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  { idleMs, expectedBytes, onRead }: ReadOptions,
): Promise<string | null> {
  const reader = new BodyReader(
    body,
    expectedBytes ? { bufferBytes: Math.min(expectedBytes, READ_BYTES) } : {},
  );
  const collected = new ByteBuffer(expectedBytes);
  const deadline = new Deadline(idleMs, () => reader.timeOut());
  try {
    for (let reads = 1;; reads++) {
      const piece = await reader.read();
      if (reader.hasTimedOut) return null;
      if (reader.failure !== null) throw reader.failure.cause;
      if (piece === null) {
        return new TextDecoder("utf-8", { fatal: true }).decode(collected.bytes());
      }
      onRead({ bytes: collected.length + piece.length, reads });
      collected.push(piece);
      deadline.restart();
    }
  } finally {
    deadline.stop();
    reader.cancel();
    collected.release();
  }
}
