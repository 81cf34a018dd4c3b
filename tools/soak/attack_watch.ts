/**
 * Watching a proxy under attack: its memory, its event loop, and whether other clients are served. And what the attacks
 * write and read on raw connections.
 * @module
 */

import type { Proxy } from "./process.ts";

const MB = 1024 * 1024;
/** What no attack may pass, on a machine that has nothing else to do. */
const MOST_RSS = 1024 * MB;
const MOST_STALL_MS = 2000;
/** Where an attack is ended, so that it harms no one else on this machine. */
const KILL_RSS = 1536 * MB;
const KILL_MS = 60_000;
const WATCH_MS = 25;
// deno-lint-ignore no-console
const print = console.log;

/** What was seen of a proxy under attack. */
export interface Sight {
  rss: number;
  /** The longest wait for /health, in milliseconds. */
  stallMs: number;
  /** CPU time of the event loop's thread, in milliseconds. */
  cpuMs: number;
  served: number;
  refused: number;
  wasKilled: boolean;
}

/** Watches while `work` is done: memory, and small requests of other clients. */
export async function watch(
  proxy: Proxy,
  work: (end: AbortSignal) => Promise<unknown>,
): Promise<Sight> {
  const sight: Sight = { rss: 0, stallMs: 0, cpuMs: 0, served: 0, refused: 0, wasKilled: false };
  const end = new AbortController();
  const startedAt = performance.now();
  const cpu = proxy.readCpuMs();
  const look = () => {
    sight.rss = Math.max(sight.rss, proxy.readRss());
    sight.cpuMs = proxy.readCpuMs() - cpu || sight.cpuMs;
    sight.wasKilled ||= sight.rss > KILL_RSS || performance.now() - startedAt > KILL_MS;
    if (sight.wasKilled) end.abort();
  };
  const timer = setInterval(look, WATCH_MS);
  const again = async (what: () => Promise<void>) => {
    while (!end.signal.aborted) {
      // Refused connections and the end of the attack.
      await what().catch(() => {});
      await pause(WATCH_MS);
    }
  };
  const others = [
    again(() => checkHealth(proxy, sight, end.signal)),
    again(() => visit(proxy, sight, end.signal)),
  ];
  await Promise.race([
    work(end.signal).catch(() => {}),
    new Promise((resolve) => end.signal.addEventListener("abort", resolve)),
  ]);
  look();
  end.abort();
  clearInterval(timer);
  await Promise.all(others);
  return sight;
}

async function checkHealth(proxy: Proxy, sight: Sight, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  try {
    await (await fetch(`${proxy.url}/health`, { signal })).body?.cancel();
  } finally {
    sight.stallMs = Math.max(sight.stallMs, performance.now() - since);
  }
}

/** Another client with a small request. */
async function visit(proxy: Proxy, sight: Sight, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "attack:ok" }],
  });
  const { status } = await post(proxy, "/v1/messages", { body, signal });
  if (status === 200) sight.served++;
  else sight.refused++;
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

export function report(what: string, sight: Sight, more = ""): boolean {
  const withstood = !sight.wasKilled && sight.rss < MOST_RSS && sight.stallMs < MOST_STALL_MS;
  print(
    `${withstood ? "ok  " : "FAIL"} ${what}: ${(sight.rss / MB).toFixed(0)} MB, stall ` +
      `${sight.stallMs.toFixed(0)} ms, event loop ${sight.cpuMs.toFixed(0)} ms CPU; others: ` +
      `${sight.served} served, ${sight.refused} refused${sight.wasKilled ? "; ended" : ""}${more}`,
  );
  return withstood;
}

export function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The proxy has closed it.
  }
}

export async function readStatus(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(1024);
  // Closed by us at the end, or by a proxy that has ended.
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
