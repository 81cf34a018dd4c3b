/**
 * Tests that ten times as much input takes about ten times as long. Quadratic time would be a hundred times as long,
 * and block every other request of the process.
 * @module
 */

/** How many times as much input the larger run has. */
const TIMES = 10;
/**
 * The largest accepted ratio between one large input and ten small ones: about 1 for linear code, up to 10 for quadratic
 * code. Beside six busy programs on two cores, linear code has reached 2.1.
 */
const MOST = 3;
/** The shortest time of one small run, as other effects dominate below it. */
const LEAST_MS = 0.6;
/** Measurements before a ratio counts as too large, as other tests run at the same time. */
const ATTEMPTS = 50;

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
      assertLinear(growth);
    });
  }
}

/**
 * Compares one large input with ten small ones: both are as much input, so the caches, new memory and the garbage
 * collector take equally long for them. They take turns, and the shortest time of each counts, as disturbances only make
 * a run longer.
 *
 * @throws {Error} if the large input takes too long, with the ratio
 */
export function assertLinear({ prepare, most }: Growth): void {
  const size = findSize(prepare, Math.floor(most / TIMES));
  const small = Array.from({ length: TIMES }, () => prepare(size));
  const large = [prepare(TIMES * size)];
  let [smallMs, largeMs] = [Infinity, Infinity];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Of the small ones several, as a disturbed one would hide quadratic time.
    smallMs = Math.min(smallMs, measureBest(small));
    largeMs = Math.min(largeMs, measure(large));
    if (largeMs <= MOST * smallMs) return;
  }
  throw new Error(`It took ${(TIMES * largeMs / smallMs).toFixed(1)} times as long`);
}

/** A size at which a run is long enough to measure, after its code has been compiled. */
function findSize(prepare: Growth["prepare"], most: number): number {
  for (let size = 200; size < most; size *= 3) {
    if (measureBest([prepare(size)]) >= LEAST_MS) return size;
  }
  return most;
}

/** The shortest of three times. */
function measureBest(runs: readonly (() => unknown)[]): number {
  return Math.min(measure(runs), measure(runs), measure(runs));
}

function measure(runs: readonly (() => unknown)[]): number {
  const startedAt = performance.now();
  for (const run of runs) run();
  return performance.now() - startedAt;
}
