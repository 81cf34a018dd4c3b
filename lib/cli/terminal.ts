/**
 * Writing lines to the terminal, and the errors that end a start in one line.
 * @module
 */

import { LineQueue } from "./line_queue.ts";

const encoder = new TextEncoder();

/** A process has one standard output, and so one queue before it: a second writer would mix up the lines. */
const output = new LineQueue((bytes) => Deno.stdout.write(bytes));

/** How long the end of a program waits for lines that nothing may read any more. */
export const LAST_LINES_MS = 500;

/** Something the person who started the program has to fix. One line: what, and the cure. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Whether standard output is a terminal whose owner has not set NO_COLOR; asking needs no permission. */
export function canShowColors(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/**
 * One line on standard output, as soon as that takes it. Before `Deno.exit`, {@linkcode flushLines}.
 * @returns false where too many lines wait already: then this one is lost
 */
export function printLine(line = ""): boolean {
  return output.push(line);
}

/** Resolves when all lines are out, or after `maxMs`; without it, when the reader has taken all. */
export function flushLines(maxMs?: number): Promise<void> {
  return output.flush(maxMs);
}

/** One line on standard error, at once: the program may end behind it. */
export function printError(line: string): void {
  let bytes = encoder.encode(`${line}\n`);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
  } catch {
    // Nothing reads it any more, or the disk is full.
  }
}
