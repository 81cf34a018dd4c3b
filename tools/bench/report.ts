// Formats a run as Markdown: the ratios with their limits, then the values that they are made of.

import { type MeasuredRow, type Target, TARGETS } from "./trial.ts";
import { formatPer, hasLimit, judge, median, toRatios } from "./verdict.ts";

/** RESULTS.md from this line on is written by hand. */
const BY_HAND = "\n## What was tried\n";

/** The ratios: what a run decides on. */
export function formatRatios(rows: readonly MeasuredRow[]): string {
  return formatTable(
    ["ratio", "", "median (range)", "must", "aim", ""],
    rows.filter(hasLimit).map((row) => {
      const { limit } = row;
      const aim = limit.aim === undefined ? "" : `${limit.sign} ${limit.aim}`;
      const must = `${limit.sign} ${limit.must}`;
      return [row.what, formatPer(limit), formatRange(toRatios(row), 2), must, aim, judge(row)];
    }),
  );
}

/** The values in their units. Rows that are ratios themselves are in the other table. */
export function formatValues(rows: readonly MeasuredRow[]): string {
  return formatTable(
    ["value", ...TARGETS],
    rows.filter((row) => row.limit?.per !== null)
      .map((row) => [row.what, ...TARGETS.map((target) => formatTarget(row, target))]),
  );
}

function formatTarget({ rounds, digits }: MeasuredRow, target: Target): string {
  const values = rounds.map((round) => round[target]).filter((value) => value !== undefined);
  return values.length === 0 ? "" : formatRange(values, digits);
}

/** `median (least–most)` */
function formatRange(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

/** A table as `deno fmt` formats it; without rows an empty text. */
function formatTable(header: string[], rows: string[][]): string {
  if (rows.length === 0) return "";
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)));
  const lines = all.map((row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}

/** RESULTS.md with a new report, and the section that is written by hand. */
export function replaceReport(before: string, report: string): string {
  const byHand = before.indexOf(BY_HAND);
  return byHand === -1 ? report : report + before.slice(byHand);
}
