/** Recorded streams. Not named `*_test.ts`: `deno task replay` runs these. */

import { replay } from "./answers.ts";
import { byByte, byChance, byEvent, whole } from "./pieces.ts";
import { loadExchanges, testRecorded } from "./recorded.ts";
import { isWhole } from "./reference.ts";

const SHORT = 2000;

const exchanges = (await loadExchanges("chat"))
  .filter(({ status, body }) => status === 200 && !isWhole(body));

testRecorded(
  "recorded streams come out right as one piece",
  () => replay(exchanges, { cut: whole, stream: true, least: 890 }),
);

testRecorded(
  "recorded streams come out right event by event",
  () => replay(exchanges, { cut: byEvent, stream: true, least: 890 }),
);

testRecorded(
  "recorded streams come out right in pieces",
  () => replay(exchanges, { cut: byChance, stream: true, least: 890 }),
);

testRecorded(
  "short recorded streams come out right byte by byte",
  () =>
    replay(exchanges.filter(({ body }) => body.length < SHORT), {
      cut: byByte,
      stream: true,
      least: 230,
    }),
);
