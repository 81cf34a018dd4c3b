/**
 * Reads a body that is not a stream of events: its length is bounded, and each silence.
 * @module
 */

import type { ByteShare } from "../byte_budget.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { ApiError } from "../errors.ts";
import { connectionLostError, idleTimeoutError, responseTooLargeError } from "./errors.ts";
import { Deadline } from "./deadline.ts";
import { type ByteStream, createBodyReader } from "./body_reader.ts";

/** Of one answer: room for the longest text and for large pictures. It is translated in one piece. */
const MAX_MIB = 20;
/** At once, where the body is known to have as many. */
const READ_BYTES = 64 * 1024;

/** How {@linkcode readUpstreamText} reads. */
export interface UpstreamTextOptions {
  timeoutMs: number;
  /** Of the memory for bodies; released when the body has been read. */
  share?: ByteShare;
}

/**
 * The whole text of upstream's body.
 * @throws {ApiError} 504 after a silence of `timeoutMs`, 502 where it breaks off, is too long or not UTF-8, 529 where
 * there is no memory for it
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
          throw responseTooLargeError(`an answer of more than ${MAX_MIB} MiB`);
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

/** How far the reading of a body is. */
export interface Progress {
  bytes: number;
  /** Pieces in which they came. */
  reads: number;
}

/** How {@linkcode readText} reads. */
export interface ReadOptions {
  /** The longest silence. */
  idleMs: number;
  /** The length of the body, where it is known. */
  expectedBytes?: number;
  /** Called after each read. What it throws ends the reading. */
  onRead: (progress: Progress) => void;
}

/**
 * All text of a body, or null after a silence. The body is let go in any case.
 * @throws what breaks the body, what `onRead` throws, or a TypeError for bytes that are not UTF-8
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  { idleMs, expectedBytes, onRead }: ReadOptions,
): Promise<string | null> {
  const reader = createBodyReader(
    body,
    expectedBytes ? Math.min(expectedBytes, READ_BYTES) : undefined,
  );
  const collected = new ByteBuffer(expectedBytes);
  let isSilent = false;
  const silence = new Deadline(idleMs, () => {
    isSilent = true;
    reader.cancel().catch(() => {});
  });
  try {
    for (let reads = 1;; reads++) {
      const { value, done } = await reader.read();
      if (isSilent) return null;
      if (done) return new TextDecoder("utf-8", { fatal: true }).decode(collected.bytes());
      onRead({ bytes: collected.length + value.length, reads });
      collected.push(value);
      silence.restart();
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    silence.stop();
    collected.release();
  }
}
