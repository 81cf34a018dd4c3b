/**
 * Observes a proxy under attack: its memory, its event loop, and whether other clients are served. Also reads and
 * writes raw connections.
 * @module
 */

import type { Proxy } from "./process.ts";

const MB = 1024 * 1024;
/** The limits on an otherwise idle machine. */
const MAX_RSS = 1024 * MB;
const MAX_STALL_MS = 2000;
/** An attack is stopped at these limits, to protect other processes. */
const KILL_RSS = 1536 * MB;
const KILL_MS = 60_000;
const WATCH_MS = 25;
// deno-lint-ignore no-console
const print = console.log;

/** The measurements of a proxy under attack. */
export interface Observation {
  rss: number;
  /** The longest wait for /health, in milliseconds. */
  stallMs: number;
  /** CPU time of the event loop's thread, in milliseconds. */
  cpuMs: number;
  served: number;
  rejected: number;
  wasStopped: boolean;
}

/** Measures memory and sends small requests of other clients while `work` runs. */
export async function watch(
  proxy: Proxy,
  work: (end: AbortSignal) => Promise<unknown>,
): Promise<Observation> {
  const observation: Observation = {
    rss: 0,
    stallMs: 0,
    cpuMs: 0,
    served: 0,
    rejected: 0,
    wasStopped: false,
  };
  const end = new AbortController();
  const startedAt = performance.now();
  const cpu = proxy.readCpuMs();
  const sample = () => {
    observation.rss = Math.max(observation.rss, proxy.readRss());
    observation.cpuMs = proxy.readCpuMs() - cpu || observation.cpuMs;
    observation.wasStopped ||= observation.rss > KILL_RSS ||
      performance.now() - startedAt > KILL_MS;
    if (observation.wasStopped) end.abort();
  };
  const timer = setInterval(sample, WATCH_MS);
  const repeat = async (send: () => Promise<void>) => {
    while (!end.signal.aborted) {
      // A rejected connection, or the end of the attack.
      await send().catch(() => {});
      await pause(WATCH_MS);
    }
  };
  const others = [
    repeat(() => checkHealth(proxy, observation, end.signal)),
    repeat(() => sendSmall(proxy, observation, end.signal)),
  ];
  await Promise.race([
    work(end.signal).catch(() => {}),
    new Promise((resolve) => end.signal.addEventListener("abort", resolve)),
  ]);
  sample();
  end.abort();
  clearInterval(timer);
  await Promise.all(others);
  return observation;
}

async function checkHealth(
  proxy: Proxy,
  observation: Observation,
  signal: AbortSignal,
): Promise<void> {
  const since = performance.now();
  try {
    await (await fetch(`${proxy.url}/health`, { signal })).body?.cancel();
  } finally {
    observation.stallMs = Math.max(observation.stallMs, performance.now() - since);
  }
}

/** Sends a small request of another client. */
async function sendSmall(
  proxy: Proxy,
  observation: Observation,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "attack:ok" }],
  });
  const { status } = await post(proxy, "/v1/messages", { body, signal });
  if (status === 200) observation.served++;
  else observation.rejected++;
}

export async function post(
  proxy: Proxy,
  path: string,
  { body, signal }: { body: BodyInit; signal: AbortSignal },
): Promise<{ status: number; text: string }> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(proxy.url + path, { method: "POST", headers, body, signal });
  return { status: response.status, text: await response.text() };
}

export function report(about: string, observation: Observation, more = ""): boolean {
  const passed = !observation.wasStopped && observation.rss < MAX_RSS &&
    observation.stallMs < MAX_STALL_MS;
  print(
    `${passed ? "ok  " : "FAIL"} ${about}: ${(observation.rss / MB).toFixed(0)} MB, stall ` +
      `${observation.stallMs.toFixed(0)} ms, event loop ${
        observation.cpuMs.toFixed(0)
      } ms CPU; others: ` +
      `${observation.served} served, ${observation.rejected} rejected${
        observation.wasStopped ? "; stopped" : ""
      }${more}`,
  );
  return passed;
}

export function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Already closed by the proxy.
  }
}

export async function readStatus(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(1024);
  // Closed at the end of the attack, or because the proxy has exited.
  const count = await connection.read(buffer).catch(() => null);
  if (count === null) return "cut";
  return new TextDecoder().decode(buffer.subarray(9, Math.min(count, 12)));
}

export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
