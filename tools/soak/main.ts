/**
 * The soak test: the proxy as a process of its own between a fast upstream and a thousand paced streams whose
 * clients leave at random. Linux only: memory is read from /proc.
 *
 * ```sh
 * deno task soak --seconds 60 --streams 1000
 * deno task soak --attack all
 * ```
 * Exits with 1 where a client that stayed lost a byte, an upstream connection is open at the end, or memory at rest
 * has grown by more than a fifth.
 * @module
 */

import { attack } from "./attack.ts";
import { open, visit } from "./client.ts";
import { type Proxy, startProxyProcess } from "./process.ts";
import { SoakUpstream, toFloodWord } from "./upstream.ts";
import {
  type Findings,
  isLevel,
  isWarm,
  listFaults,
  measureGrowth,
  MOST_GROWTH,
} from "./verdict.ts";

const FLOOD_MB = 60;
const LEAVERS = 0.3;
/** V8 gives back what it no longer needs in one step, 8 to 20 seconds after the load. */
const LEVEL_S = 30;
const REST_S = 120;
const MOST_WARM_UPS = 5;
// deno-lint-ignore no-console
const print = console.log;

/** How the streams of one load went. */
interface Tally {
  ends: Map<string, number>;
  lost: number;
  leftAt: Map<number, number>;
  /** The most memory seen meanwhile. */
  peak: number;
  nextId: number;
}

/** How much of what. */
interface Load {
  seconds: number;
  streams: number;
  /** Ids count from here: upstream must tell the streams of two loads apart. */
  firstId: number;
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--attack");
  if (at !== -1) Deno.exit(await attack(Deno.args[at + 1] ?? "all") ? 0 : 1);
  Deno.exit(await soak(readOption("seconds", 60), readOption("streams", 1000)));
}

async function soak(seconds: number, streams: number): Promise<number> {
  using upstream = new SoakUpstream();
  const quiet = await measureLeaving(upstream);
  const findings = await runStreams(upstream, { seconds, streams });
  const stalled = await stall(upstream);
  const faults = listFaults({ ...findings, open: findings.open + quiet + stalled });
  for (const fault of faults) print(`fault: ${fault}`);
  print(faults.length === 0 ? "soak: passed" : "soak: FAILED");
  return faults.length === 0 ? 0 : 1;
}

/** A hundred streams, otherwise idle, whose clients leave one by one. */
async function measureLeaving(upstream: SoakUpstream): Promise<number> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const leftAt = new Map<number, number>();
  const ids = Array.from({ length: 100 }, (_, n) => 1_000_000 + n);
  await Promise.all(ids.map(async (id) => {
    const left = await visit(proxy.url, { id, words: 100_000, paceMs: 50 }, 10 + (id % 20));
    if (left.leftAt !== undefined) leftAt.set(id, left.leftAt);
  }));
  await settle(upstream);
  printDelays("leaving, 100 streams and nothing else", leftAt, upstream);
  return upstream.open;
}

/**
 * The load several times in one process, at first as a warm-up, and memory at rest after each: what a process needs
 * once (compiled code, a heap and buffers of the right size) is there at the start, so that what comes on top
 * would be a leak.
 */
async function runStreams(
  upstream: SoakUpstream,
  { seconds, streams }: Omit<Load, "firstId">,
): Promise<Findings> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const cold = proxy.readRss();
  const warm = await warmUp(proxy, { seconds: seconds / 5, streams, firstId: 0 }, upstream);
  const tally = await load(proxy, { seconds, streams, firstId: warm.nextId });
  await settle(upstream);
  const { open } = upstream;
  const memory = { start: warm.rest, end: await rest(proxy) };
  const lost = warm.lost + tally.lost;
  print(`streams: ${streams} at a time in ${seconds} s: ${describe(tally.ends)}`);
  print(
    `memory: cold ${toMb(cold)}, start (highest rest of the warm-ups) ${toMb(memory.start)}, ` +
      `peak ${toMb(tally.peak)}, end (at rest) ${toMb(memory.end)} MB; ` +
      `end/start ${measureGrowth(memory).toFixed(2)}, at most ${MOST_GROWTH}`,
  );
  print(`open upstream connections at the end: ${open}`);
  print(`lost characters of clients that stayed: ${lost}`);
  printDelays(`leaving, ${streams} streams at a time`, tally.leftAt, upstream);
  return { whole: tally.ends.get("whole") ?? 0, lost, open, memory };
}

/**
 * A shorter load again and again, until memory at rest no longer grows; a leak makes it end after some rounds.
 * Returns the highest rest: glibc's goes up and down by a fifth from load to load, and a leak's only up.
 */
async function warmUp(
  proxy: Proxy,
  round: Load,
  upstream: SoakUpstream,
): Promise<{ rest: number; lost: number; nextId: number }> {
  const rests: number[] = [];
  let lost = 0;
  let nextId = round.firstId;
  while (!isWarm(rests) && rests.length < MOST_WARM_UPS) {
    const tally = await load(proxy, { ...round, firstId: nextId });
    await settle(upstream);
    rests.push(await rest(proxy));
    lost += tally.lost;
    nextId = tally.nextId;
    print(
      `warm-up ${rests.length}: ${round.streams} streams at a time in ${round.seconds} s: ` +
        `${describe(tally.ends)}; memory: peak ${toMb(tally.peak)}, ` +
        `at rest ${toMb(rests.at(-1) ?? NaN)} MB`,
    );
  }
  return { rest: Math.max(...rests), lost, nextId };
}

/** So many clients, each one stream after the other, for so long. All have gone when it returns. */
async function load(proxy: Proxy, { seconds, streams, firstId }: Load): Promise<Tally> {
  const endAt = performance.now() + seconds * 1000;
  const tally: Tally = {
    ends: new Map(),
    lost: 0,
    leftAt: new Map(),
    peak: proxy.readRss(),
    nextId: firstId,
  };
  const watch = setInterval(() => tally.peak = Math.max(tally.peak, proxy.readRss()), 250);
  const visitors = Array.from({ length: streams }, async (_, n) => {
    // Spread over a second, or a thousand requests would arrive in one instant.
    await pause(n * 1000 / streams);
    do await visitOnce(proxy, tally); while (performance.now() < endAt);
  });
  await Promise.all(visitors);
  clearInterval(watch);
  return tally;
}

/** One stream of two to six seconds; some leave before its end. */
async function visitOnce(proxy: Proxy, tally: Tally): Promise<void> {
  const id = tally.nextId++;
  const words = 10 + Math.floor(Math.random() * 20);
  const leavesAfter = Math.random() < LEAVERS ? Math.ceil(Math.random() * (words - 1)) : Infinity;
  const { end, lost, leftAt } = await visit(proxy.url, { id, words, paceMs: 200 }, leavesAfter);
  tally.ends.set(end, (tally.ends.get(end) ?? 0) + 1);
  tally.lost += lost;
  if (leftAt !== undefined) tally.leftAt.set(id, leftAt);
}

/** Four clients ask for 60 MB each and never read. */
async function stall(upstream: SoakUpstream): Promise<number> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  // A first answer, so that what is loaded once does not count.
  await visit(proxy.url, { id: 2_000_000, words: 50, paceMs: 1 });
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
    `four stalled readers of ${FLOOD_MB} MB: upstream wrote ${
      toMb(upstream.floodBytes)
    } MB in all; ` +
      `memory grew by ${toMb(proxy.readRss() - start)} MB, at its peak by ${toMb(peak - start)} MB`,
  );
  for (const client of clients) client.close();
  await settle(upstream);
  print(`open upstream connections after they left: ${upstream.open}`);
  return upstream.open;
}

/** Waits until upstream has no connection, but not longer than five seconds. */
async function settle(upstream: SoakUpstream): Promise<void> {
  for (let n = 0; upstream.open > 0 && n < 100; n++) await pause(50);
}

/** Memory when it has been level for long enough; at the latest after two minutes. */
async function rest(proxy: Proxy): Promise<number> {
  const samples: number[] = [];
  while (!isLevel(samples, LEVEL_S) && samples.length < REST_S) {
    await pause(1000);
    samples.push(proxy.readRss());
  }
  if (samples.length === REST_S) print(`memory was not level after ${REST_S} s`);
  return samples.at(-1) ?? NaN;
}

function printDelays(about: string, leftAt: Map<number, number>, upstream: SoakUpstream): void {
  const delays = [...leftAt].map(([id, at]) => (upstream.closedAt.get(id) ?? Infinity) - at)
    .sort((a, b) => a - b);
  const quantile = (share: number) =>
    (delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? NaN).toFixed(1);
  print(
    `${about}: client leaves → upstream closed, ${delays.length} times: ` +
      `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, most ${quantile(1)} ms`,
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

function readOption(name: string, otherwise: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(Deno.args[at + 1]);
}
