/**
 * Writing lines to the terminal, and the errors that end a start in one line.
 * @module
 */

const encoder = new TextEncoder();

/** Something the person who started the program has to fix. One line: what, and the cure. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Whether standard output is a terminal whose owner has not set NO_COLOR; asking needs no permission. */
export function canShowColors(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/** One line on standard output. */
export function printLine(line = ""): void {
  writeAll(Deno.stdout, line);
}

/** One line on standard error. */
export function printError(line: string): void {
  writeAll(Deno.stderr, line);
}

function writeAll(target: { writeSync(bytes: Uint8Array): number }, line: string): void {
  let bytes = encoder.encode(`${line}\n`);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(target.writeSync(bytes));
  } catch {
    // Nobody reads any more (`| head`), or the disk is full: that must not end a server.
  }
}
