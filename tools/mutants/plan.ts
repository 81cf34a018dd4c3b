/**
 * Which tests run for which mutant: those that were seen to reach it, the quickest first.
 * @module
 */

import type { Mutant } from "./mutation.ts";
import type { Measured, TestRef } from "./protocol.ts";

/** A test that passes while nothing is broken, and the ids that it reaches. */
interface KnownTest {
  file: string;
  place: number;
  ms: number;
  reaches: ReadonlySet<number>;
}

/** What the measurement of all test files tells. */
export interface Coverage {
  /** The quickest first. */
  tests: readonly KnownTest[];
  /** Ids that are asked for when modules load. */
  onLoad: ReadonlySet<number>;
  /** Files that do not load, tests that do not pass and those that are too slow. */
  problems: readonly string[];
}

/**
 * What the tests of one mutant may take, by the time they took before, and those of one file of tests. A thousand
 * cases of one kind must not keep the others out.
 */
const BUDGET_MS = 10_000;
const FILE_BUDGET_MS = 4000;
/** Slower tests measure times or move megabytes. */
const MAX_TEST_MS = 1000;
const LIMIT_MS = 2000;

/** Puts the measurements of all files together. */
export function readCoverage(files: readonly Measured[]): Coverage {
  const problems: string[] = [];
  const known: KnownTest[] = [];
  for (const { file, problem, tests = [] } of files) {
    if (problem !== undefined) problems.push(`${file} does not load: ${problem}`);
    for (const [place, { name, ms, problem, reaches }] of tests.entries()) {
      if (problem !== null) problems.push(`“${name}” (${file}) fails: ${problem}`);
      else if (ms > MAX_TEST_MS) problems.push(`“${name}” (${file}) takes ${ms.toFixed(0)} ms`);
      else known.push({ file, place, ms, reaches: new Set(reaches) });
    }
  }
  return {
    tests: known.toSorted((a, b) => a.ms - b.ms),
    onLoad: new Set(files.flatMap(({ onLoad = [] }) => onLoad)),
    problems,
  };
}

/** Whether the mutant changes what modules compute when they load. */
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
    .map(({ file, place, ms }) => ({ file, place, limitMs: Math.round(LIMIT_MS + 5 * ms) }));
}
