/**
 * Runs the process of a client with a clean environment and a timeout.
 * @module
 */

/** How long the output may stay open after the kill. */
const GRACE_MS = 1000;

/** Options of one process. */
export interface ProcessOptions {
  path: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  timeoutMs: number;
  /** Interrupts the process, as Ctrl+C does, when this resolves. */
  interrupt?: Promise<void> | null;
}

/** The result of one process. */
export interface ProcessResult {
  /** -1 after a timeout. */
  code: number;
  stdout: string;
  stderr: string;
  /** Killed after the timeout. */
  isTimedOut: boolean;
  ms: number;
}

/** Runs a process until it exits or the timeout expires. */
export async function runProcess(
  { path, timeoutMs, interrupt, ...options }: ProcessOptions,
): Promise<ProcessResult> {
  const started = performance.now();
  const child = new Deno.Command(path, {
    ...options,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { promise: expired, resolve: expire } = Promise.withResolvers<null>();
  const timers = [
    setTimeout(() => kill(child, "SIGKILL"), timeoutMs),
    // Its child processes may keep the output open.
    setTimeout(() => expire(null), timeoutMs + GRACE_MS),
  ];
  interrupt?.then(() => kill(child, "SIGINT"));
  const output = await Promise.race([child.output(), expired]);
  for (const timer of timers) clearTimeout(timer);
  const ms = performance.now() - started;
  const decoder = new TextDecoder();
  return {
    code: output?.code ?? -1,
    stdout: decoder.decode(output?.stdout),
    stderr: decoder.decode(output?.stderr),
    isTimedOut: ms >= timeoutMs,
    ms,
  };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has exited already; only its output is still open.
  }
}

/** The environment of a client: of the machine's variables only those needed to start. Undefined removes a variable. */
export function toClientEnv(
  { home, folder }: { home: string; folder: string },
  variables: Record<string, string | undefined>,
): Record<string, string> {
  const all: Record<string, string | undefined> = {
    PATH: Deno.env.get("PATH"),
    // Windows cannot start a process without it.
    SYSTEMROOT: Deno.env.get("SYSTEMROOT"),
    HOME: home,
    USERPROFILE: home,
    TMPDIR: folder,
    ...variables,
  };
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) env[name] = value;
  return env;
}
