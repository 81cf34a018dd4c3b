/**
 * Runs the proxy in its own process.
 * @module
 */

import { readTaskFlags } from "../../tests/helpers/task_flags.ts";

const ROOT = new URL("../../", import.meta.url);

/** A proxy process. Stop it with `await using`. */
export interface Proxy extends AsyncDisposable {
  url: string;
  /** Resident memory in bytes; 0 after the process has exited. */
  readRss(): number;
  /** CPU time of the event loop's thread in milliseconds; 0 after the process has exited. */
  readCpuMs(): number;
}

/** Starts main.ts with the flags of `deno task start`, with an upstream. */
export async function startProxyProcess(
  baseUrl: string,
  env: Record<string, string> = { MAX_INFLIGHT: "100000" },
): Promise<Proxy> {
  const port = findPort();
  const modules = await readModules();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...readTaskFlags("start"), ...modules, "main.ts"],
    cwd: ROOT.pathname,
    env: {
      OPENROUTER_API_KEY: "sk-or-v1-soak",
      OPENROUTER_BASE_URL: baseUrl,
      HOST: "127.0.0.1",
      PORT: String(port),
      // By default MAX_INFLIGHT: the limit of 256 would reject most of the load.
      ...env,
    },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  await waitFor(url);
  return {
    url,
    readRss: () => readRss(child.pid),
    readCpuMs: () => readCpuMs(child.pid),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** The flag for the local copies of @std if JSR cannot be reached. */
async function readModules(): Promise<string[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "modules"],
    cwd: ROOT.pathname,
    stderr: "null",
  });
  const { stdout } = await command.output();
  const flag = new TextDecoder().decode(stdout).trim();
  return flag === "" ? [] : [flag];
}

function findPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function waitFor(url: string): Promise<void> {
  for (let n = 0; n < 200; n++) {
    try {
      const response = await fetch(`${url}/health`);
      await response.body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("The proxy did not start");
}

function readRss(pid: number): number {
  const status = readProc(`${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

function readCpuMs(pid: number): number {
  return Number(readProc(`${pid}/task/${pid}/schedstat`).split(" ")[0]) / 1e6;
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return "";
  }
}
