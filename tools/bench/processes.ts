// Starts the processes of a bench: the fake upstream, the two references, and the proxy as the start task runs it.
// With `taskset` the measured process has the first core to itself, and everything else runs on the second.

import { readTaskFlags } from "../../tests/helpers/task_flags.ts";

const ROOT = new URL("../../", import.meta.url);
const MEASURED_CORE = "0";
const OTHER_CORE = "1";
const decoder = new TextDecoder();

/** A listening process. */
export interface Listening {
  pid: number;
  port: number;
  stop(): Promise<void>;
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

/** Starts a program that prints its port as its first line. */
async function startPrinter(args: string[], core: string): Promise<Listening> {
  const child = spawn(["run", "-A", "--no-config", ...args], { core, stdout: "piped" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(decoder.decode(value));
  if (!(port > 0)) throw new Error(`${args[0]} did not start`);
  return { pid: child.pid, port, stop: () => stop(child) };
}

export function startUpstream(): Promise<Listening> {
  return startPrinter([new URL("tools/bench/fake_upstream.ts", ROOT).href], OTHER_CORE);
}

export function startReference(which: "pass" | "passjs", upstream: Listening): Promise<Listening> {
  const path = new URL("tools/bench/reference.ts", ROOT).href;
  return startPrinter([path, which, toBaseUrl(upstream.port)], MEASURED_CORE);
}

/** Starts the proxy and waits for its first response to /health. */
export async function startProxy(upstreamPort: number): Promise<Listening & { startMs: number }> {
  const port = findPort();
  const args = readStartArguments();
  // An empty folder, so that no .env is read.
  const cwd = await Deno.makeTempDir();
  const startedAt = performance.now();
  const env = {
    PORT: `${port}`,
    HOST: "127.0.0.1",
    OPENROUTER_API_KEY: "sk-or-v1-bench",
    OPENROUTER_BASE_URL: toBaseUrl(upstreamPort),
    MAX_INFLIGHT: "2000",
  };
  const child = spawn(args, { core: MEASURED_CORE, cwd, env, stdout: "null" });
  await waitForHealth(port);
  const startMs = performance.now() - startedAt;
  const end = async () => {
    await stop(child);
    await Deno.remove(cwd, { recursive: true });
  };
  return { pid: child.pid, port, startMs, stop: end };
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
  throw new Error("The proxy did not start within 10 s");
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
