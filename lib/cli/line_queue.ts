/**
 * Lines on their way out, written one batch after the other without ever blocking: a terminal after Ctrl+S, a
 * pipe that is not read or a slow disk must not hold up a server. Knows no file, only a function that writes.
 * @module
 */

import { settlesWithin } from "../stream/deadline.ts";

/** Lines that wait beyond this are lost: about 2,000 of a request each. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** How long a non-blocking pipe that is full is left alone. */
const RETRY_MS = 50;

const encoder = new TextEncoder();

/** Writes some of the bytes and tells how many, as `Deno.stdout.write` does. */
export type WriteBytes = (bytes: Uint8Array) => Promise<number>;

/** A queue of lines before one output. */
export class LineQueue {
  readonly #write: WriteBytes;
  #waiting: Uint8Array[] = [];
  /** Bytes that wait or are being written. */
  #size = 0;
  /** Once a line was lost, none is taken before all that waits is out: losses come in one piece. */
  #isFull = false;
  /** The work of writing; null where nothing waits. */
  #writing: Promise<void> | null = null;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  /** @returns false where too much waits already: then the line is lost */
  push(line: string): boolean {
    const bytes = encoder.encode(`${line}\n`);
    // The first line is taken however long it is.
    if (this.#size > 0 && this.#size + bytes.length > MAX_WAITING_BYTES) this.#isFull = true;
    if (this.#isFull) return false;
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    this.#writing ??= this.#writeWaiting();
    return true;
  }

  /** Resolves when all lines so far are out, or after `maxMs`. Without `maxMs` it waits for a slow reader. */
  async flush(maxMs?: number): Promise<void> {
    if (this.#writing === null) return;
    if (maxMs === undefined) return await this.#writing;
    await settlesWithin(this.#writing, maxMs);
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = concat(this.#waiting);
      this.#waiting = [];
      try {
        await this.#writeAll(batch);
      } catch {
        // The reader has left (`| head`), or the disk is full: that must not end a server.
      }
      this.#size -= batch.length;
    }
    this.#isFull = false;
    this.#writing = null;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      try {
        rest = rest.subarray(await this.#write(rest));
      } catch (error) {
        // Another program with the same terminal or pipe can switch it to non-blocking.
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
