/**
 * Describes how to create a settings file with the API key, for a user who has none.
 * @module
 */

import type { EnvFileOption } from "../arguments.ts";
import { findUserFile } from "../env_file.ts";

const LINE = "OPENROUTER_API_KEY=sk-or-…";

/**
 * The file that the key belongs into: the one that was read, else the user's own.
 * @returns its path; null without one, if the folder of the user is unknown
 */
export function findKeyFile(option: EnvFileOption | null): string | null {
  const isRead = option !== null && (!option.mayBeMissing || exists(option.path));
  return isRead ? option.path : findUserFile();
}

/** The commands that create the file, or add a line to it. Typed into it, the key is in no shell history. */
export function describeCreation(path: string, os: typeof Deno.build.os = Deno.build.os): string {
  if (os === "windows") {
    const folder = path.replace(/[\\/][^\\/]*$/, "");
    return `To create it, run: mkdir "${folder}", then: notepad "${path}", and write ${LINE}`;
  }
  const quoted = quote(path);
  const folder = quote(path.replace(/\/[^/]*$/, ""));
  return `To create it, run: (umask 077; mkdir -p ${folder}; cat >> ${quoted}) ` +
    `then type ${LINE}, Enter and Ctrl+D`;
}

function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
