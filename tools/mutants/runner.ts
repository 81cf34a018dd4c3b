/**
 * One process of harness.ts, seen from outside: it is given one thing at a time, and is killed and started again
 * where a mutant makes it hang.
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

const HARNESS = "tools/mutants/harness.ts";
/** Until the first test begins: the process starts and loads modules. */
const START_MS = 30_000;

/** Thrown where the process ended, or was silent for too long and was killed. */
export class RunnerGone extends Error {}

/** A process that is started when it is first needed. */
export class Runner implements AsyncDisposable {
  readonly #folder: string;
  readonly #flags: readonly string[];
  #child: Deno.ChildProcess | null = null;
  #output: AsyncIterator<string> | null = null;
  #input: WritableStreamDefaultWriter<Uint8Array> | null = null;

  /** `folder` holds the mutated copy, `flags` go to `deno run`. */
  constructor(folder: string, flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
  }

  /** Runs all tests of a file with no mutant on. */
  measure(file: string): Promise<Measured> {
    return this.#ask({ do: "measure", file });
  }

  /** Runs tests with a mutant on, up to the first failure. @throws {RunnerGone} */
  run(command: RunCommand): Promise<Trial> {
    return this.#ask(command);
  }

  /** Ends the process; the next call starts another. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    await this.#input?.abort().catch(() => {});
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#output?.return?.();
    await child.status;
  }

  /** Ends the process. */
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

  async #ask<T>(command: MeasureCommand | RunCommand): Promise<T> {
    if (this.#child === null) this.#start();
    try {
      await this.#input?.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
      return JSON.parse(await this.#readAnswer());
    } catch (error) {
      await this.stop();
      throw error instanceof RunnerGone ? error : new RunnerGone(`${error}`, { cause: error });
    }
  }

  async #readAnswer(): Promise<string> {
    let text = "";
    let silenceMs = START_MS;
    while (true) {
      const piece = await this.#readPiece(silenceMs);
      text += piece;
      const found = text.indexOf(ANSWER);
      const end = text.indexOf("\n", found);
      if (found !== -1 && end !== -1) return text.slice(found + ANSWER.length, end);
      // The limit of the test that has just begun, and as much again for a busy machine.
      const last = text.lastIndexOf(ALIVE);
      if (last !== -1) silenceMs = 2 * parseInt(text.slice(last + ALIVE.length));
    }
  }

  async #readPiece(silenceMs: number): Promise<string> {
    const hang = Promise.withResolvers<never>();
    const timer = setTimeout(() => hang.reject(new RunnerGone("it hangs")), silenceMs);
    try {
      const piece = await Promise.race([this.#output?.next(), hang.promise]);
      if (piece === undefined || piece.done) throw new RunnerGone("the process ended");
      return piece.value;
    } finally {
      clearTimeout(timer);
    }
  }
}
