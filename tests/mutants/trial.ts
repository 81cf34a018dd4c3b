/**
 * One run of tests in a copy of the project, bounded in time.
 * @module
 */

import type { TestSet } from "./mutation.ts";

const LIMIT_MS = 30_000;

/** How a run ended. */
export type Outcome =
  | { how: "passed" }
  /** At least one test ran and failed; `by` is the first. */
  | { how: "failed"; by: string }
  | { how: "timed out" }
  /** No test failed, yet the run did: a mutant that does not load proves nothing. */
  | { how: "did not run"; output: string };

/** Runs a set of tests up to the first failure. */
export async function runTests(
  folder: string,
  { files, filter }: TestSet,
  flags: readonly string[],
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--no-check", "-A", "--quiet", "--fail-fast"],
      ...["--sanitize-ops", "--sanitize-resources", ...flags],
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...files.map((file) => `tests/${file}`),
    ],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, LIMIT_MS);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  if (isLate) return { how: "timed out" };
  const decoder = new TextDecoder();
  return readOutcome(code, decoder.decode(stdout) + decoder.decode(stderr));
}

function readOutcome(code: number, output: string): Outcome {
  const passed = Number(/\b(\d+) passed/.exec(output)?.[1] ?? 0);
  const failed = Number(/\b(\d+) failed/.exec(output)?.[1] ?? 0);
  if (code === 0 && passed > 0) return { how: "passed" };
  // The list of failures names each with its place.
  const by = /^ FAILURES \n+(.+) => /m.exec(output)?.[1] ?? "a test";
  return code !== 0 && failed > 0 ? { how: "failed", by } : { how: "did not run", output };
}
