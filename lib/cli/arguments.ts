/**
 * Parses the command line: the `--env-file` option, the command, and the command's arguments. The arguments of
 * `claude` belong to Claude Code: everything after our own option is passed to it unchanged.
 * @module
 */

import { StartError } from "./terminal.ts";

/** The settings file of `--env-file` or `--env-file-if-exists`. */
export interface EnvFileOption {
  path: string;
  /** If the file does not exist, the default files are used. */
  mayBeMissing: boolean;
}

/** The parsed command line. */
export interface CommandLine {
  command: string;
  /** Arguments of the command, without our own option. */
  args: readonly string[];
  /** Null for the default files. */
  envFileOption: EnvFileOption | null;
}

/** Names and meaning are those of Node's options. */
const OPTION = /^(--env-file(?:-if-exists)?)(?:=(.*))?$/s;
/** Commands that read a settings file. */
const WITH_SETTINGS: ReadonlySet<string> = new Set(["serve", "check", "claude", "stats"]);

/**
 * Parses the command line. The option may precede or follow the command; the last one counts.
 * @throws {StartError} if the option has no path
 */
export function parseArguments(words: readonly string[]): CommandLine {
  const before = takeEnvFile(words, { leadingOnly: true });
  const [command = "serve", ...following] = before.rest;
  if (!WITH_SETTINGS.has(command)) {
    const unsupported = words.slice(0, words.length - before.rest.length);
    return { command, args: [...unsupported, ...following], envFileOption: null };
  }
  const after = takeEnvFile(following, { leadingOnly: command === "claude" });
  return { command, args: after.rest, envFileOption: after.option ?? before.option };
}

/** @param options `leadingOnly`: the first other word and all after it belong to another program */
function takeEnvFile(
  words: readonly string[],
  { leadingOnly }: { leadingOnly: boolean },
): { option: EnvFileOption | null; rest: string[] } {
  const rest: string[] = [];
  let option: EnvFileOption | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const [, name, value] = OPTION.exec(word) ?? [];
    if (name === undefined && leadingOnly) return { option, rest: words.slice(i) };
    if (name === undefined) rest.push(word);
    else option = { path: value ?? readPath(words[++i]), mayBeMissing: name.endsWith("exists") };
    if (option?.path === "") throw new StartError("--env-file needs the path of a settings file");
  }
  return { option, rest };
}

/** Empty if the word is missing or another option. */
function readPath(word: string | undefined): string {
  return word === undefined || word.startsWith("-") ? "" : word;
}
