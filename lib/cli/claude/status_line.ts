/**
 * The status line that the launcher sets, unless the user has one.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import { STATUS_LINE_VARIABLES } from "../statusline/statusline.ts";

/** What is needed to run this program again. */
export interface Program {
  /** The path of deno. */
  deno: string;
  /** The URL of main.ts. */
  main: string;
  /** The address of the proxy. */
  url: string;
}

/**
 * The setting `statusLine`; none if one of these settings has it. The key is not part of the command, which other
 * users of the machine can read: Claude Code passes it on in the environment.
 * @param stored the user's settings from files and `--settings`
 */
export function buildStatusLine(stored: readonly JsonObject[], program: Program): JsonObject {
  if (stored.some((settings) => "statusLine" in settings)) return {};
  return { statusLine: { type: "command", command: buildCommand(program) } };
}

/**
 * Without the configuration of the current folder, which may be any repository, and without the network: the program
 * is in the cache, because it is running.
 */
function buildCommand({ deno, main, url }: Program): string {
  const { host } = new URL(url);
  const flags = [
    ...["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-check", "--cached-only"],
    `--allow-net=${host}`,
    `--allow-env=${STATUS_LINE_VARIABLES.join(",")}`,
  ];
  return [quote(deno), "run", ...flags, quote(main), "statusline"].join(" ");
}

/** For a POSIX shell, which Claude Code uses on Windows too; there a backslash separates folders. */
function quote(word: string): string {
  return `'${word.replaceAll("\\", "/").replaceAll("'", "'\\''")}'`;
}
