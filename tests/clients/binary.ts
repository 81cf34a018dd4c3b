/**
 * Finds the binary of a client: from a variable such as `CLAUDE_BIN`, a cache folder outside the repository, or npm.
 * There is a native package per system; it is downloaded without its installer, after its size has been printed.
 * @module
 */

import { printLine } from "../../lib/cli/terminal.ts";

/** A client that comes as a native package of npm. */
export interface Client {
  /** As people call it. */
  name: string;
  /** The version that the cases were written for. */
  pinned: string;
  /** Variables that name another version, or a binary that is there already. */
  variables: { version: string; path: string };
  /** The package for a system, in npm's words for both of its halves. */
  toPackage(system: string, machine: string): string;
  /** Where in the package the binary is, without `.exe`. */
  file: string;
  systems: Partial<Record<typeof Deno.build.os, string>>;
}

/** The newest on npm when these cases were written. */
export const CLAUDE_CODE: Client = {
  name: "Claude Code",
  pinned: "2.1.332",
  variables: { version: "CLAUDE_VERSION", path: "CLAUDE_BIN" },
  toPackage: (system, machine) => `@anthropic-ai/claude-code-${system}-${machine}`,
  file: "claude",
  systems: { linux: "linux", darwin: "darwin", windows: "win32" },
};

/** An agent of another maker, which speaks to Anthropic's API through the AI SDK. */
export const OPENCODE: Client = {
  name: "opencode",
  pinned: "1.18.33",
  variables: { version: "OPENCODE_VERSION", path: "OPENCODE_BIN" },
  toPackage: (system, machine) => `opencode-${system}-${machine}`,
  file: "bin/opencode",
  systems: { linux: "linux", darwin: "darwin", windows: "windows" },
};

const NPM_MACHINES = { x86_64: "x64", aarch64: "arm64" } as const;

/** A client that can be run, or the reason why it cannot. */
export type Binary = { path: string; version: string } | { version: string; missing: string };

/** Finds or fetches the binary. Never throws: a client that cannot be had is "not run". */
export async function findBinary(client: Client): Promise<Binary> {
  const { variables, pinned } = client;
  const version = Deno.env.get(variables.version)?.trim() || pinned;
  try {
    const path = Deno.env.get(variables.path)?.trim() || await findCached(client, version);
    return { path, version: await readVersion(path) };
  } catch (error) {
    return { version, missing: error instanceof Error ? error.message : String(error) };
  }
}

/** `2.1.332 (Claude Code)` → `2.1.332`: the proof that it starts on this machine. */
async function readVersion(path: string): Promise<string> {
  const said = await run(path, ["--version"]);
  return said.split(" ")[0] ?? said;
}

async function findCached(client: Client, version: string): Promise<string> {
  const name = toPackageName(client);
  const folder = `${toCacheFolder(client)}/${name.split("/").at(-1)}-${version}`;
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  const path = `${folder}/package/${client.file}${suffix}`;
  if (await isFile(path)) return path;
  await fetchPackage(`${name}@${version}`, folder);
  if (await isFile(path)) return path;
  throw new Error(`${name}@${version} holds no ${path.slice(folder.length + 1)}`);
}

function toPackageName({ name, systems, toPackage }: Client): string {
  const system = systems[Deno.build.os];
  if (system === undefined) throw new Error(`no ${name} for ${Deno.build.os}`);
  return toPackage(system, NPM_MACHINES[Deno.build.arch]);
}

function toCacheFolder({ variables }: Client): string {
  const env = (name: string) => Deno.env.get(name)?.trim();
  const home = env("HOME") ?? env("USERPROFILE");
  const cache = env("XDG_CACHE_HOME") || env("LOCALAPPDATA") || (home && `${home}/.cache`);
  if (!cache) throw new Error(`no cache folder: set XDG_CACHE_HOME or ${variables.path}`);
  return `${cache}/claudeproxy-tests`;
}

/** Fetches into a folder of its own and renames it, so that a broken download is never taken for a client. */
async function fetchPackage(name: string, folder: string): Promise<void> {
  const size = await readSize(name);
  printLine(
    `Downloading ${name} from npm: ${size} packed, more than twice that unpacked, to ${folder}`,
  );
  const fresh = `${folder}.${Deno.pid}`;
  await Deno.mkdir(fresh, { recursive: true });
  try {
    const places = ["--pack-destination", fresh, "--cache", `${fresh}/npm`];
    const archive = (await runNpm(["pack", name, ...places])).split("\n").at(-1);
    await run("tar", ["-xzf", `${fresh}/${archive}`, "-C", fresh]);
    await Deno.remove(`${fresh}/${archive}`);
    await Deno.remove(`${fresh}/npm`, { recursive: true });
    // It fails where another run was faster; what counts is whether the file is there.
    await Deno.rename(fresh, folder).catch(() => {});
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
}

/** npm's metadata of these packages has no size; the archive's head has. */
async function readSize(name: string): Promise<string> {
  const url = await runNpm(["view", name, "dist.tarball"]);
  if (url === "") throw new Error(`npm knows no ${name}`);
  const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(10_000) })
    .catch(() => null);
  await response?.body?.cancel();
  const bytes = Number(response?.headers.get("content-length"));
  return bytes > 0 ? `${Math.round(bytes / 1e6)} MB` : "an unknown number of MB (about 175)";
}

/** Without retries: a machine that cannot reach npm shall say so at once. */
function runNpm(words: string[]): Promise<string> {
  const args = [...words, "--loglevel", "error", "--fetch-retries", "0"];
  return Deno.build.os === "windows" ? run("cmd", ["/c", "npm", ...args]) : run("npm", args);
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  const words = decoder.decode(stderr).trim().split("\n").slice(0, 2).join("; ");
  throw new Error(`${command} ${args[0]} failed: ${words}`);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile && info.size > 0, () => false);
}
