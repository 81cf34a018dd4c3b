/**
 * The soak test: runs the proxy in its own process between a fast upstream and a thousand paced streams whose clients
 * disconnect at random. Linux only: memory is read from /proc.
 *
 * ```sh
 * deno task soak --seconds 60 --streams 1000
 * deno task soak --attack all
 * ```
 * Exits with 1 if a client that did not disconnect lost a byte, an upstream connection is open at the end, or stable
 * memory has grown by more than a fifth.
 * @module
 */

import { attack } from "./attack.ts";
import { open, readStream } from "./client.ts";
import { type Proxy, startProxyProcess } from "./process.ts";
import { SoakUpstream, toFloodWord } from "./upstream.ts";
import {
  type Findings,
  isStable,
  isWarm,
  listProblems,
  MAX_GROWTH,
  measureGrowth,
} from "./verdict.ts";

const FLOOD_MB = 60;
const DISCONNECT_SHARE = 0.3;
/** V8 returns unused memory in one step, 8 to 20 seconds after the load. */
const STABLE_S = 30;
const MAX_WAIT_S = 120;
const MAX_WARM_UPS = 5;
// deno-lint-ignore no-console
const print = console.log;

/** The results of the streams of one load. */
interface LoadResult {
  ends: Map<string, number>;
  lost: number;
  disconnectedAt: Map<number, number>;
  /** The peak of memory. */
  peak: number;
  nextId: number;
}

/** The parameters of one load. */
interface Load {
  seconds: number;
  streams: number;
  /** The first stream id; ids are unique over all loads. */
  firstId: number;
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--attack");
  if (at !== -1) Deno.exit(await attack(Deno.args[at + 1] ?? "all") ? 0 : 1);
  Deno.exit(await soak(readOption("seconds", 60), readOption("streams", 1000)));
}

async function soak(seconds: number, streams: number): Promise<number> {
  using upstream = new SoakUpstream();
  const idle = await measureDisconnects(upstream);
  const findings = await runStreams(upstream, { seconds, streams });
  const stalled = await stall(upstream);
  const problems = listProblems({ ...findings, open: findings.open + idle + stalled });
  for (const problem of problems) print(`problem: ${problem}`);
  print(problems.length === 0 ? "soak: passed" : "soak: FAILED");
  return problems.length === 0 ? 0 : 1;
}

/** A hundred streams on an otherwise idle proxy, whose clients disconnect one by one. */
async function measureDisconnects(upstream: SoakUpstream): Promise<number> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const disconnectedAt = new Map<number, number>();
  const ids = Array.from({ length: 100 }, (_, n) => 1_000_000 + n);
  await Promise.all(ids.map(async (id) => {
    const result = await readStream(proxy.url, { id, words: 100_000, paceMs: 50 }, 10 + (id % 20));
    if (result.disconnectedAt !== undefined) disconnectedAt.set(id, result.disconnectedAt);
  }));
  await settle(upstream);
  printDelays("disconnects of 100 streams on an idle proxy", disconnectedAt, upstream);
  return upstream.open;
}

/**
 * Runs the load several times in one process, first as a warm-up, and measures stable memory after each. What a process
 * allocates once (compiled code, heap, buffers) is then allocated at the start, so that growth is a leak.
 */
async function runStreams(
  upstream: SoakUpstream,
  { seconds, streams }: Omit<Load, "firstId">,
): Promise<Findings> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const cold = proxy.readRss();
  const warm = await warmUp(proxy, { seconds: seconds / 5, streams, firstId: 0 }, upstream);
  const result = await load(proxy, { seconds, streams, firstId: warm.nextId });
  await settle(upstream);
  const { open } = upstream;
  const memory = { start: warm.rest, end: await measureStable(proxy) };
  const lost = warm.lost + result.lost;
  print(`streams: ${streams} at a time in ${seconds} s: ${describe(result.ends)}`);
  print(
    `memory: cold ${toMb(cold)}, start (maximum after a warm-up) ${toMb(memory.start)}, ` +
      `peak ${toMb(result.peak)}, end (stable) ${toMb(memory.end)} MB; ` +
      `end/start ${measureGrowth(memory).toFixed(2)}, at most ${MAX_GROWTH}`,
  );
  print(`open upstream connections at the end: ${open}`);
  print(`lost characters of clients that did not disconnect: ${lost}`);
  printDelays(`disconnects of ${streams} streams at a time`, result.disconnectedAt, upstream);
  return { complete: result.ends.get("complete") ?? 0, lost, open, memory };
}

/**
 * Repeats a shorter load until stable memory no longer grows, or up to a limit in case of a leak. Returns the maximum:
 * with glibc it varies by a fifth between loads, with a leak it only grows.
 */
async function warmUp(
  proxy: Proxy,
  round: Load,
  upstream: SoakUpstream,
): Promise<{ rest: number; lost: number; nextId: number }> {
  const levels: number[] = [];
  let lost = 0;
  let nextId = round.firstId;
  while (!isWarm(levels) && levels.length < MAX_WARM_UPS) {
    const result = await load(proxy, { ...round, firstId: nextId });
    await settle(upstream);
    levels.push(await measureStable(proxy));
    lost += result.lost;
    nextId = result.nextId;
    print(
      `warm-up ${levels.length}: ${round.streams} streams at a time in ${round.seconds} s: ` +
        `${describe(result.ends)}; memory: peak ${toMb(result.peak)}, ` +
        `stable ${toMb(levels.at(-1) ?? NaN)} MB`,
    );
  }
  return { rest: Math.max(...levels), lost, nextId };
}

/** Runs clients that each read one stream after the other. All have disconnected when it returns. */
async function load(proxy: Proxy, { seconds, streams, firstId }: Load): Promise<LoadResult> {
  const endAt = performance.now() + seconds * 1000;
  const result: LoadResult = {
    ends: new Map(),
    lost: 0,
    disconnectedAt: new Map(),
    peak: proxy.readRss(),
    nextId: firstId,
  };
  const watch = setInterval(() => result.peak = Math.max(result.peak, proxy.readRss()), 250);
  const clients = Array.from({ length: streams }, async (_, n) => {
    // Spread over a second, so that requests do not arrive all at once.
    await pause(n * 1000 / streams);
    do await runClient(proxy, result); while (performance.now() < endAt);
  });
  await Promise.all(clients);
  clearInterval(watch);
  return result;
}

/** Reads one stream of two to six seconds; some clients disconnect before its end. */
async function runClient(proxy: Proxy, result: LoadResult): Promise<void> {
  const id = result.nextId++;
  const words = 10 + Math.floor(Math.random() * 20);
  const maxWords = Math.random() < DISCONNECT_SHARE
    ? Math.ceil(Math.random() * (words - 1))
    : Infinity;
  const { end, lost, disconnectedAt } = await readStream(
    proxy.url,
    { id, words, paceMs: 200 },
    maxWords,
  );
  result.ends.set(end, (result.ends.get(end) ?? 0) + 1);
  result.lost += lost;
  if (disconnectedAt !== undefined) result.disconnectedAt.set(id, disconnectedAt);
}

/** Four clients request 60 MB each and never read. */
async function stall(upstream: SoakUpstream): Promise<number> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  // A first response, so that one-time allocations do not count.
  await readStream(proxy.url, { id: 2_000_000, words: 50, paceMs: 1 });
  const start = proxy.readRss();
  const words = Math.ceil(FLOOD_MB * 1024 * 1024 / toFloodWord().length);
  const clients = await Promise.all(
    [1, 2, 3, 4].map((n) => open(proxy.url, { id: 2_000_000 + n, words, paceMs: 0 })),
  );
  let peak = start;
  for (let before = -1, now = 0; before !== now; now = upstream.floodBytes) {
    before = upstream.floodBytes;
    for (let n = 0; n < 20; n++) {
      await pause(50);
      peak = Math.max(peak, proxy.readRss());
    }
  }
  print(
    `four stalled clients of ${FLOOD_MB} MB: upstream wrote ${
      toMb(upstream.floodBytes)
    } MB in total; ` +
      `memory grew by ${toMb(proxy.readRss() - start)} MB, at its peak by ${toMb(peak - start)} MB`,
  );
  for (const client of clients) client.close();
  await settle(upstream);
  print(`open upstream connections after they disconnected: ${upstream.open}`);
  return upstream.open;
}

/** Waits up to five seconds until upstream has no connection. */
async function settle(upstream: SoakUpstream): Promise<void> {
  for (let n = 0; upstream.open > 0 && n < 100; n++) await pause(50);
}

/** Memory once it is stable, at the latest after two minutes. */
async function measureStable(proxy: Proxy): Promise<number> {
  const samples: number[] = [];
  while (!isStable(samples, STABLE_S) && samples.length < MAX_WAIT_S) {
    await pause(1000);
    samples.push(proxy.readRss());
  }
  if (samples.length === MAX_WAIT_S) print(`memory was not stable after ${MAX_WAIT_S} s`);
  return samples.at(-1) ?? NaN;
}

function printDelays(
  about: string,
  disconnectedAt: Map<number, number>,
  upstream: SoakUpstream,
): void {
  const delays = [...disconnectedAt].map(([id, at]) => (upstream.closedAt.get(id) ?? Infinity) - at)
    .sort((a, b) => a - b);
  const quantile = (share: number) =>
    (delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? NaN).toFixed(1);
  print(
    `${about}: client disconnects → upstream closed, ${delays.length} times: ` +
      `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, max ${quantile(1)} ms`,
  );
}

function describe(counts: Map<string, number>): string {
  return [...counts].map(([what, count]) => `${count} ${what}`).join(", ");
}

function toMb(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function readOption(name: string, fallback: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  return at === -1 ? fallback : Number(Deno.args[at + 1]);
}
