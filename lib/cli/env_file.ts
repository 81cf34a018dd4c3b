/**
 * The settings file of a start: which one it is, and what it says. Reads only what it may read, and never prompts.
 * @module
 */

import { parse } from "@std/dotenv/parse";
import type { EnvFileOption } from "./arguments.ts";
import { StartError } from "./terminal.ts";

/** Which files may be read. */
export interface FileChoice {
  /** The file that `--env-file` names; null for none. */
  option: EnvFileOption | null;
  /** Whether `.env` of the working folder is read. Not by `claude`, which is started in any repository. */
  readsFolder: boolean;
}

/** One settings file. */
export interface EnvFile {
  /** As messages name it. */
  name: string;
  values: Readonly<Record<string, string>>;
  /** Things the person should know, a line each. */
  notes: string[];
}

const FOLDER_FILE = ".env";
const SECRETS = ["OPENROUTER_API_KEY", "PROXY_API_KEYS"] as const;
/** Read permission for the group or for everyone. */
const OTHERS_READ = 0o044;
/** Takes the place of `$` while a file is parsed; no text has a meaning for it. */
const DOLLAR = "\uE024";

/**
 * Reads the one file that counts: the one that was asked for, else `.env` of the working folder, else the user's own.
 * @throws {StartError} where it cannot be read or used
 */
export function readEnvFile({ option, readsFolder }: FileChoice): EnvFile {
  const found = option === null ? null : readNamedFile(option);
  if (found !== null) return found;
  const notes: string[] = [];
  if (readsFolder && mayRead(FOLDER_FILE)) {
    const file = load(FOLDER_FILE);
    if (file !== null) return file;
  } else if (readsFolder) {
    notes.push("Not reading .env: add --allow-read=.env if there is one");
  }
  const path = findUserFile();
  const file = path !== null && mayRead(path) ? load(path) : null;
  if (file === null) return { name: FOLDER_FILE, values: {}, notes };
  return { ...file, notes: [...notes, ...file.notes] };
}

/**
 * The user's own settings file, for every folder; null where the environment does not tell, or may not be read.
 * A relative path would lead into the working folder, so it does not count.
 */
export function findUserFile(
  read: (name: string) => string | undefined = readGranted,
  os: typeof Deno.build.os = Deno.build.os,
): string | null {
  const find = (name: string) => {
    const value = read(name)?.trim() ?? "";
    return isAbsolute(value) ? value : null;
  };
  if (os === "windows") {
    const folder = find("APPDATA");
    return folder === null ? null : `${folder}\\claudeproxy\\.env`;
  }
  const home = find("HOME");
  const folder = find("XDG_CONFIG_HOME") ?? (home === null ? null : `${home}/.config`);
  return folder === null ? null : `${folder}/claudeproxy/.env`;
}

/** Without the permission a variable is not set: asking for it would prompt or throw. */
export function readGranted(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable)?.trim() || undefined : undefined;
}

/** A path as the user means it who stands in that folder. */
export function resolvePath(path: string, folder: string): string {
  return isAbsolute(path) ? path : `${folder}/${path}`;
}

function isAbsolute(path: string): boolean {
  return /^([\\/]|[a-z]:[\\/])/i.test(path);
}

function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

function readNamedFile({ path, mayBeMissing }: EnvFileOption): EnvFile | null {
  if (!mayRead(path)) {
    throw new StartError(`No permission to read ${path}: add --allow-read=${path}`);
  }
  const file = load(path);
  if (file !== null || mayBeMissing) return file;
  throw new StartError(`${path} does not exist: --env-file needs the path of a settings file`);
}

/** Null where there is no such file. */
function load(path: string): EnvFile | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    throw new StartError(`${path} cannot be read: it must be a readable text file`, { cause });
  }
  const values = parseLiterally(text, path);
  const isSecret = SECRETS.some((name) => values[name]?.trim());
  const notes = isSecret && canOthersRead(path)
    ? [`${path} holds a key, and other users of this machine can read it: chmod 600 ${path}`]
    : [];
  return { name: path, values, notes };
}

/**
 * The values as they are written. The parser would replace an unquoted `$NAME` by any variable of the environment:
 * a file of somebody else's repository could send every secret of the user's shell to an address of its choice.
 */
function parseLiterally(text: string, path: string): Record<string, string> {
  const entries = Object.entries(parse(text.replaceAll("$", DOLLAR)))
    .map(([name, value]) => [name, value.replaceAll(DOLLAR, "$")] as const);
  // A shell that reads the same file would take it for a reference.
  const isQuoted = (value: string) => text.includes(`'${value}'`) || text.includes(`"${value}"`);
  if (entries.some(([, value]) => value.includes("$") && !isQuoted(value))) {
    throw new StartError(`${path} cannot be used: put values that contain $ into single quotes`);
  }
  return Object.fromEntries(entries);
}

/** Windows has no such modes. */
function canOthersRead(path: string): boolean {
  if (Deno.build.os === "windows") return false;
  return ((Deno.statSync(path).mode ?? 0) & OTHERS_READ) !== 0;
}
