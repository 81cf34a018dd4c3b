/**
 * A registry of this test's own, and people's folders around it: the package is published there for real, and
 * started from where no file of the repository can be reached. The registry is JSR_MIRROR, a script that serves
 * folders as JSR does and takes publications (it prints `JSR_URL=…`); STD_DIR holds the @std packages.
 */

const ROOT = new URL("../../", import.meta.url).pathname;
const HANG_MS = 60_000;
const mirror = Deno.env.get("JSR_MIRROR");
const stdDir = Deno.env.get("STD_DIR");

/** What a test that needs the registry has in its name where there is none. */
export const NOT_RUN = mirror && stdDir ? "" : " (not run: JSR_MIRROR and STD_DIR are not set)";

/** How a process is started. */
export interface Run {
  env?: Record<string, string>;
  cwd?: string;
}

/** What a process left behind. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A process that goes on. */
export interface Running extends AsyncDisposable {
  /** The first group of the first text of its output that matches. */
  waitFor(pattern: RegExp): Promise<string>;
}

/** The registry and an empty folder. Close it with `close`. */
export interface Registry {
  url: string;
  /** Holds `empty`, `home` and `bin`. */
  folder: string;
  /** Runs `deno` to its end, in the repository. */
  runAtHome(args: readonly string[]): Promise<Ended>;
  /** Runs a program to its end, in the empty folder. */
  run(program: string, args: readonly string[], run?: Run): Promise<Ended>;
  /** Starts `deno` in the empty folder. */
  start(args: readonly string[], run?: Run): Running;
  close(): Promise<void>;
}

/** Starts the registry; null where its parts are not named. */
export async function startRegistry(): Promise<Registry | null> {
  if (!mirror || !stdDir) return null;
  const folder = await Deno.makeTempDir();
  for (const name of ["empty", "home", "bin"]) await Deno.mkdir(`${folder}/${name}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "-R", "-N", "--allow-env=PORT,QUIET", mirror, stdDir],
    env: { PORT: "0", QUIET: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const server = watch(child);
  const url = await server.waitFor(/JSR_URL=(\S+)/);
  const deno = Deno.execPath();
  // A cache of its own, empty at first; the folder of this deno comes first on PATH, for what starts `deno`.
  const base = {
    PATH: `${folder}/bin:${deno.slice(0, deno.lastIndexOf("/"))}:${Deno.env.get("PATH")}`,
    HOME: `${folder}/home`,
    JSR_URL: url,
    DENO_DIR: `${folder}/deno`,
    DENO_NO_UPDATE_CHECK: "1",
    NO_COLOR: "1",
    HOST: "127.0.0.1",
    PORT: "0",
  };
  const spawn = (program: string, args: readonly string[], { env = {}, cwd }: Run) =>
    new Deno.Command(program, {
      args: [...args],
      cwd: cwd ?? `${folder}/empty`,
      env: { ...base, ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  return {
    url,
    folder,
    runAtHome: (args) => finish(spawn(deno, args, { cwd: ROOT })),
    run: (program, args, run = {}) => finish(spawn(program, args, run)),
    start: (args, run = {}) => watch(spawn(deno, args, run)),
    async close() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function finish(child: Deno.ChildProcess): Promise<Ended> {
  const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function watch(child: Deno.ChildProcess): Running {
  const timer = setTimeout(() => kill(child, "SIGKILL"), HANG_MS);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async waitFor(pattern) {
      for (;;) {
        const found = pattern.exec(text);
        if (found !== null) return found[1] ?? "";
        const { value, done } = await reader.read();
        if (done) throw new Error(`no ${pattern} in ${JSON.stringify(text)}`);
        text += value;
      }
    },
    async [Symbol.asyncDispose]() {
      kill(child, "SIGTERM");
      await reader.cancel();
      await child.stderr.cancel();
      await child.status;
      clearTimeout(timer);
    },
  };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}
