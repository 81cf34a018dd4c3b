/**
 * Evaluates the measurements of a soak test: whether memory is stable, and whether the test passed. Pure.
 * @module
 */

/** The maximum growth of stable memory, as a factor. */
export const MAX_GROWTH = 1.2;

/** The measurements of a soak test. */
export interface Findings {
  /** Complete streams. */
  complete: number;
  /** Missing characters of clients that did not disconnect. */
  lost: number;
  /** Upstream connections that are open after all clients have disconnected. */
  open: number;
  /** Stable memory in bytes after the warm-up and after the run. */
  memory: { start: number; end: number };
}

/**
 * Whether the last `count` samples differ by at most 2 %. Fewer samples are not stable: V8 returns memory in one
 * step, 8 to 20 seconds after the last request.
 */
export function isStable(samples: readonly number[], count: number): boolean {
  if (samples.length < count) return false;
  const last = samples.slice(-count);
  return Math.max(...last) <= Math.min(...last) * 1.02;
}

/**
 * Whether the warm-up is complete: the last load left at most 5 % more memory than an earlier one. It takes several
 * rounds, because glibc returns freed memory only if all memory above it is free too.
 * @param levels stable memory after each round
 */
export function isWarm(levels: readonly number[]): boolean {
  const last = levels.at(-1) ?? 0;
  return levels.slice(0, -1).some((before) => last <= before * 1.05);
}

/** The growth of memory as a factor. */
export function measureGrowth({ start, end }: Findings["memory"]): number {
  return end / start;
}

/** The problems, an empty list if the test passed. */
export function listProblems({ complete, lost, open, memory }: Findings): string[] {
  const problems: string[] = [];
  if (complete === 0) problems.push("no stream was complete");
  if (lost > 0) problems.push(`${lost} characters were lost`);
  if (open > 0) problems.push(`${open} upstream connections are open`);
  // Negated, so that a value that could not be read (NaN) fails too.
  const growth = measureGrowth(memory);
  if (!(growth <= MAX_GROWTH)) {
    problems.push(`memory grew by a factor of ${growth.toFixed(2)}, more than ${MAX_GROWTH}`);
  }
  return problems;
}
