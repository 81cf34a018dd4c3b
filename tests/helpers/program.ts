/**
 * Runs the program as a process with flags, environment, folder and signals, with an upstream and clients of its
 * streams. Each run has its own environment, without the variables (above all a key) of this machine.
 * @module
 */

import { assert } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { readTaskFlags } from "./task_flags.ts";
import { NOWHERE } from "./unused_port.ts";

export const ROOT = `${import.meta.dirname}/../..`;
const MAIN = `${ROOT}/main.ts`;
const RUN = [
  "run",
  "--no-prompt",
  "--no-lock",
  `--import-map=${ROOT}/tools/jsr_fallback/import_map.json`,
];
/** The permission flags of `deno task start`. */
export const START_FLAGS = listFlags("start");
export const NET_FLAG = START_FLAGS.find((flag) => flag.startsWith("--allow-net=")) ?? "";
export const KEY = "sk-or-v1-cli-test-secret";
/** The environment variables that deno itself needs. */
const MACHINE = ["PATH", "HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"];
/** A process is killed after this time, so that its test fails instead of hanging. */
const HANG_MS = 15_000;
export const HAS_SIGNALS = Deno.build.os !== "windows";

/** The flags of a task without those of every run here: Deno 2.5 accepts none twice. */
export function listFlags(task: "start" | "demo", env?: Record<string, string>): string[] {
  return readTaskFlags(task, env).filter((flag) => !RUN.includes(flag));
}

export interface Start {
  flags?: readonly string[];
  args?: readonly string[];
  /** The path of another entry than the program's own. */
  entry?: string;
  env?: Record<string, string>;
  /** The content of `.env` in the folder of this run; without it there is no file. */
  dotenv?: string;
  /** The content of the user's .env file. */
  userFile?: string;
  /** The limit of open files. */
  maxFiles?: number;
  /** The largest file that it can write, in bytes; a larger one is an error, as on a full disk. */
  maxFileBytes?: number;
  /** Makes `.env` a directory. */
  dotenvFolder?: true;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A running process of the program. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #folder = Deno.makeTempDirSync();
  #stdout = "";

  constructor({ flags, args = [], env = {}, entry = MAIN, ...more }: Start = {}) {
    const { dotenv, dotenvFolder, userFile, maxFiles, maxFileBytes } = more;
    const write = { mode: 0o600 };
    if (dotenv !== undefined) Deno.writeTextFileSync(`${this.#folder}/.env`, dotenv, write);
    if (dotenvFolder) Deno.mkdirSync(`${this.#folder}/.env`);
    // HOME is the machine's, for deno's cache. This hides the user's settings there.
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
    const command = [Deno.execPath(), ...RUN, ...chosen, entry, ...args];
    const limits = [
      // Sets both limits, as Deno raises the soft limit to the hard one.
      ...maxFiles === undefined ? [] : [`ulimit -n ${maxFiles}`],
      // In blocks of 512 bytes. The signal would end the process.
      ...maxFileBytes === undefined ? [] : [`trap '' XFSZ && ulimit -f ${maxFileBytes / 512}`],
    ];
    const limited = ["sh", "-c", [...limits, 'exec "$0" "$@"'].join(" && "), ...command];
    const [program = "", ...rest] = limits.length === 0 ? command : limited;
    this.#child = new Deno.Command(program, {
      args: rest,
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

  /** Waits for a line that matches, and returns the first group. */
  async waitFor(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.read();
      if (done) {
        throw new Error(
          `The process exited without ${pattern}: ${JSON.stringify(await this.end())}`,
        );
      }
      this.#stdout += `${value}\n`;
      const match = pattern.exec(value);
      if (match !== null) return match[1] ?? "";
    }
  }

  /** Waits until the proxy listens, and returns its URL. */
  async listening(): Promise<string> {
    const port = await this.waitFor(/listening on 127\.0\.0\.\d:(\d+),/);
    return `http://127.0.0.1:${port}`;
  }

  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // The process has already exited.
    }
  }

  /** Closes standard output, as `| head -1` does. */
  async closeOutput(): Promise<void> {
    await this.#lines.cancel();
  }

  /** Waits until it exits, without reading its output. */
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

/** An upstream that sends one delta and then waits until the test continues it. */
export class Upstream implements AsyncDisposable {
  readonly #goOn = Promise.withResolvers<void>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** The keys of chat requests. */
  readonly keys: (string | null)[] = [];
  readonly #requested = Promise.withResolvers<void>();
  readonly #holdsHead: boolean;

  /** @param options `holdsHead`: the headers are also sent only after `goOn()` */
  constructor({ holdsHead = false }: { holdsHead?: boolean } = {}) {
    this.#holdsHead = holdsHead;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#respond(request),
    );
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/api/v1`;
  }

  /** Resolves at the first chat request. */
  get requested(): Promise<void> {
    return this.#requested.promise;
  }

  goOn(): void {
    this.#goOn.resolve();
  }

  async #respond(request: Request): Promise<Response> {
    await request.body?.cancel();
    if (request.url.endsWith("/models")) return Response.json({ data: [] });
    this.keys.push(request.headers.get("authorization"));
    this.#requested.resolve();
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

/** Runs the program until it exits. */
export async function run(start: Start): Promise<Ended> {
  await using program = new Program(start);
  return await program.end();
}

export function sendMessage(url: string, options: { stream: boolean }): Promise<Response> {
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

/** A stream whose first delta has been read. */
export async function openStream(url: string): Promise<ReadableStreamDefaultReader<string>> {
  const { body } = await sendMessage(url, { stream: true });
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

/** Reads until the end, or returns "cut" if the connection is closed before. */
export async function readUntilCut(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  try {
    return await readRest(reader);
  } catch (error) {
    assert(error instanceof TypeError);
    return "cut";
  }
}

/** Waits until the port refuses connections. */
export async function untilRefused(url: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (performance.now() < deadline) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // Accepted and closed at once, as the server is stopping.
      const isStopping = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.NotConnected;
      if (!isStopping) throw error;
    }
  }
  throw new Error("Connections are still accepted");
}
