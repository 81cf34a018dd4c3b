/**
 * Runs in its own process, inside the mutated copy of the project. Collects the tests that files register with
 * `Deno.test`, and runs them repeatedly, each time with another mutant on. Reads commands as lines of JSON from stdin
 * and writes results to stdout, which it shares with the tests.
 * @module
 */

import {
  ALIVE,
  type MeasureCommand,
  type Measured,
  RESULT,
  type RunCommand,
  type RunResult,
} from "./protocol.ts";
import { reached, turnOff, turnOn } from "./switch.ts";

const TIMED_OUT = "timed out";
/** The limit of a test without a mutant. */
const MEASURE_LIMIT_MS = 20_000;
const encoder = new TextEncoder();

type Body = (context: unknown) => unknown;

interface Registered {
  name: string;
  body: Body;
}

const registered = new Map<string, Registered[]>();
let current: Registered[] = [];
let hasStrayError = false;

/** Replaces `Deno.test` in all its forms. */
function register(...values: unknown[]): void {
  const { name, body, isIgnored } = readDefinition(values);
  if (body !== null && !isIgnored) current.push({ name, body });
}

function readDefinition(values: unknown[]): {
  name: string;
  body: Body | null;
  isIgnored: boolean;
} {
  const found: ReturnType<typeof readDefinition> = { name: "", body: null, isIgnored: false };
  for (const value of values) {
    if (typeof value === "string") found.name = value;
    if (isBody(value)) found.body = value;
    if (typeof value !== "object" || value === null) continue;
    if ("name" in value) found.name = `${value.name}`;
    if ("fn" in value && isBody(value.fn)) found.body = value.fn;
    found.isIgnored = "ignore" in value && value.ignore === true;
  }
  return found;
}

function isBody(value: unknown): value is Body {
  return typeof value === "function";
}

/** The part of a test's context that the tests use. */
function createContext(): unknown {
  return {
    async step(...values: unknown[]): Promise<boolean> {
      await readDefinition(values).body?.(createContext());
      return true;
    },
  };
}

/** The tests of a file, which registers them when it is imported. */
async function load(file: string): Promise<Registered[]> {
  const loaded = registered.get(file);
  if (loaded !== undefined) return loaded;
  current = [];
  registered.set(file, current);
  await import(new URL(`../../${file}`, import.meta.url).href);
  return current;
}

async function measure(file: string): Promise<void> {
  let tests: Registered[];
  try {
    tests = await load(file);
  } catch (error) {
    return sendResult({ file, problem: `${error}` });
  }
  const onLoad = [...reached];
  const results = [];
  for (const { name, body } of tests) {
    reached.clear();
    const startedAt = performance.now();
    const problem = await run(body, MEASURE_LIMIT_MS);
    results.push({ name, problem, ms: performance.now() - startedAt, reaches: [...reached] });
  }
  reached.clear();
  sendResult({ file, onLoad, tests: results });
}

/** Runs tests until the first one that fails with the mutant on, and runs that one again with the mutant off. */
async function runMutant({ mutant, recomputes, tests }: RunCommand): Promise<void> {
  for (const { file, index, limitMs } of tests) {
    const test = (await load(file))[index];
    if (test === undefined) continue;
    const killedBy = `${test.name} (${file})`;
    try {
      turnOn(mutant, recomputes);
    } catch {
      turnOff();
      return sendResult({ killedBy: "an error while a constant is computed", taint: null });
    }
    const problem = await run(test.body, limitMs);
    turnOff();
    if (problem === TIMED_OUT) return sendResult({ killedBy, taint: "timeout" });
    if (problem === null) continue;
    const passes = await run(test.body, limitMs) === null;
    return sendResult({ killedBy, taint: passes ? null : "corrupted" });
  }
  sendResult({ killedBy: null, taint: null });
}

/** The error of a test, or null. */
async function run(body: Body, limitMs: number): Promise<string | null> {
  write(`${ALIVE}${limitMs};`);
  hasStrayError = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(TIMED_OUT), limitMs);
  });
  try {
    const result = await Promise.race([Promise.resolve(body(createContext())), timeout]);
    if (result === TIMED_OUT) return TIMED_OUT;
    // An unhandled rejection is reported one turn later.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return hasStrayError ? "an unhandled error" : null;
  } catch (error) {
    return `${error}`;
  } finally {
    clearTimeout(timer);
  }
}

function sendResult(value: Measured | RunResult): void {
  write(`\n${RESULT}${JSON.stringify(value)}\n`);
}

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

function recordStrayError(event: Event): void {
  event.preventDefault();
  hasStrayError = true;
}

async function main(): Promise<void> {
  let rest = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const command: MeasureCommand | RunCommand = JSON.parse(line);
      await (command.do === "measure" ? measure(command.file) : runMutant(command));
    }
  }
}

addEventListener("unhandledrejection", recordStrayError);
addEventListener("error", recordStrayError);
// Hooks are not run, as they only remove temporary folders.
const hooks = { beforeAll() {}, afterAll() {}, beforeEach() {}, afterEach() {} };
Object.defineProperty(Deno, "test", {
  value: Object.assign(register, { ignore() {}, only: register }, hooks),
});
await main();
// Open servers and timers of a mutant would keep the process alive.
Deno.exit(0);
