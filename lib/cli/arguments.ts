/**
 * The command line: the option that names a settings file, the command, and the command's own arguments. Those of
 * `claude` are Claude Code's: from the first word that is not our option they are passed on unchanged.
 * @module
 */

import { StartError } from "./terminal.ts";

/** A settings file that was asked for. */
export interface EnvFileOption {
  path: string;
  /** Where it does not exist, the usual places count. */
  mayBeMissing: boolean;
}

/** The command line, taken apart. */
export interface CommandLine {
  command: string;
  /** What follows the command, without our own option. */
  args: readonly string[];
  /** Null: the settings file is looked for in the usual places. */
  envFile: EnvFileOption | null;
}

/** The names are Node's, and mean the same. */
const OPTION = /^(--env-file(?:-if-exists)?)(?:=(.*))?$/s;
/** The others read no settings file. */
const WITH_SETTINGS: ReadonlySet<string> = new Set(["serve", "check", "claude"]);

/**
 * Takes the command line apart. The option may stand before the command or behind it; the last one counts.
 * @throws {StartError} for the option without a path
 */
export function parseArguments(words: readonly string[]): CommandLine {
  const before = takeEnvFile(words, { leadingOnly: true });
  const [command = "serve", ...behind] = before.rest;
  if (!WITH_SETTINGS.has(command)) {
    const unread = words.slice(0, words.length - before.rest.length);
    return { command, args: [...unread, ...behind], envFile: null };
  }
  const after = takeEnvFile(behind, { leadingOnly: command === "claude" });
  return { command, args: after.rest, envFile: after.envFile ?? before.envFile };
}

/** @param options `leadingOnly`: what follows the first other word belongs to another program */
function takeEnvFile(
  words: readonly string[],
  { leadingOnly }: { leadingOnly: boolean },
): { envFile: EnvFileOption | null; rest: string[] } {
  const rest: string[] = [];
  let envFile: EnvFileOption | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const [, name, value] = OPTION.exec(word) ?? [];
    if (name === undefined && leadingOnly) return { envFile, rest: words.slice(i) };
    if (name === undefined) rest.push(word);
    else envFile = { path: value ?? readPath(words[++i]), mayBeMissing: name.endsWith("exists") };
    if (envFile?.path === "") throw new StartError("--env-file needs the path of a settings file");
  }
  return { envFile, rest };
}

/** Another option is not a path. */
function readPath(word: string | undefined): string {
  return word === undefined || word.startsWith("-") ? "" : word;
}
