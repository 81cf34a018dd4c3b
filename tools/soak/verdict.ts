/**
 * What a soak's metrics mean: when memory has come to rest, and whether the run passed. Pure.
 * @module
 */

/** The most that memory may have grown between two rests. */
export const MOST_GROWTH = 1.2;

/** What one soak found. */
export interface Findings {
  /** Streams that came whole. */
  whole: number;
  /** Characters that clients who stayed did not get. */
  lost: number;
  /** Upstream connections that are open although every client has gone. */
  open: number;
  /** Bytes at rest, after the warm-up and after the run. */
  memory: { start: number; end: number };
}

/**
 * Whether the last `count` samples differ by no more than 2 %. Fewer samples are never level: V8 gives memory back
 * in one step, eight to twenty seconds after the last request.
 */
export function isLevel(samples: readonly number[], count: number): boolean {
  if (samples.length < count) return false;
  const last = samples.slice(-count);
  return Math.max(...last) <= Math.min(...last) * 1.02;
}

/**
 * Whether warming up is over: the last load left no more than 5 % above what one before it had left. It takes some
 * rounds, because glibc gives freed memory back only where all above it is free too.
 * @param rests memory at rest after each warm-up
 */
export function isWarm(rests: readonly number[]): boolean {
  const last = rests.at(-1) ?? 0;
  return rests.slice(0, -1).some((before) => last <= before * 1.05);
}

/** How much memory has grown: 1 is not at all. */
export function measureGrowth({ start, end }: Findings["memory"]): number {
  return end / start;
}

/** What is wrong, a sentence each; none where the soak has passed. */
export function listFaults({ whole, lost, open, memory }: Findings): string[] {
  const faults: string[] = [];
  if (whole === 0) faults.push("no stream came whole");
  if (lost > 0) faults.push(`${lost} characters lost`);
  if (open > 0) faults.push(`${open} upstream connections left open`);
  // Written so that a figure that could not be read (NaN) fails too.
  const growth = measureGrowth(memory);
  if (!(growth <= MOST_GROWTH)) {
    faults.push(`memory grew to ${growth.toFixed(2)} of its start, more than ${MOST_GROWTH}`);
  }
  return faults;
}
