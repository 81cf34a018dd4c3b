/**
 * Where the Claude Code binary comes from: `CLAUDE_BIN`, a cache folder outside the repository, or npm.
 * A native package per system; it is fetched whole, without its installer, and only after its size was said.
 * @module
 */

import { printLine } from "../../lib/cli/terminal.ts";

/** The newest on npm when these cases were written. `CLAUDE_VERSION` picks another. */
const PINNED = "2.1.330";
const NPM_SYSTEMS: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "linux",
  darwin: "darwin",
  windows: "win32",
};
const NPM_MACHINES = { x86_64: "x64", aarch64: "arm64" } as const;

/** A client that can be run, or why there is none. */
export type Binary = { path: string; version: string } | { version: string; missing: string };

/** Finds or fetches the binary. Never throws: a client that cannot be had is "not run". */
export async function findBinary(): Promise<Binary> {
  const version = Deno.env.get("CLAUDE_VERSION")?.trim() || PINNED;
  try {
    const path = Deno.env.get("CLAUDE_BIN")?.trim() || await findCached(version);
    return { path, version: await readVersion(path) };
  } catch (error) {
    return { version, missing: error instanceof Error ? error.message : String(error) };
  }
}

/** `2.1.330 (Claude Code)` → `2.1.330`: the proof that it starts on this machine. */
async function readVersion(path: string): Promise<string> {
  const said = await run(path, ["--version"]);
  return said.split(" ")[0] ?? said;
}

async function findCached(version: string): Promise<string> {
  const name = toPackageName();
  const folder = `${toCacheFolder()}/${name.split("/")[1]}-${version}`;
  const path = `${folder}/package/${Deno.build.os === "windows" ? "claude.exe" : "claude"}`;
  if (await isFile(path)) return path;
  await fetchPackage(`${name}@${version}`, folder);
  if (await isFile(path)) return path;
  throw new Error(`${name}@${version} holds no ${path.slice(folder.length + 1)}`);
}

function toPackageName(): string {
  const system = NPM_SYSTEMS[Deno.build.os];
  if (system === undefined) throw new Error(`no Claude Code for ${Deno.build.os}`);
  return `@anthropic-ai/claude-code-${system}-${NPM_MACHINES[Deno.build.arch]}`;
}

function toCacheFolder(): string {
  const env = (name: string) => Deno.env.get(name)?.trim();
  const home = env("HOME") ?? env("USERPROFILE");
  const cache = env("XDG_CACHE_HOME") || env("LOCALAPPDATA") || (home && `${home}/.cache`);
  if (!cache) throw new Error("no cache folder: set XDG_CACHE_HOME or CLAUDE_BIN");
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
