// Starts the processes of a bench: the fake upstream, the references, and the proxy as the start task runs it.
// With `taskset` the measured process has the first core to itself, and everything else runs on the second.

import { readTaskFlags } from "../../tests/helpers/task_flags.ts";
import type { Target } from "./trial.ts";

const ROOT = new URL("../../", import.meta.url);
const MEASURED_CORE = "0";
const OTHER_CORE = "1";
const decoder = new TextDecoder();

/** A listening process. `await using` stops it. */
export interface Listening extends AsyncDisposable {
  pid: number;
  port: number;
}

/** With the time from the start to the first response. */
export interface Started extends Listening {
  startMs: number;
}

/** Whether processes can be pinned to cores. */
export const canPin = navigator.hardwareConcurrency > 1 && await hasTaskset();

async function hasTaskset(): Promise<boolean> {
  try {
    return (await new Deno.Command("taskset", { args: ["-V"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** Moves this process, the load generator, off the measured core. */
export async function pinSelf(): Promise<void> {
  if (!canPin) return;
  const args = ["-a", "-c", "-p", OTHER_CORE, `${Deno.pid}`];
  await new Deno.Command("taskset", { args, stdout: "null" }).output();
}

function spawn(
  args: string[],
  options: { core: string; cwd?: string; env?: Record<string, string>; stdout: "piped" | "null" },
): Deno.ChildProcess {
  const { core, ...rest } = options;
  const command = canPin ? "taskset" : Deno.execPath();
  const pinned = canPin ? ["-c", core, Deno.execPath(), ...args] : args;
  return new Deno.Command(command, { ...rest, args: pinned, stderr: "null" }).spawn();
}

/** Starts the fake upstream, which prints its port as its first line. */
export async function startUpstream(): Promise<Listening> {
  const path = new URL("tools/bench/fake_upstream.ts", ROOT).href;
  const child = spawn(["run", "-A", "--no-config", path], { core: OTHER_CORE, stdout: "piped" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(decoder.decode(value));
  if (!(port > 0)) throw new Error("The fake upstream did not start");
  return { pid: child.pid, port, [Symbol.asyncDispose]: () => stop(child) };
}

/** Starts a target with this upstream, and waits for its first response to a GET. */
export function startTarget(target: Target, upstreamPort: number): Promise<Started> {
  return target === "proxy" ? startProxy(upstreamPort) : startReference(target, upstreamPort);
}

function startReference(which: Exclude<Target, "proxy">, upstreamPort: number): Promise<Started> {
  const path = new URL("tools/bench/reference.ts", ROOT).href;
  const port = findPort();
  const args = [which, toBaseUrl(upstreamPort), `${port}`];
  return startServer(["run", "-A", "--no-config", path, ...args], { port });
}

/** Starts the proxy as the start task does, in an empty folder, so that no .env is read. */
async function startProxy(upstreamPort: number): Promise<Started> {
  const port = findPort();
  const cwd = await Deno.makeTempDir();
  const env = {
    PORT: `${port}`,
    HOST: "127.0.0.1",
    OPENROUTER_API_KEY: "sk-or-v1-bench",
    OPENROUTER_BASE_URL: toBaseUrl(upstreamPort),
    MAX_INFLIGHT: "2000",
  };
  const proxy = await startServer(readStartArguments(), { port, cwd, env });
  const stopProxy = proxy[Symbol.asyncDispose];
  const end = async () => {
    await stopProxy();
    await Deno.remove(cwd, { recursive: true });
  };
  return { ...proxy, [Symbol.asyncDispose]: end };
}

async function startServer(
  args: string[],
  { port, ...options }: { port: number; cwd?: string; env?: Record<string, string> },
): Promise<Started> {
  const startedAt = performance.now();
  const child = spawn(args, { core: MEASURED_CORE, stdout: "null", ...options });
  try {
    await waitForHealth(port);
  } catch (error) {
    await stop(child);
    throw error;
  }
  const startMs = performance.now() - startedAt;
  return { pid: child.pid, port, startMs, [Symbol.asyncDispose]: () => stop(child) };
}

/** The arguments of the start task, with this bench's own modules flag and program. */
function readStartArguments(): string[] {
  const modules = Deno.args.filter((arg) => arg.startsWith("--import-map="))
    .map((arg) => `--import-map=${new URL(arg.slice("--import-map=".length), ROOT).pathname}`);
  const program = Deno.args.includes("--program")
    ? Deno.args[Deno.args.indexOf("--program") + 1]
    : undefined;
  return [
    "run",
    ...readTaskFlags("start"),
    ...modules,
    new URL(program ?? "main.ts", ROOT).pathname,
  ];
}

function toBaseUrl(port: number): string {
  return `http://127.0.0.1:${port}/api/v1`;
}

/** A port that is free now. */
function findPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function waitForHealth(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health`);
      await response.body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  throw new Error("A server did not start within 10 s");
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.status;
}

/** CPU time of all threads of a process, in microseconds; NaN on systems other than Linux. */
export function readCpu(pid: number): number {
  try {
    let nanoseconds = 0;
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const stat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`);
      nanoseconds += Number(stat.split(" ")[0]);
    }
    return nanoseconds / 1000;
  } catch {
    return NaN;
  }
}

/** Memory in MiB: resident now (`VmRSS`) or peak (`VmHWM`). */
export function readMemory(pid: number, field: "VmRSS" | "VmHWM"): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  } catch {
    return NaN;
  }
}
