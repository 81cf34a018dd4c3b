/**
 * The program as people start it: a process with flags, an environment, a folder and signals; an upstream that it can
 * ask, and the clients of its streams. Every start has an environment of its own, so nothing of the machine's (a key,
 * above all) gets in.
 * @module
 */

import { assert } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { readTaskFlags } from "./task_flags.ts";

const ROOT = `${import.meta.dirname}/../..`;
const MAIN = `${ROOT}/main.ts`;
const RUN = [
  "run",
  "--no-prompt",
  "--no-lock",
  `--import-map=${ROOT}/tools/jsr_fallback/import_map.json`,
];
/** The permissions of `deno task start`, word for word. */
export const START_FLAGS = listFlags("start");
export const NET_FLAG = START_FLAGS.find((flag) => flag.startsWith("--allow-net=")) ?? "";
export const KEY = "sk-or-v1-cli-test-secret";
/** Nobody answers there. Any request that goes out goes nowhere. */
export const NOWHERE = "http://127.0.0.1:9/api/v1";
/** What deno itself needs; all else of the machine's environment is left out. */
const MACHINE = ["PATH", "HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"];
/** A process that hangs is killed after this, and its test fails instead of standing still. */
const HANG_MS = 15_000;
export const HAS_SIGNALS = Deno.build.os !== "windows";

/** Without those that every start here has: Deno 2.5 takes none twice. */
export function listFlags(task: "start" | "demo", env?: Record<string, string>): string[] {
  return readTaskFlags(task, env).filter((flag) => !RUN.includes(flag));
}

export interface Start {
  flags?: readonly string[];
  args?: readonly string[];
  env?: Record<string, string>;
  /** What stands in `.env`. Without it there is none: each start has a folder of its own. */
  dotenv?: string;
  /** What stands in the user's own file. */
  userFile?: string;
  /** The most files that the process may have open. */
  maxFiles?: number;
  /** Makes `.env` a folder. */
  dotenvFolder?: true;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A process of the program. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #folder = Deno.makeTempDirSync();
  #stdout = "";

  constructor({ flags, args = [], env = {}, maxFiles, ...files }: Start = {}) {
    const { dotenv, dotenvFolder, userFile } = files;
    const write = { mode: 0o600 };
    if (dotenv !== undefined) Deno.writeTextFileSync(`${this.#folder}/.env`, dotenv, write);
    if (dotenvFolder) Deno.mkdirSync(`${this.#folder}/.env`);
    // HOME is the machine's, for deno's cache: this hides what may be there.
    const config = `${this.#folder}/config`;
    Deno.mkdirSync(`${config}/claudeproxy`, { recursive: true });
    if (userFile !== undefined) {
      Deno.writeTextFileSync(`${config}/claudeproxy/.env`, userFile, write);
    }
    const machine = MACHINE.flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    const chosen = flags ?? listFlags("start", { XDG_CONFIG_HOME: config });
    const command = [Deno.execPath(), ...RUN, ...chosen, MAIN, ...args];
    // Deno raises the soft limit to the hard one: both are set.
    const limited = ["sh", "-c", `ulimit -n ${maxFiles} && exec "$0" "$@"`, ...command];
    const [program = "", ...words] = maxFiles === undefined ? command : limited;
    this.#child = new Deno.Command(program, {
      args: words,
      env: {
        ...Object.fromEntries(machine),
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        HOST: "127.0.0.1",
        PORT: "0",
        OPENROUTER_BASE_URL: NOWHERE,
        XDG_CONFIG_HOME: config,
        ...env,
      },
      clearEnv: true,
      cwd: this.#folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#timer = setTimeout(() => this.kill("SIGKILL"), HANG_MS);
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** The first group of the first line that matches. */
  async waitFor(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`It ended without ${pattern}: ${JSON.stringify(await this.end())}`);
      this.#stdout += `${value}\n`;
      const match = pattern.exec(value);
      if (match !== null) return match[1] ?? "";
    }
  }

  /** Waits until it listens. */
  async listening(): Promise<string> {
    const port = await this.waitFor(/^listening on 127\.0\.0\.\d:(\d+),/);
    return `http://127.0.0.1:${port}`;
  }

  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  /** Stops reading what it prints, as `| head -1` does. */
  async closeOutput(): Promise<void> {
    await this.#lines.cancel();
  }

  /** Waits for its end without reading what it prints. */
  async endUnread(): Promise<number> {
    return (await this.#child.status).code;
  }

  async end(): Promise<Ended> {
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) break;
      this.#stdout += `${value}\n`;
    }
    const { code } = await this.#child.status;
    clearTimeout(this.#timer);
    return { code, stdout: this.#stdout, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.end();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** An OpenRouter that writes one word and then waits to be let go on, for ever if need be. */
export class Upstream implements AsyncDisposable {
  readonly #goOn = Promise.withResolvers<void>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** The keys that were presented for answers. */
  readonly keys: (string | null)[] = [];
  readonly #asked = Promise.withResolvers<void>();
  readonly #holdsHead: boolean;

  /** @param options `holdsHead`: not even the head comes before it may go on */
  constructor({ holdsHead = false }: { holdsHead?: boolean } = {}) {
    this.#holdsHead = holdsHead;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/api/v1`;
  }

  /** Resolves with the first request for an answer. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  goOn(): void {
    this.#goOn.resolve();
  }

  async #answer(request: Request): Promise<Response> {
    await request.body?.cancel();
    if (request.url.endsWith("/models")) return Response.json({ data: [] });
    this.keys.push(request.headers.get("authorization"));
    this.#asked.resolve();
    if (this.#holdsHead) await this.#goOn.promise;
    let step = 0;
    const body = new ReadableStream<string>({
      pull: async (controller) => {
        if (step++ === 0) return controller.enqueue(chunk({ delta: { content: "One" } }));
        await this.#goOn.promise;
        controller.enqueue(chunk({ delta: { content: " two." }, finish_reason: "stop" }));
        controller.enqueue("data: [DONE]\n\n");
        controller.close();
      },
    }, { highWaterMark: 0 });
    return new Response(body.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/event-stream" },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.goOn();
    await this.#server.shutdown();
  }
}

function chunk(choice: Record<string, unknown>): string {
  const fields = { id: "gen-1", object: "chat.completion.chunk", model: "vendor/model" };
  return `data: ${JSON.stringify({ ...fields, choices: [{ index: 0, ...choice }] })}\n\n`;
}

/** Runs the program until it ends by itself. */
export async function run(start: Start): Promise<Ended> {
  await using program = new Program(start);
  return await program.end();
}

export function ask(url: string, options: { stream: boolean }): Promise<Response> {
  return fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "claude-sonnet-4-5",
      max_tokens: 10,
      messages: [{ role: "user", content: "Count" }],
      ...options,
    }),
  });
}

/** A stream of which the first words have come. */
export async function openStream(url: string): Promise<ReadableStreamDefaultReader<string>> {
  const { body } = await ask(url, { stream: true });
  assert(body !== null);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes('"One"');) {
    const { value, done } = await reader.read();
    assert(!done, `The stream ended early: ${text}`);
    text += value;
  }
  return reader;
}

export async function readRest(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  for (let text = "";;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += value;
  }
}

/** Reads until the connection breaks, and takes that as the end. */
export async function readUntilCut(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  try {
    return await readRest(reader);
  } catch (error) {
    assert(error instanceof TypeError);
    return "cut";
  }
}

/** Waits until nobody listens there any more. */
export async function untilRefused(url: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (performance.now() < deadline) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // Accepted, and closed at once: it is just stopping.
      const isStopping = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.NotConnected;
      if (!isStopping) throw error;
    }
  }
  throw new Error("Connections are still accepted");
}
