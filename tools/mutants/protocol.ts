/**
 * What a run and its processes say to each other: commands as lines of JSON one way, marked text the other way.
 * @module
 */

/** Before an answer, which is one line of JSON. Tests print to the same stream. */
export const ANSWER = "@@answer ";
/** Before each test, followed by its limit in milliseconds and a semicolon. */
export const ALIVE = "@@alive ";

/** Run all tests of a file with no mutant on. */
export interface MeasureCommand {
  do: "measure";
  file: string;
}

/** Run tests with a mutant on, up to the first failure. */
export interface RunCommand {
  do: "run";
  mutant: number;
  /** The mutant changes what modules compute when they load. */
  remakes: boolean;
  tests: readonly TestRef[];
}

/** A test as a command names it. */
export interface TestRef {
  file: string;
  /** Among the tests of the file, from 0. */
  place: number;
  limitMs: number;
}

/** What the measurement of a test file tells. */
export interface Measured {
  file: string;
  /** Why the file could not be loaded. */
  problem?: string;
  /** Ids that were asked for while the file and its imports were loaded. */
  onLoad?: number[];
  tests?: MeasuredTest[];
}

/** One test of it. */
export interface MeasuredTest {
  name: string;
  ms: number;
  /** Why it failed, or null. */
  problem: string | null;
  /** Ids that were asked for while it ran. */
  reaches: number[];
}

/** How some tests ended with a mutant on. */
export interface Trial {
  killedBy: string | null;
  /** `late`: the test may still run. `damage`: it now fails with the mutant off as well. */
  doubt: "late" | "damage" | null;
}
