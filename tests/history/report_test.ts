/** readReport: reads in parts, and limits its groups. */

import { assertEquals } from "@std/assert";
import type { Group } from "../../lib/history/database.ts";
import { readReport, type ReportSource } from "../../lib/history/report.ts";

function createGroup(name: string, time: number): Group {
  const zeros = { failed: 0, input: 0, cached: 0, written: 0, output: 0, estimated: 0 };
  const costs = { cost: 1, unpriced: 0, saved: null };
  return { name, requests: 1, ...zeros, ...costs, first: time, last: time };
}

/** Rows at these times, in parts of `size` rows. */
function createSource(times: readonly number[], size: number) {
  const parts: number[][] = [];
  const source: ReportSource = {
    findTime: (from) => times.filter((time) => time >= from)[size] ?? null,
    readGroups(_by, from, to) {
      const part = times.filter((time) => time >= from && time < to);
      parts.push(part);
      return part.map((time) => createGroup(`at ${time}`, time));
    },
  };
  return { source, parts };
}

Deno.test("readReport reads parts that neither overlap nor leave anything out", async () => {
  const { source, parts } = createSource([1, 2, 3, 5, 5, 5, 5, 8], 3);
  const { totals, rows } = await readReport(source, { by: "model", since: 2 });
  assertEquals(parts, [[2, 3], [5, 5, 5, 5], [8]]);
  assertEquals([totals.requests, totals.costUsd], [7, 7]);
  assertEquals(rows.find(({ name }) => name === "at 5")?.requests, 4);
});

Deno.test("readReport lets other work run between its parts", async () => {
  const { source, parts } = createSource([1, 2, 3, 4, 5, 6], 2);
  const report = readReport(source, { by: "model", since: 0 });
  assertEquals(parts.length, 1);
  await Promise.resolve();
  // Not after a microtask: only timers let requests be handled.
  assertEquals(parts.length, 1);
  await report;
  assertEquals(parts.length, 3);
});

Deno.test("readReport sums up 10,000 groups, and all further ones as one", async () => {
  const source: ReportSource = {
    findTime: () => null,
    readGroups: () => Array.from({ length: 12_000 }, (_, i) => createGroup(`s${i}`, i)),
  };
  const { rows, omitted, totals } = await readReport(source, { by: "session", since: 0 });
  assertEquals([rows.length, omitted, totals.requests], [500, 9501, 12_000]);
  assertEquals([rows[0]?.name, rows[0]?.requests], ["(others)", 2000]);
});
