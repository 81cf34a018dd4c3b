/**
 * Runs Claude Code in headless mode, with a clean environment, its own home and a timeout. Knows only the proxy's
 * address.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../lib/json.ts";

/** How long its output may stay open after its end. */
const GRACE_MS = 1000;

/** How one run is started. */
export interface RunOptions {
  /** The program. */
  path: string;
  /** The proxy: ANTHROPIC_BASE_URL. */
  baseUrl: string;
  /** HOME and the working directory stand in here. */
  folder: string;
  args: readonly string[];
  /** Beside, or with undefined instead of, the variables that every run gets. */
  env?: Record<string, string | undefined>;
  timeoutMs: number;
}

/** What one run left behind. */
export interface Run {
  code: number;
  /** What people read at the end: the answer, or the error. */
  text: string;
  /** Claude Code's own word on it. */
  isError: boolean;
  /** The last message of the output, with usage, turns and cost; empty where there was none. */
  result: JsonObject;
  /** All messages of the output. */
  messages: JsonObject[];
  sessionId: string;
  stderr: string;
  /** Killed, because it took too long. */
  isTimedOut: boolean;
  ms: number;
}

/** Folders of a case: what Claude Code takes for its home, and what it works in. */
export function listFolders(folder: string): { home: string; work: string } {
  return { home: `${folder}/home`, work: `${folder}/work` };
}

/** Runs it to the end. */
export async function runClaude(options: RunOptions): Promise<Run> {
  const { home, work } = listFolders(options.folder);
  const started = performance.now();
  const child = new Deno.Command(options.path, {
    args: ["-p", "--output-format", "stream-json", "--verbose", ...options.args],
    cwd: work,
    clearEnv: true,
    env: toClientEnv(home, options),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { promise: expired, resolve: expire } = Promise.withResolvers<null>();
  const timers = [
    setTimeout(() => end(child), options.timeoutMs),
    // What it had started may hold its output open.
    setTimeout(() => expire(null), options.timeoutMs + GRACE_MS),
  ];
  const output = await Promise.race([child.output(), expired]);
  for (const timer of timers) clearTimeout(timer);
  const ms = performance.now() - started;
  const decoder = new TextDecoder();
  const messages = decoder.decode(output?.stdout).split("\n").map(parseJson).filter(isJsonObject);
  const result = messages.findLast((message) => message["type"] === "result") ?? {};
  return {
    code: output?.code ?? -1,
    text: String(result["result"] ?? ""),
    isError: result["is_error"] !== false,
    result,
    messages,
    sessionId: String(result["session_id"] ?? ""),
    stderr: decoder.decode(output?.stderr),
    isTimedOut: ms >= options.timeoutMs,
    ms,
  };
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself; only its output is still open.
  }
}

/** The environment of a run: nothing of the machine's but what it cannot start without. */
export function toClientEnv(home: string, options: RunOptions): Record<string, string> {
  const all: Record<string, string | undefined> = {
    PATH: Deno.env.get("PATH"),
    // Windows starts nothing without it.
    SYSTEMROOT: Deno.env.get("SYSTEMROOT"),
    HOME: home,
    USERPROFILE: home,
    TMPDIR: options.folder,
    ANTHROPIC_BASE_URL: options.baseUrl,
    ANTHROPIC_AUTH_TOKEN: "dummy",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_UPDATES: "1",
    ...options.env,
  };
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) set[name] = value;
  return set;
}
