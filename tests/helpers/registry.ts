/**
 * A local package registry, and folders of a user: the package is published there and run from where no file of the
 * repository can be imported. The registry is JSR_MIRROR, a script that serves folders like JSR and accepts
 * publications (it prints `JSR_URL=…`). STD_DIR has the @std packages.
 */

import { type Ended, finish, type Running, watch } from "./process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const mirror = Deno.env.get("JSR_MIRROR");
const stdDir = Deno.env.get("STD_DIR");

/** Added to the names of tests that need the registry if there is none. */
export const NOT_RUN = mirror && stdDir ? "" : " (not run: JSR_MIRROR and STD_DIR are not set)";

/** Options of a process. */
export interface Run {
  env?: Record<string, string>;
  cwd?: string;
}

/** The registry and an empty folder. Stop it with `close`. */
export interface Registry {
  url: string;
  /** Has the folders `empty`, `home` and `bin`. */
  folder: string;
  /** Runs `deno` in the repository until it exits. */
  runAtHome(args: readonly string[]): Promise<Ended>;
  /** Runs a program in the empty folder until it exits. */
  run(program: string, args: readonly string[], run?: Run): Promise<Ended>;
  /** Starts `deno` in the empty folder. */
  start(args: readonly string[], run?: Run): Running;
  close(): Promise<void>;
}

/** Starts the registry; null without JSR_MIRROR and STD_DIR. */
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
  // An empty cache of its own. The folder of this deno is on PATH for programs that start `deno`.
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
