/**
 * Selects the tests of each mutant: those that reach it, fastest first.
 * @module
 */

import type { Mutant } from "./mutation.ts";
import type { Measured, TestRef } from "./protocol.ts";

/** A test that passes without a mutant, and the ids that it reaches. */
interface CoveringTest {
  file: string;
  index: number;
  ms: number;
  reaches: ReadonlySet<number>;
}

/** The measurements of all test files. */
export interface Coverage {
  /** Fastest first. */
  tests: readonly CoveringTest[];
  /** Ids that are evaluated when modules are loaded. */
  onLoad: ReadonlySet<number>;
  /** Files that cannot be loaded, and tests that fail or are too slow. */
  problems: readonly string[];
}

/**
 * The measured time of all tests of a mutant, and of those in one file. The second limit keeps a thousand cases of one
 * kind from displacing the other tests.
 */
const BUDGET_MS = 10_000;
const FILE_BUDGET_MS = 4000;
/** Slower tests measure time or send megabytes. */
const MAX_TEST_MS = 1000;
const LIMIT_MS = 2000;

/** Combines the measurements of all files. */
export function readCoverage(files: readonly Measured[]): Coverage {
  const problems: string[] = [];
  const covering: CoveringTest[] = [];
  for (const { file, problem, tests = [] } of files) {
    if (problem !== undefined) problems.push(`${file} cannot be loaded: ${problem}`);
    for (const [index, { name, ms, problem, reaches }] of tests.entries()) {
      if (problem !== null) problems.push(`“${name}” (${file}) fails: ${problem}`);
      else if (ms > MAX_TEST_MS) problems.push(`“${name}” (${file}) takes ${ms.toFixed(0)} ms`);
      else covering.push({ file, index, ms, reaches: new Set(reaches) });
    }
  }
  return {
    tests: covering.toSorted((a, b) => a.ms - b.ms),
    onLoad: new Set(files.flatMap(({ onLoad = [] }) => onLoad)),
    problems,
  };
}

/** Whether the mutant changes a value that is computed when modules are loaded. */
export function isOnLoad({ onLoad }: Coverage, { isStatic, id }: Mutant): boolean {
  return isStatic || onLoad.has(id);
}

/** The tests that reach one of these ids. */
export function planTests({ tests }: Coverage, ids: readonly number[]): TestRef[] {
  let spentMs = 0;
  const spentByFile = new Map<string, number>();
  return tests
    .filter(({ reaches }) => ids.some((id) => reaches.has(id)))
    .filter(({ file, ms }) => {
      const own = (spentByFile.get(file) ?? 0) + ms;
      if (own > FILE_BUDGET_MS || spentMs + ms > BUDGET_MS) return false;
      spentByFile.set(file, own);
      spentMs += ms;
      return true;
    })
    .map(({ file, index, ms }) => ({ file, index, limitMs: Math.round(LIMIT_MS + 5 * ms) }));
}
