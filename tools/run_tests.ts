/**
 * `deno task test`: runs `deno test` and prints everything but the passed tests. A line that appears in a green
 * run is then worth reading.
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";

// deno-lint-ignore no-control-regex -- colours, where they are forced
const COLORS = /\x1b\[[0-9;]*m/g;
const PASSED = /\.\.\. ok( \(|$)/;
const PROGRESS = /^(Check |Download |running \d+ tests? from )/;
/** A sign of life: one dot for this many tests. */
const TESTS_PER_DOT = 50;

const encoder = new TextEncoder();
let passed = 0;
let isAfterDots = false;

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

function report(line: string): void {
  const plain = line.replace(COLORS, "").trimEnd();
  if (PROGRESS.test(plain) || plain === "") return;
  if (PASSED.test(plain)) {
    if (++passed % TESTS_PER_DOT !== 0 || !Deno.stdout.isTerminal()) return;
    print(".");
    isAfterDots = true;
    return;
  }
  print(`${isAfterDots ? "\n" : ""}${line}\n`);
  isAfterDots = false;
}

async function readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) report(line);
}

const child = new Deno.Command(Deno.execPath(), {
  args: ["test", ...Deno.args],
  stdin: "null",
  stdout: "piped",
  stderr: "piped",
}).spawn();
await Promise.all([readLines(child.stdout), readLines(child.stderr)]);
const { code } = await child.status;
Deno.exit(code);
