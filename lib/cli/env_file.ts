/**
 * Finds and reads the settings file. Reads only files that it has permission for, and never prompts.
 * @module
 */

import type { EnvFileOption } from "./arguments.ts";
import { decodeEnvFile, parseEnvText } from "./env_text.ts";
import { readGranted } from "./read_granted.ts";
import { StartError } from "./terminal.ts";

/** Which file is read. */
export interface FileChoice {
  /** The file of `--env-file`; null for the default files. */
  option: EnvFileOption | null;
  /** Whether `.env` in the current folder is read. Not by `claude`, which is started in any repository. */
  readsFolder: boolean;
}

/** One settings file. */
export interface EnvFile {
  /** Its path, as shown in messages. */
  name: string;
  values: Readonly<Record<string, string>>;
  /** Warnings, one line each. */
  notes: string[];
}

const FOLDER_FILE = ".env";
const SECRETS = ["OPENROUTER_API_KEY", "PROXY_API_KEYS"] as const;
/** Mode bits: readable by group or others. */
const OTHERS_READ = 0o044;

/**
 * Reads one file: that of `--env-file`, else `.env` in the current folder, else the user's own.
 * @throws {StartError} if it cannot be read or used
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
 * Path of the user's own settings file; null if the variables for it are unset or not permitted.
 * Relative values are ignored: they would point into the current folder, which may be any repository.
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

/** Resolves a path that is relative to a folder. */
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

/** Null if the file does not exist. */
function load(path: string): EnvFile | null {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    throw new StartError(`${path} cannot be read: it must be a readable text file`, { cause });
  }
  const values = parseEnvText(decodeEnvFile(bytes, path), path);
  const isSecret = SECRETS.some((name) => values[name]?.trim());
  const notes = isSecret && canOthersRead(path)
    ? [`${path} contains a key and other users of this machine can read it: chmod 600 ${path}`]
    : [];
  return { name: path, values, notes };
}

/** False on Windows, which has no such modes. */
function canOthersRead(path: string): boolean {
  if (Deno.build.os === "windows") return false;
  return ((Deno.statSync(path).mode ?? 0) & OTHERS_READ) !== 0;
}
