/** Replays recorded JSON completions. Not named `*_test.ts`: `deno task replay` runs this file. */

import { byChance, whole } from "./pieces.ts";
import { loadExchanges, testRecorded } from "./recorded.ts";
import { isCompletion } from "./reference.ts";
import { replay } from "./replay.ts";

const exchanges = (await loadExchanges("chat"))
  .filter(({ status, body }) => status === 200 && isCompletion(body));

testRecorded(
  "recorded completions reach the client unchanged",
  () => replay(exchanges, { cut: whole, stream: false, minimum: 2060 }),
);

testRecorded(
  "recorded completions in random chunks reach the client unchanged",
  () => replay(exchanges, { cut: byChance, stream: false, minimum: 2060 }),
);

testRecorded(
  "recorded completions reach a client that requested a stream unchanged",
  () => replay(exchanges, { cut: whole, stream: true, minimum: 2060 }),
);
