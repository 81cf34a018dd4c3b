/**
 * Queues lines and writes them in batches without blocking: a terminal after Ctrl+S, a pipe that is not read or a slow
 * disk must not block the server. Knows only a write function, no file.
 * @module
 */

import { settlesWithin } from "../stream/deadline.ts";

/** Lines beyond this are lost. Enough for about 2,000 log lines of requests. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Pause before writing to a full non-blocking pipe again. */
const RETRY_MS = 50;
/** Pause between two writes. A write costs about as much as reading and translating a short request. */
const BATCH_MS = 20;

const encoder = new TextEncoder();

/** Writes some of the bytes and returns how many, like `Deno.stdout.write`. */
export type WriteBytes = (bytes: Uint8Array) => Promise<number>;

/** A queue of lines in front of one output. */
export class LineQueue {
  readonly #write: WriteBytes;
  #waiting: Uint8Array[] = [];
  /** Bytes that are queued or being written. */
  #size = 0;
  /** After a loss no line is accepted until the queue is empty: lost lines are consecutive. */
  #isFull = false;
  /** The write in progress and the pause after it; null if the next line can be written at once. */
  #writing: Promise<void> | null = null;
  /** Ends the pause. */
  #endPause = () => {};
  /** Callers that wait for all lines. */
  #flushes = 0;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  /** @returns false if the queue is full and the line is lost */
  push(line: string): boolean {
    const bytes = encoder.encode(`${line}\n`);
    // An empty queue accepts a line of any length.
    if (this.#size > 0 && this.#size + bytes.length > MAX_WAITING_BYTES) this.#isFull = true;
    if (this.#isFull) return false;
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    this.#writing ??= this.#writeWaiting();
    return true;
  }

  /** Resolves when all lines are written, or after `maxMs`. Without `maxMs` it waits for a slow reader. */
  async flush(maxMs?: number): Promise<void> {
    if (this.#writing === null) return;
    this.#flushes++;
    this.#endPause();
    if (maxMs === undefined) await this.#writing;
    else await settlesWithin(this.#writing, maxMs);
    this.#flushes--;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = concat(this.#waiting);
      this.#waiting = [];
      try {
        await this.#writeAll(batch);
      } catch {
        // The reader has exited (`| head`), or the disk is full: neither may end the server.
      }
      this.#size -= batch.length;
      await this.#pause();
    }
    this.#isFull = false;
    this.#writing = null;
  }

  /** Collects the lines of a busy server, which then takes one write for many of them. */
  async #pause(): Promise<void> {
    if (this.#flushes > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, BATCH_MS);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      try {
        rest = rest.subarray(await this.#write(rest));
      } catch (error) {
        // Another program on the same terminal or pipe can make it non-blocking.
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
