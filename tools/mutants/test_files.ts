/**
 * The test files that a run takes.
 * @module
 */

/** Left out, with the reason. */
const LEFT_OUT: Readonly<Record<string, RegExp>> = {
  "start processes, which do not see the mutant":
    /^(cli\/(cli|claude_launcher|demo|hostile_folder|process)|http\/nginx)_test/,
  "check documents, settings and packages, not behaviour": /^(docs|release|dashboard)\//,
  "check the tools, or are long by design": /^tools\//,
};

/** The test files of the project that run in process. */
export function listTestFiles(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => {
    const name = /^tests\/(.+_test\.ts)$/.exec(path)?.[1];
    return name !== undefined && !Object.values(LEFT_OUT).some((pattern) => pattern.test(name));
  }).toSorted();
}
