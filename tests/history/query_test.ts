/** parseQuery: groupings and points in time, from a URL or the command line. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseQuery, QueryError } from "../../lib/history/query.ts";
import { NOON } from "../helpers/metrics.ts";

for (
  const [since, expected] of [
    [undefined, "2026-11-16T00:00:00.000Z"],
    ["1d", "2026-11-22T00:00:00.000Z"],
    ["30d", "2026-10-24T00:00:00.000Z"],
    ["12h", "2026-11-22T00:00:00.000Z"],
    ["1h", "2026-11-22T11:00:00.000Z"],
    ["2026-11-01", "2026-11-01T00:00:00.000Z"],
  ] as const
) {
  Deno.test(`parseQuery reads since ${since}`, () => {
    assertEquals(new Date(parseQuery({ since }, NOON).since).toISOString(), expected);
  });
}

for (
  const since of ["", "7", "0d", "-1d", "7w", "99999d", "2026-13-01", "2026-02-30", "yesterday"]
) {
  Deno.test(`parseQuery rejects since ${JSON.stringify(since)}`, () => {
    const error = assertThrows(() => parseQuery({ since }, NOON), QueryError);
    assertEquals(
      error.message,
      "since: allowed are a number of days or hours (7d, 12h) or a date (2026-11-01)",
    );
  });
}

Deno.test("parseQuery groups by day by default, and lists the groupings in its error", () => {
  assertEquals(parseQuery({}, NOON).by, "day");
  for (const by of ["day", "month", "model", "key", "session"]) {
    assertEquals(parseQuery({ by }, NOON).by, by);
  }
  const error = assertThrows(() => parseQuery({ by: "provider" }, NOON), QueryError);
  assertEquals(error.message, "by: allowed are day, month, model, key, session");
});
