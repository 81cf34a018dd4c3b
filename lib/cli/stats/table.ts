/**
 * Formats a report of the history as a table for a terminal. Pure.
 * @module
 */

import { type Colorizer, stripControlChars } from "../../colors.ts";
import { formatCost, formatCount } from "../../format.ts";
import type { Grouping, HistoryReport, HistoryRow, HistoryTotals } from "../../history/types.ts";

const MAX_NAME_CHARS = 48;
const GAP = "  ";
const TITLES: Readonly<Record<Grouping, string>> = {
  day: "Day (UTC)",
  month: "Month (UTC)",
  model: "Model",
  key: "Key",
  session: "Session",
};

interface Column {
  title: string;
  format: (totals: HistoryTotals) => string;
  /** Shown only if one row has a value other than 0. */
  isOptional?: true;
}

const COLUMNS: readonly Column[] = [
  { title: "Requests", format: ({ requests }) => formatCount(requests) },
  { title: "Failed", format: ({ failed }) => formatNonZero(failed, formatCount) },
  { title: "Input", format: ({ inputTokens }) => formatCount(inputTokens) },
  {
    title: "Cached",
    format: ({ cachedTokens }) => formatNonZero(cachedTokens, formatCount),
    isOptional: true,
  },
  {
    title: "Written",
    format: ({ writtenTokens }) => formatNonZero(writtenTokens, formatCount),
    isOptional: true,
  },
  { title: "Output", format: ({ outputTokens }) => formatCount(outputTokens) },
  { title: "Cost", format: ({ costUsd }) => costUsd === null ? "" : formatCost(costUsd) },
  {
    title: "Estimated",
    format: ({ estimatedUsd }) => formatNonZero(estimatedUsd, formatCost),
    isOptional: true,
  },
  {
    title: "No cost",
    format: ({ unpriced }) => formatNonZero(unpriced, formatCount),
    isOptional: true,
  },
  {
    title: "Saved",
    format: ({ savedUsd }) => formatNonZero(savedUsd ?? 0, formatCost),
    isOptional: true,
  },
];

/** The lines of the table: titles, rows, totals, and what is left out. */
export function formatTable(report: HistoryReport, paint: Colorizer): string[] {
  const { by, since, rows, totals, omitted } = report;
  const start = new Date(since).toISOString();
  const period = `since ${start.slice(0, 10)}${
    start.endsWith("T00:00:00.000Z") ? "" : ` ${start.slice(11, 16)}`
  } (UTC)`;
  if (rows.length === 0) return [`No requests ${period}`];
  const columns = COLUMNS.filter(({ format, isOptional }) => !isOptional || format(totals) !== "");
  const isSession = by === "session";
  const toCells = (name: string, row: HistoryTotals, last: string) => [
    name,
    ...columns.map(({ format }) => format(row)),
    ...isSession ? [last] : [],
  ];
  const titles = [TITLES[by], ...columns.map(({ title }) => title), ...isSession ? ["Last"] : []];
  const body = rows.map((row) => toCells(toName(row, by), row, formatTime(row.lastTime)));
  const lines = align([titles, ...body, toCells("Total", totals, "")]);
  const [head = "", ...rest] = lines;
  const left = omitted === 0 ? [] : [paint("dim", `${formatCount(omitted)} more are in the total`)];
  return [
    paint("dim", `Requests ${period}`),
    paint("dim", head),
    ...rest.slice(0, -1),
    ...rest.slice(-1).map((line) => paint("green", line)),
    ...left,
  ];
}

/** Pads the first column on the right, all others on the left. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((cells) => (cells[at] ?? "").length))
  );
  return rows.map((cells) =>
    cells.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)
    ).join(GAP).trimEnd()
  );
}

function toName({ name }: HistoryRow, by: Grouping): string {
  if (name === null) return `(no ${by})`;
  const text = stripControlChars(name);
  return text.length <= MAX_NAME_CHARS ? text : `${text.slice(0, MAX_NAME_CHARS - 1)}…`;
}

/** `2026-11-29 10:22` */
function formatTime(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

function formatNonZero(value: number, format: (value: number) => string): string {
  return value === 0 ? "" : format(value);
}
