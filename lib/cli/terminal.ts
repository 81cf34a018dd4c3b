/**
 * Writes lines to standard output and standard error, and defines the error that ends a start.
 * @module
 */

import { LineQueue } from "./line_queue.ts";

const encoder = new TextEncoder();

/** One queue for the process: a second writer on standard output would interleave with it. */
const output = new LineQueue((bytes) => Deno.stdout.write(bytes));

/** Time limit for the last lines on exit; their reader may be gone. */
export const LAST_LINES_MS = 500;

/** An error that the user has to fix. Its message is one line: what is wrong, and what to do. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Whether standard output is a terminal and NO_COLOR is not set; needs no permission. */
export function canShowColors(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/**
 * Queues a line for standard output. Call {@linkcode flushLines} before `Deno.exit`.
 * @returns false if the queue is full and the line is lost
 */
export function printLine(line = ""): boolean {
  return output.push(line);
}

/** Resolves when all lines are written, or after `maxMs`. Without `maxMs` it waits for a slow reader. */
export function flushLines(maxMs?: number): Promise<void> {
  return output.flush(maxMs);
}

/** Writes a line to standard error synchronously: the program may exit next. */
export function printError(line: string): void {
  let bytes = encoder.encode(`${line}\n`);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // The reader is gone, or the disk is full.
  }
}
