/**
 * The test files that a run takes.
 * @module
 */

/** Left out, with the reason. */
const LEFT_OUT: Readonly<Record<string, RegExp>> = {
  "start processes, which do not see the mutant":
    /^(cli|claude_launcher|compile|container|bundle|demo|nginx|readme_curl|jsr_fallback)_test/,
  "check documents and settings, not behaviour":
    /^(docs|readme|deploy|publish|workflows|translation_table|troubleshooting|page)_test/,
  "are long by design": /^(fuzz|soak)_test/,
  "are about this tool": /^mutants_test/,
};

/** The test files of the project that run in process. */
export function listTestFiles(paths: Iterable<string>): string[] {
  return [...paths].filter((path) => {
    const name = /^tests\/([^/]+_test\.ts)$/.exec(path)?.[1];
    return name !== undefined && !Object.values(LEFT_OUT).some((pattern) => pattern.test(name));
  }).toSorted();
}
