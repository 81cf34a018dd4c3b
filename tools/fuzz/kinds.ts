/**
 * The kinds of fuzzing, and how many cases of one are run. Each case has a seed of its own: the first seed plus
 * its number.
 * @module
 */

import { checkAnswer } from "./answers.ts";
import { checkRequest } from "./requests.ts";
import { checkStream } from "./streams.ts";

/** Kind → the check of one seed. */
export const KINDS: Readonly<Record<string, (seed: number) => Promise<void>>> = {
  streams: checkStream,
  requests: checkRequest,
  answers: checkAnswer,
};

/** Seeds that failed, and why. */
export interface Failure {
  seed: number;
  /** The command that runs this case alone. */
  replay: string;
  error: unknown;
}

/** Runs cases, up to a number of failures. */
export async function runCases(
  kind: string,
  { seed, runs, most = 5 }: { seed: number; runs: number; most?: number },
): Promise<Failure[]> {
  const check = KINDS[kind];
  if (check === undefined) {
    throw new RangeError(`Unknown kind ${kind}: one of ${Object.keys(KINDS)}`);
  }
  const failures: Failure[] = [];
  for (let n = 0; n < runs && failures.length < most; n++) {
    try {
      await check(seed + n);
    } catch (error) {
      const replay = `deno task fuzz --kind ${kind} --runs 1 --seed ${seed + n}`;
      failures.push({ seed: seed + n, replay, error });
    }
  }
  return failures;
}
