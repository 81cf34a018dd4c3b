/**
 * Formats a report of the history as CSV (RFC 4180) for spreadsheets. Pure.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import type { HistoryReport, HistoryRow } from "../../history/types.ts";

type Column = readonly [title: string, read: (row: HistoryRow) => string | number | null];

const COLUMNS: readonly Column[] = [
  ["requests", (row) => row.requests],
  ["failed", (row) => row.failed],
  ["input_tokens", (row) => row.inputTokens],
  ["cached_tokens", (row) => row.cachedTokens],
  ["written_tokens", (row) => row.writtenTokens],
  ["output_tokens", (row) => row.outputTokens],
  ["cost_usd", (row) => row.costUsd],
  ["estimated_usd", (row) => row.estimatedUsd],
  ["unpriced", (row) => row.unpriced],
  ["saved_usd", (row) => row.savedUsd],
  ["first", (row) => new Date(row.firstTime).toISOString()],
  ["last", (row) => new Date(row.lastTime).toISOString()],
];

/** The lines: a header, and one for each row. A total would be counted again by a spreadsheet. */
export function formatCsv({ by, rows }: HistoryReport): string[] {
  const titles = [by, ...COLUMNS.map(([title]) => title)];
  const lines = rows.map((row) => [row.name, ...COLUMNS.map(([, read]) => read(row))]);
  return [titles, ...lines].map((cells) => cells.map(formatCell).join(","));
}

/** Numbers in full, without an exponent, which not every spreadsheet reads. */
function formatCell(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") {
    return Number.isInteger(cell) ? `${cell}` : cell.toFixed(8).replace(/0+$/, "");
  }
  const text = stripControlChars(cell);
  // Spreadsheets run a cell that begins with one of these as a formula; names come from clients and upstream.
  const safe = /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
