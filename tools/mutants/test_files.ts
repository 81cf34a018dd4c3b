/**
 * Lists the test files of a run.
 * @module
 */

/** Excluded files by reason. */
const EXCLUDED: Readonly<Record<string, RegExp>> = {
  "they start processes without the mutant":
    /^(cli\/(cli|claude_launcher|demo|hostile_folder|process)|http\/nginx)_test/,
  "they test documents and packages, not behaviour": /^(docs|release|dashboard)\//,
  "they test the tools, or take long": /^tools\//,
};

/** The test files that can run in the process of a mutant. */
export function listTestFiles(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => {
    const name = /^tests\/(.+_test\.ts)$/.exec(path)?.[1];
    return name !== undefined && !Object.values(EXCLUDED).some((pattern) => pattern.test(name));
  }).toSorted();
}
