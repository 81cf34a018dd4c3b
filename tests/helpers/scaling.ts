/**
 * Whether ten times as much takes some ten times as long: what is quadratic takes a hundred times as long, and holds up
 * every other request of the process meanwhile.
 * @module
 */

/** With more on the heap, everything is somewhat slower. */
const MOST = 12;
/** What is still possible: V8 sorts the keys of large objects, and what is large lies outside the cache. */
const MOST_CPU = 18;
/** So long must a smaller run take: below it other things count for more. */
const LEAST_MS = 0.6;
/** The system counts CPU time in steps of up to 10 ms. */
const LEAST_CPU_MS = 100;

/** One kind of input. */
export interface Growth {
  about: string;
  /** Prepares an input of a size, and returns what is measured. */
  prepare: (size: number) => () => unknown;
  /** The largest size that is taken. */
  most: number;
}

/** One test a row. */
export function testGrowths(of: string, growths: readonly Growth[]): void {
  for (const growth of growths) {
    Deno.test(`${of} of ten times ${growth.about} takes some ten times as long`, () => {
      const ratio = measureRatio(growth);
      if (ratio > MOST_CPU) throw new Error(`It took ${ratio.toFixed(1)} times as long`);
    });
  }
}

/** By the clock first, which is quick; where that says no, by CPU time, which no other program changes. */
function measureRatio({ prepare, most }: Growth): number {
  const size = findSize(prepare, most / 10);
  const [small, large] = [prepare(size), prepare(10 * size)];
  let [smallMs, largeMs] = [Infinity, Infinity];
  for (let attempt = 0; attempt < 5; attempt++) {
    smallMs = Math.min(smallMs, measureBest(small, 5));
    largeMs = Math.min(largeMs, measureBest(large, 1));
    if (largeMs <= MOST * smallMs) return largeMs / smallMs;
  }
  let ratio = Infinity;
  for (let attempt = 0; attempt < 3 && ratio > MOST_CPU; attempt++) {
    ratio = measureCpuMs(large) / measureCpuMs(small);
  }
  return ratio;
}

/** A size at which a run is long enough to be measured, when its code has been compiled. */
function findSize(prepare: Growth["prepare"], most: number): number {
  for (let size = 200;; size *= 3) {
    const next = Math.min(size, Math.floor(most));
    if (next === Math.floor(most) || measureBest(prepare(next), 3) >= LEAST_MS) return next;
  }
}

/** What disturbs a run only makes it longer. */
function measureBest(run: () => unknown, runs: number): number {
  let best = Infinity;
  for (let n = 0; n < runs; n++) {
    const startedAt = performance.now();
    run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

/** The mean of as many runs as it takes. */
function measureCpuMs(run: () => unknown): number {
  const startedAt = readCpuMs();
  for (let runs = 1;; runs++) {
    run();
    const tookMs = readCpuMs() - startedAt;
    if (tookMs >= LEAST_CPU_MS) return tookMs / runs;
  }
}

/** Of this thread: other tests run beside it. Where the system does not tell, the time that has passed. */
const readCpuMs = Deno.build.os === "linux"
  ? () => Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6
  : () => performance.now();
