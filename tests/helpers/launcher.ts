/**
 * Runs the launcher, `main.ts claude`, as a process with its own home and working directory, and a client chosen by
 * the test. From the environment it gets only what deno needs.
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import { startUpstream, type Upstream, type UpstreamOptions } from "./upstream.ts";
import type { Reply } from "./upstream.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HANG_MS = 60_000;
/** The cache of deno, which would otherwise be in HOME. */
const DENO_DIR = await readDenoDir();
/** The proxy's OpenRouter key. */
export const KEY = "sk-or-v1-launcher-test-secret";

/** Options of one run. */
export interface Launch {
  args?: readonly string[];
  env?: Record<string, string>;
  flags?: readonly string[];
  /** Called for each line of standard output. May return a signal to send, or text to type. */
  onLine?: (line: string) => Deno.Signal | { typed: string } | null;
  /** Runs in a terminal, made by `script` of util-linux. */
  hasTerminal?: boolean;
}

/** Exit code and output. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** How the launcher is started. */
export interface Command {
  program: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** A running launcher. */
export interface Launcher {
  child: Deno.ChildProcess;
  ended: Promise<Ended>;
}

/** The folders of a test, and an upstream. Dispose it with `await using`. */
export interface Harness extends AsyncDisposable {
  folder: string;
  home: string;
  work: string;
  upstream: Upstream;
  start(launch?: Launch): Launcher;
  /** The command that `start` runs without a terminal, for a test that runs it itself. */
  toCommand(launch?: Launch): Command;
  /** Runs the launcher until it exits. */
  run(launch?: Launch): Promise<Ended>;
  /** The files in the temporary folder. */
  listTemporary(): string[];
}

/** Creates the folders and starts the upstream. */
export function createHarness(script: Reply | Reply[], options: UpstreamOptions = {}): Harness {
  const folder = Deno.makeTempDirSync({ prefix: "claudeproxy-launcher-" });
  const home = `${folder}/home`;
  const work = `${folder}/work`;
  const temporary = `${folder}/tmp`;
  for (const path of [home, work, temporary]) Deno.mkdirSync(path);
  const upstream = startUpstream(script, options);
  // This deno itself rather than a wrapper of npx, whose deno would survive a kill of the wrapper.
  const deno = Deno.execPath();
  const folders = [`${folder}/bin`, deno.slice(0, deno.lastIndexOf("/")), Deno.env.get("PATH")];
  const machine = { PATH: folders.join(":"), DENO_DIR, NO_COLOR: "1" };
  const toCommand = ({ args = [], env = {}, flags = ["-A"] }: Launch = {}): Command => ({
    program: deno,
    args: [
      ...[
        "run",
        "--no-prompt",
        "--no-lock",
        `--import-map=${ROOT}tools/jsr_fallback/import_map.json`,
      ],
      ...[...flags, `${ROOT}main.ts`, "claude", ...args],
    ],
    env: {
      ...machine,
      HOME: home,
      TMPDIR: temporary,
      DENO_NO_UPDATE_CHECK: "1",
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: upstream.baseUrl,
      ...env,
    },
    cwd: work,
  });
  const start = (launch: Launch = {}): Launcher => {
    const { onLine, hasTerminal = false } = launch;
    const { program, args, env, cwd } = toCommand(launch);
    const quoted = [program, ...args].map((word) => `'${word}'`).join(" ");
    const child = new Deno.Command(hasTerminal ? "script" : program, {
      args: hasTerminal ? ["-qec", `exec ${quoted}`, "/dev/null"] : args,
      env,
      clearEnv: true,
      cwd,
      stdin: hasTerminal ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return { child, ended: finish(child, hasTerminal ? child.stdin.getWriter() : null, onLine) };
  };
  return {
    folder,
    home,
    work,
    upstream,
    start,
    toCommand,
    run: (launch) => start(launch).ended,
    listTemporary: () => [...Deno.readDirSync(temporary)].map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function finish(
  child: Deno.ChildProcess,
  keyboard: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | null,
  onLine: Launch["onLine"],
): Promise<Ended> {
  const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const errors = new Response(child.stderr).text();
  let stdout = "";
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    stdout += `${line}\n`;
    const answer = onLine?.(line);
    if (typeof answer === "string") child.kill(answer);
    else if (answer) await keyboard?.write(new TextEncoder().encode(answer.typed));
  }
  await keyboard?.close().catch(() => {});
  const { code } = await child.status;
  clearTimeout(timer);
  return { code, stdout, stderr: await errors };
}

async function readDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const info: { denoDir: string } = JSON.parse(new TextDecoder().decode(stdout));
  return info.denoDir;
}
