// The costs of a day over several workers.

import { assertEquals } from "@std/assert";
import { DailyCosts } from "../../lib/metrics/daily_costs.ts";
import { createTable, SharedTable } from "../../lib/cli/workers/shared_table.ts";
import { NOON } from "../helpers/metrics.ts";

const DAY_MS = 86_400_000;
const COLUMN = 2;

/** The same costs in two workers, and the row of each. */
function createPair() {
  const data = createTable(2, 0);
  const clock = { now: NOON };
  const create = (number: number) => {
    const row = new SharedTable(data, number);
    return new DailyCosts(10, () => new Date(clock.now), { row, column: COLUMN });
  };
  return { first: create(1), second: create(2), clock, data };
}

const FREE = { costUsd: 0, estimatedUsd: 0, uncounted: 0, reservedUsd: 0 };

Deno.test("both workers read the sums and reservations of both", () => {
  const { first, second } = createPair();
  first.add({ costUsd: 1, estimatedUsd: 2, uncounted: 3 });
  second.add({ costUsd: 10, estimatedUsd: 20, uncounted: 30 });
  first.reserve({}, { expectedUsd: 4, priceSoFar: () => 0 });
  const expected = { costUsd: 11, estimatedUsd: 22, uncounted: 33, reservedUsd: 4 };
  assertEquals([first.read(), second.read()], [expected, expected]);
  assertEquals([first.inFlight, second.inFlight], [1, 1]);
});

Deno.test("a reservation that grows is seen by the other worker when it is published", () => {
  const { first, second } = createPair();
  let soFar = 0;
  first.reserve({}, { expectedUsd: 1, priceSoFar: () => soFar });
  soFar = 5;
  assertEquals([first.read().reservedUsd, second.read().reservedUsd], [5, 1]);
  first.publish();
  assertEquals(second.read().reservedUsd, 5);
});

Deno.test("after midnight the sums of a worker without requests do not count", () => {
  const { first, second, clock } = createPair();
  first.add({ costUsd: 1, estimatedUsd: 1, uncounted: 1 });
  clock.now += DAY_MS;
  assertEquals(second.read(), FREE);
  second.add({ costUsd: 2, estimatedUsd: 0, uncounted: 0 });
  assertEquals(first.read(), { ...FREE, costUsd: 2 });
});

Deno.test("inherit keeps today's costs of a dead worker and what it had reserved", () => {
  const { first, second, clock, data } = createPair();
  const table = new SharedTable(data, 0);
  first.add({ costUsd: 1, estimatedUsd: 2, uncounted: 3 });
  first.reserve({}, { expectedUsd: 4, priceSoFar: () => 0 });
  const take = () => table.bury(1, () => second.inherit(table.read(1, COLUMN, 6)));
  take();
  assertEquals(second.read(), { costUsd: 1, estimatedUsd: 6, uncounted: 3, reservedUsd: 0 });
  first.publish();
  clock.now += DAY_MS;
  take();
  assertEquals(second.read(), { ...FREE, estimatedUsd: 4 });
});
