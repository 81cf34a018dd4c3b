/**
 * Runs more fuzz cases than the test suite has time for.
 *
 * ```sh
 * deno task fuzz --runs 10000 --seed 1
 * ```
 * @module
 */

import { KINDS, runCases } from "./kinds.ts";

if (import.meta.main) {
  // deno-lint-ignore no-console
  const print = console.log;
  const options = readOptions(Deno.args);
  const kinds = options.kind === "" ? Object.keys(KINDS) : [options.kind];
  let failed = 0;
  for (const kind of kinds) {
    const begin = performance.now();
    const failures = await runCases(kind, options);
    for (const { replay, error } of failures) {
      print(
        `${kind} failed. Run it again: ${replay}\n${
          error instanceof Error ? error.message : error
        }\n`,
      );
    }
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const last = options.seed + options.runs - 1;
    print(`${kind}: seeds ${options.seed} to ${last} in ${seconds} s, ${failures.length} failed`);
    failed += failures.length;
  }
  Deno.exit(failed === 0 ? 0 : 1);
}

/** `--runs N --seed S --kind K --most M`; a kind ends early after M failures. */
function readOptions(
  words: readonly string[],
): { runs: number; seed: number; kind: string; most: number } {
  const find = (name: string, otherwise: string) => {
    const at = words.indexOf(`--${name}`);
    return at === -1 ? otherwise : words[at + 1] ?? otherwise;
  };
  return {
    runs: Number(find("runs", "10000")),
    seed: Number(find("seed", "1")),
    kind: find("kind", ""),
    most: Number(find("most", "5")),
  };
}
