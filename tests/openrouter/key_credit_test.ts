/** KeyCredit: the credit of the proxy's key, in the background. */

import { assertEquals } from "@std/assert";
import { KeyCredit } from "../../lib/openrouter/key_credit.ts";

const DATA = { label: "sk-or-v1-abc...def", limit: 50, limit_remaining: 12.5, usage: 37.5 };
const CREDIT = { remainingUsd: 12.5, limitUsd: 50, usedUsd: 37.5 };

function createCredit(responses: (() => Promise<unknown>)[]) {
  const state = { time: 0, calls: 0 };
  const credit = new KeyCredit({
    fetchKey: () => responses[Math.min(state.calls++, responses.length - 1)]?.() ?? fail(),
    now: () => state.time,
  });
  return { credit, state };
}

const fail = () => Promise.reject(new Error("401"));
const settle = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("KeyCredit returns amounts only, once upstream has responded", async () => {
  const { credit } = createCredit([() => Promise.resolve({ data: DATA })]);
  assertEquals(credit.read(), null);
  await settle();
  assertEquals(credit.read(), CREDIT);
});

Deno.test("KeyCredit asks upstream at most once a minute, whatever the result", async () => {
  const { credit, state } = createCredit([fail, () => Promise.resolve({ data: DATA }), fail]);
  for (const time of [0, 30_000, 59_999]) {
    state.time = time;
    credit.read();
    await settle();
  }
  assertEquals([state.calls, credit.read()], [1, null]);
  state.time = 60_000;
  credit.read();
  await settle();
  assertEquals([state.calls, credit.read()], [2, CREDIT]);
  state.time = 120_000;
  assertEquals(credit.read(), CREDIT);
  await settle();
  assertEquals(credit.read(), null);
});

Deno.test("KeyCredit knows nothing of a key without a limit, of other responses, and without a key", async () => {
  const { credit } = createCredit([() => Promise.resolve({ data: { limit: null, usage: NaN } })]);
  credit.read();
  await settle();
  assertEquals(credit.read(), { remainingUsd: null, limitUsd: null, usedUsd: null });
  for (const response of [null, [], "x", { data: 1 }, {}]) {
    const { credit } = createCredit([() => Promise.resolve(response)]);
    credit.read();
    await settle();
    assertEquals(credit.read(), null);
  }
  assertEquals(new KeyCredit({ fetchKey: null, now: () => 0 }).read(), null);
});
