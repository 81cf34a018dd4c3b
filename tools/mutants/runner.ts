/**
 * Runs a process of harness.ts: sends one command at a time, and kills and restarts the process if a mutant makes it
 * hang.
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

const HARNESS = "tools/mutants/harness.ts";
/** The time limit until the first test starts: the process starts and loads modules. */
const START_MS = 30_000;

/** The process ended, or hung and was killed. */
export class RunnerFailed extends Error {}

/** A process that is started on the first command. */
export class Runner implements AsyncDisposable {
  readonly #folder: string;
  readonly #flags: readonly string[];
  #child: Deno.ChildProcess | null = null;
  #output: AsyncIterator<string> | null = null;
  #input: WritableStreamDefaultWriter<Uint8Array> | null = null;

  /** @param folder the mutated copy @param flags for `deno run` */
  constructor(folder: string, flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
  }

  /** Runs all tests of a file without a mutant. */
  measure(file: string): Promise<Measured> {
    return this.#send({ do: "measure", file });
  }

  /** Runs tests with a mutant on, until the first failure. @throws {RunnerFailed} */
  run(command: RunCommand): Promise<RunResult> {
    return this.#send(command);
  }

  /** Kills the process. The next command starts another. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    await this.#input?.abort().catch(() => {});
    try {
      child.kill("SIGKILL");
    } catch {
      // It has already ended.
    }
    await this.#output?.return?.();
    await child.status;
  }

  /** Kills the process. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #start(): void {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "-A", "--no-prompt", "--quiet", ...this.#flags, HARNESS],
      cwd: this.#folder,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#output = child.stdout.pipeThrough(new TextDecoderStream()).values();
  }

  async #send<T>(command: MeasureCommand | RunCommand): Promise<T> {
    if (this.#child === null) this.#start();
    try {
      await this.#input?.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
      return JSON.parse(await this.#readResult());
    } catch (error) {
      await this.stop();
      throw error instanceof RunnerFailed ? error : new RunnerFailed(`${error}`, { cause: error });
    }
  }

  async #readResult(): Promise<string> {
    let text = "";
    let idleMs = START_MS;
    while (true) {
      const chunk = await this.#readChunk(idleMs);
      text += chunk;
      const found = text.indexOf(RESULT);
      const end = text.indexOf("\n", found);
      if (found !== -1 && end !== -1) return text.slice(found + RESULT.length, end);
      // Twice the limit of the test that has just started, for a busy machine.
      const last = text.lastIndexOf(ALIVE);
      if (last !== -1) idleMs = 2 * parseInt(text.slice(last + ALIVE.length));
    }
  }

  async #readChunk(idleMs: number): Promise<string> {
    const hang = Promise.withResolvers<never>();
    const timer = setTimeout(() => hang.reject(new RunnerFailed("timeout of the process")), idleMs);
    try {
      const chunk = await Promise.race([this.#output?.next(), hang.promise]);
      if (chunk === undefined || chunk.done) throw new RunnerFailed("the process ended");
      return chunk.value;
    } finally {
      clearTimeout(timer);
    }
  }
}
