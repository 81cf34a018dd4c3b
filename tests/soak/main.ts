/**
 * The soak test: the proxy as a process of its own between a fast upstream and a thousand paced streams whose
 * clients leave at random. Linux only: memory is read from /proc.
 *
 * ```sh
 * deno task soak --seconds 60 --streams 1000
 * ```
 * Exits with 1 where a client that stayed lost a byte, or an upstream connection is open at the end.
 * @module
 */

import { open, visit } from "./client.ts";
import { type Proxy, startProxyProcess } from "./process.ts";
import { SoakUpstream, toFloodWord } from "./upstream.ts";

const FLOOD_MB = 60;
const LEAVERS = 0.3;
// deno-lint-ignore no-console
const print = console.log;

/** What a part found. */
interface Tally {
  ends: Map<string, number>;
  lost: number;
  leftAt: Map<number, number>;
}

if (import.meta.main) Deno.exit(await soak(readOption("seconds", 60), readOption("streams", 1000)));

async function soak(seconds: number, streams: number): Promise<number> {
  using upstream = new SoakUpstream();
  const quiet = await measureLeaving(upstream);
  const { lost, open } = await runStreams(upstream, { seconds, streams });
  const stalled = await stall(upstream);
  const isGood = lost === 0 && open === 0 && quiet === 0 && stalled === 0;
  print(isGood ? "soak: passed" : "soak: FAILED");
  return isGood ? 0 : 1;
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

async function runStreams(
  upstream: SoakUpstream,
  { seconds, streams }: { seconds: number; streams: number },
): Promise<{ lost: number; open: number }> {
  await using proxy = await startProxyProcess(upstream.baseUrl);
  const start = proxy.readRss();
  const endAt = performance.now() + seconds * 1000;
  const tally: Tally = { ends: new Map(), lost: 0, leftAt: new Map() };
  const warmAt = performance.now() + seconds * 250;
  let warm = start;
  let peak = start;
  const watch = setInterval(() => {
    const now = proxy.readRss();
    if (performance.now() < warmAt) warm = Math.max(warm, now);
    peak = Math.max(peak, now);
  }, 250);
  let id = 0;
  const visitors = Array.from({ length: streams }, async (_, n) => {
    // Spread over a second, or a thousand requests would arrive in one instant.
    await new Promise((resolve) => setTimeout(resolve, n * 1000 / streams));
    while (performance.now() < endAt) await visitOnce(proxy, { id: id++, tally });
  });
  await Promise.all(visitors);
  clearInterval(watch);
  await settle(upstream);
  const end = await readRssAtRest(proxy);
  print(`streams: ${id} of ${streams} at a time in ${seconds} s: ${describe(tally.ends)}`);
  // V8 keeps what it once had for a while: growth behind the first quarter would be a leak, the rest is not.
  print(
    `memory: start ${toMb(start)}, first quarter's peak ${toMb(warm)}, peak ${toMb(peak)}, ` +
      `end ${toMb(end)} MB`,
  );
  print(`open upstream connections at the end: ${upstream.open}`);
  print(`lost characters of clients that stayed: ${tally.lost}`);
  printDelays(`leaving, ${streams} streams at a time`, tally.leftAt, upstream);
  return { lost: tally.lost, open: upstream.open };
}

/** One stream of two to six seconds; some leave before its end. */
async function visitOnce(proxy: Proxy, { id, tally }: { id: number; tally: Tally }): Promise<void> {
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

/** Memory goes back some time after the last answer. */
async function readRssAtRest(proxy: Proxy): Promise<number> {
  let least = proxy.readRss();
  for (let n = 0; n < 24; n++) {
    await pause(500);
    least = Math.min(least, proxy.readRss());
  }
  return least;
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
