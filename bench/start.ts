/**
 * `deno task bench:start`: how long the proxy takes from process start to its first answer on /health, and how
 * much memory it then holds idle. Five starts with the start task's kind of flags; prints each and the median.
 * `deno task bench:start claudeproxy.js` measures the bundle instead of main.ts.
 */

const STARTS = 5;
const isProgram = (arg: string) => /^[^-].*\.[jt]s$/.test(arg);
const PROGRAM = Deno.args.find(isProgram) ?? "main.ts";
const FLAGS = Deno.args.filter((arg) => !isProgram(arg));
const encoder = new TextEncoder();
const say = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

/** A port that was free a moment ago. */
function findPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function waitForHealth(port: number): Promise<void> {
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/health`);
      await answer.body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** Resident memory in MiB, where the system tells (Linux). */
async function readMemory(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  } catch {
    return NaN;
  }
}

async function measure(): Promise<{ startMs: number; memoryMiB: number }> {
  const port = findPort();
  const startedAt = performance.now();
  const proxy = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net", "--allow-env", ...FLAGS, PROGRAM],
    // The catalog's address refuses at once: nothing leaves this machine.
    env: {
      PORT: `${port}`,
      HOST: "127.0.0.1",
      OPENROUTER_API_KEY: "sk-or-v1-bench",
      OPENROUTER_BASE_URL: "http://127.0.0.1:9/api/v1",
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
  await waitForHealth(port);
  const startMs = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const memoryMiB = await readMemory(proxy.pid);
  proxy.kill();
  await proxy.status;
  return { startMs, memoryMiB };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

await measure(); // once to warm the cache
const runs = [];
for (let i = 0; i < STARTS; i++) runs.push(await measure());
for (const { startMs, memoryMiB } of runs) {
  say(`start ${startMs.toFixed(0)} ms, idle ${memoryMiB.toFixed(1)} MiB`);
}
// On a busy machine the least says more than the median.
say(
  `least: start ${Math.min(...runs.map((run) => run.startMs)).toFixed(0)} ms; ` +
    `median: start ${median(runs.map((run) => run.startMs)).toFixed(0)} ms, ` +
    `idle ${median(runs.map((run) => run.memoryMiB)).toFixed(1)} MiB`,
);
