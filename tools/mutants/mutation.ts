/**
 * What the parts of this tool say to each other: a site in the source, and the mutants made of it.
 * @module
 */

/** One replacement of the text of a site. */
export interface Edit {
  /** The rule that made it, e.g. `negate`. */
  operator: string;
  /** The new text; for a site of kind `statement` it is empty, for `entry` it is what is inserted. */
  text: string;
  /** What a list is without, where the two texts would hide it. */
  without?: string;
}

/** A place in a file that can be mutated, in one or several ways. */
export interface Site {
  kind: "expression" | "statement" | "entry";
  /** Offsets in the source; equal for an `entry`. */
  start: number;
  end: number;
  /** Evaluated when the module loads: switching it on later has no effect. */
  isStatic: boolean;
  edits: Edit[];
}

/** One small break of one file. */
export interface Mutant {
  /** Position in the run, from 1: the number that the copy asks for. */
  id: number;
  /** From the root of the project. */
  file: string;
  line: number;
  operator: string;
  isStatic: boolean;
  kind: Site["kind"];
  start: number;
  end: number;
  original: string;
  replacement: string;
  /** The element that was dropped, if that is what was done. */
  without: string | undefined;
}

/** How a mutant ended. `not reached` counts as survived: no test executes its place. */
export type Verdict =
  | { how: "killed"; by: string }
  | { how: "survived" | "not reached" };
