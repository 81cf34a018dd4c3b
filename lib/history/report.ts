/**
 * Reads totals from the file in parts of a few milliseconds, so that requests are handled in between.
 * @module
 */

import { createTotals } from "../metrics/aggregates.ts";
import type { Group, HistoryDatabase } from "./database.ts";
import type { HistoryQuery, HistoryReport, HistoryRow, HistoryTotals } from "./types.ts";

/** Rows of one part: about 2 ms. */
const PART_ROWS = 2000;
/** Groups that are summed up; further ones share one row. */
const MAX_GROUPS = 10_000;
/** Rows of a report: more than ten years of months, and a year of days. */
const MAX_ROWS = 500;
const OTHERS = "(others)";
const DAY_MS = 86_400_000;

/** The parts of the database that a report needs. */
export type ReportSource = Pick<HistoryDatabase, "findTime" | "readGroups">;

/**
 * Reads a report.
 * @throws the error of SQLite if the file cannot be read
 */
export async function readReport(
  source: ReportSource,
  query: HistoryQuery,
): Promise<HistoryReport> {
  const groups = new Map<string | null, HistoryRow>();
  const totals = createHistoryTotals();
  for (let from: number | null = query.since; from !== null;) {
    // Rows of the same millisecond belong to one part.
    const next: number | null = source.findTime(from, PART_ROWS);
    const to: number | null = next === null ? null : Math.max(next, from + 1);
    for (const group of source.readGroups(query.by, from, to ?? Number.MAX_SAFE_INTEGER)) {
      addGroup(totals, group);
      addGroup(findRow(groups, toName(group, query.by), group), group);
    }
    from = to;
    if (from !== null) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const sorted = [...groups.values()].sort(isPeriod(query) ? compareTimes : compareCosts);
  const rows = sorted.slice(0, MAX_ROWS);
  return { ...query, totals, rows, omitted: sorted.length - rows.length };
}

function findRow(
  groups: Map<string | null, HistoryRow>,
  name: string | null,
  { first, last }: Group,
): HistoryRow {
  const key = groups.size >= MAX_GROUPS && !groups.has(name) ? OTHERS : name;
  const row = groups.get(key) ??
    { name: key, ...createHistoryTotals(), firstTime: first, lastTime: last };
  row.firstTime = Math.min(row.firstTime, first);
  row.lastTime = Math.max(row.lastTime, last);
  groups.set(key, row);
  return row;
}

function createHistoryTotals(): HistoryTotals {
  return { ...createTotals(), estimatedUsd: 0 };
}

function addGroup(totals: HistoryTotals, group: Group): void {
  totals.requests += group.requests;
  totals.failed += group.failed;
  totals.inputTokens += group.input;
  totals.cachedTokens += group.cached;
  totals.writtenTokens += group.written;
  totals.outputTokens += group.output;
  totals.estimatedUsd += group.estimated;
  totals.unpriced += group.unpriced;
  if (group.cost !== null) totals.costUsd = (totals.costUsd ?? 0) + group.cost;
  if (group.saved !== null) totals.savedUsd = (totals.savedUsd ?? 0) + group.saved;
}

/** Days are numbers since the epoch. */
function toName({ name }: Group, by: HistoryQuery["by"]): string | null {
  if (typeof name !== "number") return name;
  return new Date(name * DAY_MS).toISOString().slice(0, by === "month" ? 7 : 10);
}

function isPeriod({ by }: HistoryQuery): boolean {
  return by === "day" || by === "month";
}

function compareTimes(a: HistoryRow, b: HistoryRow): number {
  return b.lastTime - a.lastTime;
}

function compareCosts(a: HistoryRow, b: HistoryRow): number {
  const cost = (row: HistoryRow) => (row.costUsd ?? 0) + row.estimatedUsd;
  return cost(b) - cost(a) || b.requests - a.requests || b.lastTime - a.lastTime;
}
