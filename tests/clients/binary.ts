/**
 * Finds the binary of a client: from a variable such as `CLAUDE_BIN`, a cache folder outside the repository, or npm,
 * where each system has a native package. The download prints its size and does not run the installer.
 * @module
 */

import { printLine } from "../../lib/cli/terminal.ts";

/** A client that npm has as a native package. */
export interface Client {
  /** The name in test names and messages. */
  name: string;
  /** The version the cases were written for. */
  pinned: string;
  /** Variables for another version, or the path of an installed binary. */
  variables: { version: string; path: string };
  /** The package for a system and architecture, as npm names them. */
  toPackage(system: string, architecture: string): string;
  /** The path of the binary in the package, without `.exe`. */
  file: string;
  systems: Partial<Record<typeof Deno.build.os, string>>;
}

/** Pinned to the newest version when the cases were written. */
export const CLAUDE_CODE: Client = {
  name: "Claude Code",
  pinned: "2.1.332",
  variables: { version: "CLAUDE_VERSION", path: "CLAUDE_BIN" },
  toPackage: (system, architecture) => `@anthropic-ai/claude-code-${system}-${architecture}`,
  file: "claude",
  systems: { linux: "linux", darwin: "darwin", windows: "win32" },
};

/** An agent of another vendor that uses Anthropic's API through the AI SDK. */
export const OPENCODE: Client = {
  name: "opencode",
  pinned: "1.18.33",
  variables: { version: "OPENCODE_VERSION", path: "OPENCODE_BIN" },
  toPackage: (system, architecture) => `opencode-${system}-${architecture}`,
  file: "bin/opencode",
  systems: { linux: "linux", darwin: "darwin", windows: "windows" },
};

/** Another agent that uses Anthropic's API. */
export const CLINE: Client = {
  name: "Cline",
  pinned: "3.0.65",
  variables: { version: "CLINE_VERSION", path: "CLINE_BIN" },
  toPackage: (system, architecture) => `@cline/cli-${system}-${architecture}`,
  file: "bin/cline",
  systems: { linux: "linux", darwin: "darwin", windows: "windows" },
};

/**
 * The library that drives Claude Code. Not imported from npm: Deno would download its own binaries of Claude Code too,
 * 380 MB for each C library.
 */
export const AGENT_SDK: Client = {
  name: "Claude Agent SDK",
  pinned: "0.3.332",
  variables: { version: "AGENT_SDK_VERSION", path: "AGENT_SDK_PATH" },
  toPackage: () => "@anthropic-ai/claude-agent-sdk",
  file: "sdk.mjs",
  systems: { linux: "", darwin: "", windows: "" },
};

const NPM_ARCHITECTURES = { x86_64: "x64", aarch64: "arm64" } as const;

/** A binary that starts, or the reason why there is no such binary. */
export type Binary = { path: string; version: string } | { version: string; missing: string };

/** Finds or downloads the binary. Does not throw: the cases of a missing client are reported as not run. */
export async function findBinary(client: Client): Promise<Binary> {
  return await find(client, readVersion);
}

/** The same for a library, whose file is a module. */
export async function findLibrary(client: Client): Promise<Binary> {
  return await find(client, (_path, version) => version);
}

async function find(
  client: Client,
  getVersion: (path: string, version: string) => string | Promise<string>,
): Promise<Binary> {
  const { variables, pinned } = client;
  const version = Deno.env.get(variables.version)?.trim() || pinned;
  try {
    const path = Deno.env.get(variables.path)?.trim() || await findCached(client, version);
    return { path, version: await getVersion(path, version) };
  } catch (error) {
    return { version, missing: error instanceof Error ? error.message : String(error) };
  }
}

/** Registers a case with the client, ignored if its binary is missing. */
export function testWithClient(
  client: Client,
  binary: Binary,
  { name, body }: { name: string; body: () => Promise<void> },
): void {
  const title = `${client.name} ${binary.version}`;
  if ("missing" in binary) {
    Deno.test({ name: `not run: ${name} (no ${title}: ${binary.missing})`, ignore: true, fn() {} });
  } else Deno.test(`${title} ${name}`, body);
}

/** `2.1.332 (Claude Code)` → `2.1.332`. Fails if the binary does not start on this machine. */
async function readVersion(path: string): Promise<string> {
  const output = await run(path, ["--version"]);
  return output.split(" ")[0] ?? output;
}

async function findCached(client: Client, version: string): Promise<string> {
  const name = toPackageName(client);
  const folder = `${toCacheFolder(client)}/${name.split("/").at(-1)}-${version}`;
  const isProgram = !client.file.endsWith(".mjs");
  const suffix = isProgram && Deno.build.os === "windows" ? ".exe" : "";
  const path = `${folder}/package/${client.file}${suffix}`;
  if (await isFile(path)) return path;
  await fetchPackage(`${name}@${version}`, folder);
  if (await isFile(path)) return path;
  throw new Error(`${name}@${version} does not contain ${path.slice(folder.length + 1)}`);
}

function toPackageName({ name, systems, toPackage }: Client): string {
  const system = systems[Deno.build.os];
  if (system === undefined) throw new Error(`${name} has no package for ${Deno.build.os}`);
  return toPackage(system, NPM_ARCHITECTURES[Deno.build.arch]);
}

function toCacheFolder({ variables }: Client): string {
  const env = (name: string) => Deno.env.get(name)?.trim();
  const home = env("HOME") ?? env("USERPROFILE");
  const cache = env("XDG_CACHE_HOME") || env("LOCALAPPDATA") || (home && `${home}/.cache`);
  if (!cache) throw new Error(`no cache folder: set XDG_CACHE_HOME or ${variables.path}`);
  return `${cache}/claudeproxy-tests`;
}

/** Downloads to a temporary folder and renames it, so that the cache never contains an incomplete package. */
async function fetchPackage(name: string, folder: string): Promise<void> {
  const size = await readSize(name);
  printLine(
    `Downloading ${name} from npm: ${size} packed, more than twice that unpacked, to ${folder}`,
  );
  const temporary = `${folder}.${Deno.pid}`;
  await Deno.mkdir(temporary, { recursive: true });
  try {
    const folders = ["--pack-destination", temporary, "--cache", `${temporary}/npm`];
    const archive = (await runNpm(["pack", name, ...folders])).split("\n").at(-1);
    await run("tar", ["-xzf", `${temporary}/${archive}`, "-C", temporary]);
    await Deno.remove(`${temporary}/${archive}`);
    await Deno.remove(`${temporary}/npm`, { recursive: true });
    // Fails if another run was faster; the caller checks that the file exists.
    await Deno.rename(temporary, folder).catch(() => {});
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

/** Reads Content-Length of the archive, because npm's metadata of these packages has no size. */
async function readSize(name: string): Promise<string> {
  const url = await runNpm(["view", name, "dist.tarball"]);
  if (url === "") throw new Error(`npm has no package ${name}`);
  const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(10_000) })
    .catch(() => null);
  await response?.body?.cancel();
  const bytes = Number(response?.headers.get("content-length"));
  return bytes > 0 ? `${Math.round(bytes / 1e6)} MB` : "an unknown number of MB (about 175)";
}

/** Without retries, to fail at once if npm cannot be reached. */
function runNpm(command: string[]): Promise<string> {
  const args = [...command, "--loglevel", "error", "--fetch-retries", "0"];
  return Deno.build.os === "windows" ? run("cmd", ["/c", "npm", ...args]) : run("npm", args);
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  const reason = decoder.decode(stderr).trim().split("\n").slice(0, 2).join("; ");
  throw new Error(`${command} ${args[0]} failed: ${reason}`);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile && info.size > 0, () => false);
}
