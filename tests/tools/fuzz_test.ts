// A thousand random cases of each kind with fixed seeds, so that a failure comes from the change under test.
// `deno task fuzz` runs more.

import { AssertionError } from "@std/assert";
import { runCases } from "../../tools/fuzz/kinds.ts";

const RUNS = 1000;
const SEED = 1;
const SENTENCES: Record<string, string> = {
  streams: "random streams, cut anywhere, come out as they went in",
  requests: "mutated requests get an answer, never a 5xx, and only valid ones go upstream",
  responses: "mutated responses become a valid message, a valid stream or a valid error",
};

for (const [kind, sentence] of Object.entries(SENTENCES)) {
  Deno.test(`fuzz: ${sentence}`, async () => {
    const [failure] = await runCases(kind, { seed: SEED, runs: RUNS, most: 1 });
    if (failure === undefined) return;
    const { replay, error } = failure;
    const words = error instanceof Error ? error.message : String(error);
    throw new AssertionError(`${words}\nAgain: ${replay}`, { cause: error });
  });
}
