/**
 * The form of the table: what is broken where, and which tests must notice.
 * @module
 */

/** One small break of one file. */
export interface Mutation {
  /** What goes wrong with it, in one sentence. */
  breaks: string;
  /** The text that is replaced; it stands in the file exactly once. */
  find: string;
  replace: string;
}

/** A file of lib/ with its mutations. */
export interface Area {
  /** From the root of the project. */
  file: string;
  tests: TestSet;
  mutations: readonly Mutation[];
}

/** The tests that run over a mutant. */
export interface TestSet {
  /** File names in tests/, the quickest first. */
  files: readonly string[];
  /** `--filter` of `deno test`. */
  filter?: string;
}
