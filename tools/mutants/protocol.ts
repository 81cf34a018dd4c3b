/**
 * The protocol between a run and its processes: commands are lines of JSON, results are lines with a prefix.
 * @module
 */

/** The prefix of a result, which is one line of JSON. Tests print to the same stream. */
export const RESULT = "@@result ";
/** Written before each test, followed by its time limit in milliseconds and a semicolon. */
export const ALIVE = "@@alive ";

/** Runs all tests of a file without a mutant. */
export interface MeasureCommand {
  do: "measure";
  file: string;
}

/** Runs tests with a mutant on, until the first failure. */
export interface RunCommand {
  do: "run";
  mutant: number;
  /** The mutant changes constants, which are computed again. */
  recomputes: boolean;
  tests: readonly TestRef[];
}

/** Identifies a test in a command. */
export interface TestRef {
  file: string;
  /** Among the tests of the file, from 0. */
  index: number;
  limitMs: number;
}

/** The measurements of a test file. */
export interface Measured {
  file: string;
  /** The error if the file could not be loaded. */
  problem?: string;
  /** Ids that were evaluated while the file and its imports were loaded. */
  onLoad?: number[];
  tests?: MeasuredTest[];
}

/** The measurements of a test. */
export interface MeasuredTest {
  name: string;
  ms: number;
  /** The error, or null. */
  problem: string | null;
  /** Ids that were evaluated while it ran. */
  reaches: number[];
}

/** The result of running tests with a mutant on. */
export interface RunResult {
  killedBy: string | null;
  /** Why the process cannot be reused: the test may still run, or it now fails without the mutant, too. */
  taint: "timeout" | "corrupted" | null;
}
