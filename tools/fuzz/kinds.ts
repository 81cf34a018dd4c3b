/**
 * Runs the fuzz cases of each kind. The seed of a case is the first seed plus its number.
 * @module
 */

import { checkRequest } from "./requests.ts";
import { checkResponse } from "./responses.ts";
import { checkStream } from "./streams.ts";

/** Kind → the check of one seed. */
export const KINDS: Readonly<Record<string, (seed: number) => Promise<void>>> = {
  streams: checkStream,
  requests: checkRequest,
  responses: checkResponse,
};

/** A failed case. */
export interface Failure {
  seed: number;
  /** The command that runs this case alone. */
  replay: string;
  error: unknown;
}

/** Runs cases until `most` have failed. */
export async function runCases(
  kind: string,
  { seed, runs, most = 5 }: { seed: number; runs: number; most?: number },
): Promise<Failure[]> {
  const check = KINDS[kind];
  if (check === undefined) {
    throw new RangeError(`Unknown kind ${kind}: use one of ${Object.keys(KINDS).join(", ")}`);
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
