/**
 * Types of sites in the source and of the mutants made there.
 * @module
 */

/** One replacement of the text of a site. */
export interface Edit {
  /** The rule that made it, e.g. `negate`. */
  operator: string;
  /** The new text: empty for a `statement`, the inserted text for an `entry`. */
  text: string;
  /** The dropped element of a list, for the report. */
  dropped?: string;
}

/** A place in a file that can be mutated, in one or several ways. */
export interface Site {
  kind: "expression" | "statement" | "entry";
  /** Offsets in the source; equal for an `entry`. */
  start: number;
  end: number;
  /** Evaluated only when the module is loaded: switching it on later has no effect. */
  isStatic: boolean;
  edits: Edit[];
}

/** One small change of one file. */
export interface Mutant {
  /** From 1; the argument of `$m` in the copy. */
  id: number;
  /** Relative to the root of the project. */
  file: string;
  line: number;
  operator: string;
  isStatic: boolean;
  kind: Site["kind"];
  start: number;
  end: number;
  original: string;
  replacement: string;
  /** The dropped element of a list, if any. */
  dropped: string | undefined;
}

/** The result of a mutant. `not reached`, without a test that executes it, counts as survived. */
export type Verdict =
  | { status: "killed"; killedBy: string }
  | { status: "survived" | "not reached" };
