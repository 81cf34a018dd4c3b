/**
 * Runs in a process of its own, inside the mutated copy of the project. Collects what test files register with
 * `Deno.test`, and runs these tests again and again, each time with another mutant on. Commands come as lines of
 * JSON on stdin; answers go to stdout, where tests may print, too.
 * @module
 */

import {
  ALIVE,
  ANSWER,
  type MeasureCommand,
  type Measured,
  type RunCommand,
  type Trial,
} from "./protocol.ts";
import { asked, turnOff, turnOn } from "./switch.ts";

const LATE = "too late";
/** For a test that is measured. */
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

/** Stands in for `Deno.test` in its several forms. */
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

/** A test's context, as far as the tests use it. */
function createContext(): unknown {
  return {
    async step(...values: unknown[]): Promise<boolean> {
      await readDefinition(values).body?.(createContext());
      return true;
    },
  };
}

/** Test files register while they are imported. */
async function load(file: string): Promise<Registered[]> {
  const known = registered.get(file);
  if (known !== undefined) return known;
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
    return answer({ file, problem: `${error}` });
  }
  const onLoad = [...asked];
  const results = [];
  for (const { name, body } of tests) {
    asked.clear();
    const startedAt = performance.now();
    const problem = await run(body, MEASURE_LIMIT_MS);
    results.push({ name, problem, ms: performance.now() - startedAt, reaches: [...asked] });
  }
  asked.clear();
  answer({ file, onLoad, tests: results });
}

/** Runs tests up to the first that fails with the mutant on. It must pass again with the mutant off. */
async function runMutant({ mutant, remakes, tests }: RunCommand): Promise<void> {
  for (const { file, place, limitMs } of tests) {
    const test = (await load(file))[place];
    if (test === undefined) continue;
    const killedBy = `${test.name} (${file})`;
    try {
      turnOn(mutant, remakes);
    } catch {
      turnOff();
      return answer({ killedBy: "a constant that cannot be made", doubt: null });
    }
    const problem = await run(test.body, limitMs);
    turnOff();
    if (problem === LATE) return answer({ killedBy, doubt: "late" });
    if (problem === null) continue;
    const isGood = await run(test.body, limitMs) === null;
    return answer({ killedBy, doubt: isGood ? null : "damage" });
  }
  answer({ killedBy: null, doubt: null });
}

/** What went wrong in a test, or null. */
async function run(body: Body, limitMs: number): Promise<string | null> {
  write(`${ALIVE}${limitMs};`);
  hasStrayError = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(LATE), limitMs);
  });
  try {
    const result = await Promise.race([Promise.resolve(body(createContext())), late]);
    if (result === LATE) return LATE;
    // A rejection without a handler is reported a turn later.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return hasStrayError ? "an error that was not handled" : null;
  } catch (error) {
    return `${error}`;
  } finally {
    clearTimeout(timer);
  }
}

function answer(value: Measured | Trial): void {
  write(`\n${ANSWER}${JSON.stringify(value)}\n`);
}

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

function noteStrayError(event: Event): void {
  event.preventDefault();
  hasStrayError = true;
}

async function main(): Promise<void> {
  let rest = "";
  for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const command: MeasureCommand | RunCommand = JSON.parse(line);
      await (command.do === "measure" ? measure(command.file) : runMutant(command));
    }
  }
}

addEventListener("unhandledrejection", noteStrayError);
addEventListener("error", noteStrayError);
// Hooks are not run: they only remove temporary folders.
const hooks = { beforeAll() {}, afterAll() {}, beforeEach() {}, afterEach() {} };
Object.defineProperty(Deno, "test", {
  value: Object.assign(register, { ignore() {}, only: register }, hooks),
});
await main();
// Servers and timers that a mutant left open would keep the process alive.
Deno.exit(0);
