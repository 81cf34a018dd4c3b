/**
 * Tests that ten times as much input takes about ten times as long. Quadratic time would be a hundred times as long,
 * and block every other request of the process.
 * @module
 */

/** The largest accepted ratio of times: a larger heap makes everything somewhat slower. */
const MOST = 12;
/**
 * The largest accepted ratio of CPU times: V8 sorts the keys of large objects, and large input exceeds the cache. On slow
 * machines linear code has reached 26.
 */
const MOST_CPU = 35;
/** The shortest time of the smaller run, as other effects dominate below it. */
const LEAST_MS = 0.6;
/** Linux counts CPU time in hundredths of a second. */
const MS_PER_TICK = 10;
/** The shortest CPU time to measure. */
const LEAST_CPU_MS = 30 * MS_PER_TICK;

/** One kind of input that grows. */
export interface Growth {
  about: string;
  /** Prepares input of a size, and returns the function to measure. */
  prepare: (size: number) => () => unknown;
  /** The largest size. */
  most: number;
}

/** One test per row. */
export function testGrowths(of: string, growths: readonly Growth[]): void {
  for (const growth of growths) {
    Deno.test(`${of} of ten times ${growth.about} takes about ten times as long`, () => {
      const ratio = measureRatio(growth);
      if (ratio > MOST_CPU) throw new Error(`It took ${ratio.toFixed(1)} times as long`);
    });
  }
}

/** Measures by the clock, which is quick, and if that ratio is too large by CPU time, which other programs do not affect. */
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

/** A size at which a run is long enough to measure, after its code has been compiled. */
function findSize(prepare: Growth["prepare"], most: number): number {
  for (let size = 200;; size *= 3) {
    const next = Math.min(size, Math.floor(most));
    if (next === Math.floor(most) || measureBest(prepare(next), 3) >= LEAST_MS) return next;
  }
}

/** The shortest of several runs, as disturbances only make a run longer. */
function measureBest(run: () => unknown, runs: number): number {
  let best = Infinity;
  for (let n = 0; n < runs; n++) {
    const startedAt = performance.now();
    run();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

/** The mean CPU time of as many runs as necessary. */
function measureCpuMs(run: () => unknown): number {
  const startedAt = readCpuMs();
  for (let runs = 1;; runs++) {
    run();
    const tookMs = readCpuMs() - startedAt;
    if (tookMs >= LEAST_CPU_MS) return tookMs / runs;
  }
}

/**
 * User CPU time of this thread: other tests run in parallel, and the system takes longer for the memory of large input.
 * Elapsed time if the system does not report it.
 */
const readCpuMs = Deno.build.os === "linux" ? readUserMs : () => performance.now();

/** Field 14 of `stat`, counted from the name, which may contain spaces. */
function readUserMs(): number {
  const stat = Deno.readTextFileSync("/proc/thread-self/stat");
  return Number(stat.slice(stat.lastIndexOf(")")).split(" ")[12]) * MS_PER_TICK;
}
