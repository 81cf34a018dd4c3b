// The table that all threads share: its lock, rows of others, and the row of a worker that has died.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ByteBudget } from "../../../lib/byte_budget.ts";
import { InFlightCounter } from "../../../lib/in_flight.ts";
import { ApiError } from "../../../lib/errors.ts";
import { createTable, SharedTable, type TableData } from "../../../lib/cli/workers/shared_table.ts";

/** Adds to the shared sum as long as it is below the limit, in a thread. */
const COUNTER = `
  const { SharedTable } = await import("${
  import.meta.resolve("../../../lib/cli/workers/shared_table.ts")
}");
  globalThis.onmessage = ({ data: { table, row, limit } }) => {
    const shared = new SharedTable(table, row);
    let own = 0;
    let isFull = false;
    while (!isFull) {
      shared.exclusively(() => {
        const others = shared.readOthers(0, 1).reduce((sum, [value]) => sum + value, 0);
        isFull = own + others >= limit;
        if (!isFull) shared.write(0, [++own]);
      });
    }
    globalThis.postMessage(own);
  };
  globalThis.postMessage("ready");
`;

async function countInThread(table: TableData, row: number, limit: number): Promise<number> {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(COUNTER)}`, {
    type: "module",
  });
  const next = () =>
    new Promise<unknown>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  try {
    assertEquals(await next(), "ready");
    worker.postMessage({ table, row, limit });
    return Number(await next());
  } finally {
    worker.terminate();
  }
}

Deno.test("threads that check and count at the same time never exceed the limit", async () => {
  const table = createTable(3, 0);
  const limit = 30_000;
  const counts = await Promise.all([1, 2, 3].map((row) => countInThread(table, row, limit)));
  assertEquals(counts.reduce((sum, count) => sum + count, 0), limit);
  const rows = new SharedTable(table, 0).readOthers(0, 1);
  assertEquals(rows, counts.map((count) => [count]));
});

Deno.test("a lock that its owner keeps for more than a second is taken from it", () => {
  const data = createTable(2, 0);
  const table = new SharedTable(data, 1);
  Atomics.store(new Int32Array(data.buffer, 0, 1), 0, 3);
  assertEquals(table.exclusively(() => "done"), "done");
  assertEquals(Atomics.load(new Int32Array(data.buffer, 0, 1), 0), 0);
});

Deno.test("bury frees the lock of a dead worker, lets its row be read, and clears it", () => {
  const data = createTable(2, 1);
  const [table, dead] = [new SharedTable(data, 0), new SharedTable(data, 2)];
  dead.exclusively(() => dead.write(0, [5, 7]));
  Atomics.store(new Int32Array(data.buffer, 0, 1), 0, 3);
  const startedAt = performance.now();
  table.bury(2, () => assertEquals(table.read(2, 0, 2), [5, 7]));
  assert(performance.now() - startedAt < 500);
  assertEquals(table.readOthers(0, 2), [[0, 0], [0, 0]]);
});

Deno.test("the lock is released by an error, and only by the outermost of nested calls", () => {
  const data = createTable(1, 0);
  const table = new SharedTable(data, 1);
  const lock = new Int32Array(data.buffer, 0, 1);
  table.exclusively(() => {
    table.exclusively(() => {});
    assertEquals(Atomics.load(lock, 0), 2);
  });
  assertThrows(() =>
    table.exclusively(() => {
      throw new Error("inside");
    })
  );
  assertEquals(Atomics.load(lock, 0), 0);
});

Deno.test("a byte budget counts the bytes of other workers", () => {
  const data = createTable(2, 0);
  const [first, second] = [1, 2].map((row) => new ByteBudget(256, new SharedTable(data, row)));
  assert(first !== undefined && second !== undefined);
  const share = first.open();
  share.resize(128);
  const other = second.open();
  assertThrows(() => other.resize(65), ApiError);
  other.resize(64);
  share.release();
  other.resize(128);
  assertEquals([first.used, second.used], [0, 128]);
});

Deno.test("requests in flight are counted over all workers", () => {
  const data = createTable(2, 0);
  const [first, second] = [1, 2].map((row) => new InFlightCounter(new SharedTable(data, row)));
  assertEquals([first?.enter(), second?.enter(), second?.enter()], [0, 1, 2]);
  second?.leave();
  assertEquals(first?.enter(), 2);
});
