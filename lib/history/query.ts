/**
 * Parses a query of the history, from a URL or the command line. Pure.
 * @module
 */

import type { Grouping, HistoryQuery, QueryText } from "./types.ts";

const GROUPINGS: readonly Grouping[] = ["day", "month", "model", "key", "session"];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The first date that JavaScript and SQLite agree on, and more than anyone keeps. */
const MAX_DAYS = 10_000;
const DEFAULTS = { by: "day", since: "7d" };

/** An invalid query. The message names the parameter and what is allowed. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

/**
 * Parses a query. Without values: the last seven days, by day.
 * @param now the current time, in milliseconds since the epoch
 * @throws {QueryError}
 */
export function parseQuery({ by, since }: QueryText, now: number): HistoryQuery {
  return { by: parseGrouping(by ?? DEFAULTS.by), since: parseSince(since ?? DEFAULTS.since, now) };
}

function parseGrouping(text: string): Grouping {
  const by = GROUPINGS.find((one) => one === text);
  if (by === undefined) throw new QueryError(`by: allowed are ${GROUPINGS.join(", ")}`);
  return by;
}

/** `12h` counts back from now; `7d` means seven days of UTC with today as the last; `2026-11-01` is a day of UTC. */
function parseSince(text: string, now: number): number {
  const [, digits = "", unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const count = Number(digits);
  if (unit === "h" && count > 0) return now - count * HOUR_MS;
  if (unit === "d" && count > 0 && count <= MAX_DAYS) {
    return Math.floor(now / DAY_MS) * DAY_MS - (count - 1) * DAY_MS;
  }
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  // Some engines turn 30 February into a day of March.
  if (!Number.isNaN(date) && new Date(date).toISOString().startsWith(text)) return date;
  throw new QueryError(
    "since: allowed are a number of days or hours (7d, 12h) or a date (2026-11-01)",
  );
}
