// Runs a thousand random cases of each kind with fixed seeds, so that a failure comes from the change under test.
// `deno task fuzz` runs more.

import { AssertionError } from "@std/assert";
import { runCases } from "../../tools/fuzz/kinds.ts";

const RUNS = 1000;
const SEED = 1;
const SENTENCES: Record<string, string> = {
  streams: "random streams, cut anywhere, are translated without loss",
  requests: "mutated requests get a response, never a 5xx, and only valid ones are sent upstream",
  responses: "mutated responses become a valid message, a valid stream or a valid error",
};

for (const [kind, sentence] of Object.entries(SENTENCES)) {
  Deno.test(`fuzz: ${sentence}`, async () => {
    const [failure] = await runCases(kind, { seed: SEED, runs: RUNS, most: 1 });
    if (failure === undefined) return;
    const { replay, error } = failure;
    const message = error instanceof Error ? error.message : String(error);
    throw new AssertionError(`${message}\nReplay: ${replay}`, { cause: error });
  });
}
