/** Recorded answers of one JSON body. Not named `*_test.ts`: `deno task replay` runs these. */

import { replay } from "./answers.ts";
import { byChance, whole } from "./pieces.ts";
import { loadExchanges, testRecorded } from "./recorded.ts";
import { isWhole } from "./reference.ts";

const exchanges = (await loadExchanges("chat"))
  .filter(({ status, body }) => status === 200 && isWhole(body));

testRecorded(
  "recorded JSON answers come out right",
  () => replay(exchanges, { cut: whole, stream: false, least: 2060 }),
);

testRecorded(
  "recorded JSON answers come out right in pieces",
  () => replay(exchanges, { cut: byChance, stream: false, least: 2060 }),
);

testRecorded(
  "recorded JSON answers come out right where a stream was asked for",
  () => replay(exchanges, { cut: whole, stream: true, least: 2060 }),
);
