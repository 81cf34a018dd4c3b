/**
 * Runs Claude Code in headless mode, with its own home. Knows only the proxy's address.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";
import { type ProcessResult, runProcess, toClientEnv } from "./client_process.ts";

/** Options of one run. */
export interface RunOptions {
  /** The binary. */
  path: string;
  /** The proxy's address, for ANTHROPIC_BASE_URL. */
  baseUrl: string;
  /** Contains HOME and the working directory. */
  folder: string;
  args: readonly string[];
  /** Added to the default variables; undefined removes one. */
  env?: Record<string, string | undefined>;
  timeoutMs: number;
}

/** The result of one run. */
export interface Run extends Omit<ProcessResult, "stdout"> {
  /** The final text: the response or the error. */
  text: string;
  /** As reported by Claude Code; true without a result message. */
  isError: boolean;
  /** The result message, with usage, turns and cost; empty if missing. */
  result: JsonObject;
  /** All messages of its output. */
  messages: JsonObject[];
  sessionId: string;
}

/** Runs Claude Code until it exits or the timeout expires. */
export async function runClaude(options: RunOptions): Promise<Run> {
  const { stdout, ...process } = await runProcess({
    path: options.path,
    args: ["-p", "--output-format", "stream-json", "--verbose", ...options.args],
    timeoutMs: options.timeoutMs,
    ...toEnvironment(options),
  });
  const messages = stdout.split("\n").map(parseJson).filter(isJsonObject);
  const result = messages.findLast((message) => message["type"] === "result") ?? {};
  return {
    ...process,
    text: String(result["result"] ?? ""),
    isError: result["is_error"] !== false,
    result,
    messages,
    sessionId: String(result["session_id"] ?? ""),
  };
}

/** The working directory and the variables of a run. */
export function toEnvironment(
  { folder, baseUrl, env }: RunOptions,
): { cwd: string; env: Record<string, string> } {
  return {
    cwd: `${folder}/work`,
    env: toClientEnv({ home: `${folder}/home`, folder }, {
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_AUTH_TOKEN: "dummy",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_UPDATES: "1",
      ...env,
    }),
  };
}
