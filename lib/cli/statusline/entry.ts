/**
 * The program of the command `statusline`. The launcher starts this file itself: from main.ts, deno would look at the
 * modules of all commands first, which takes some 10 ms, and three times as much processor time on a busy machine.
 * @module
 */

import { flushLines, LAST_LINES_MS, printLine } from "../terminal.ts";
import { readStatusLine } from "./statusline.ts";

/** For the whole line; the next one is a few seconds away. */
const TIMEOUT_MS = 300;

const signal = AbortSignal.timeout(TIMEOUT_MS);
printLine(await readStatusLine(signal, (buffer) => Deno.stdin.read(buffer)));
await flushLines(LAST_LINES_MS);
// A connection attempt may still be pending.
Deno.exit(0);
