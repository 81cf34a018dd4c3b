/** Replays recorded streams. Not named `*_test.ts`: `deno task replay` runs this file. */

import { byByte, byChance, byEvent, whole } from "./pieces.ts";
import { loadExchanges, testRecorded } from "./recorded.ts";
import { isCompletion } from "./reference.ts";
import { replay } from "./replay.ts";

const MAX_BYTEWISE_CHARS = 2000;

const exchanges = (await loadExchanges("chat"))
  .filter(({ status, body }) => status === 200 && !isCompletion(body));

testRecorded(
  "recorded streams in one chunk reach the client unchanged",
  () => replay(exchanges, { cut: whole, stream: true, minimum: 890 }),
);

testRecorded(
  "recorded streams in a chunk for each event reach the client unchanged",
  () => replay(exchanges, { cut: byEvent, stream: true, minimum: 890 }),
);

testRecorded(
  "recorded streams in random chunks reach the client unchanged",
  () => replay(exchanges, { cut: byChance, stream: true, minimum: 890 }),
);

testRecorded(
  "short recorded streams in chunks of one byte reach the client unchanged",
  () => {
    const short = exchanges.filter(({ body }) => body.length < MAX_BYTEWISE_CHARS);
    return replay(short, { cut: byByte, stream: true, minimum: 230 });
  },
);
