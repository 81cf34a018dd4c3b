// Formats figures as Markdown tables: medians, ranges, and ratios within one round.

/** A measured server. */
export type Target = "pass" | "passjs" | "proxy";

/** One row of the comparison: a value per target and round. */
export interface Comparison {
  what: string;
  values: Record<Target, number[]>;
  /** The limit; `aim` is the goal. */
  must: string;
  aim: string;
}

/** One row that only the proxy has. */
export interface Figure {
  what: string;
  values: number[];
  digits: number;
  must: string;
  aim: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  return (low + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** `median (least–most)` */
function formatRange(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

function divide(values: readonly number[], by: readonly number[]): number[] {
  return values.map((value, round) => value / (by[round] ?? NaN));
}

export function formatComparisons(rows: readonly Comparison[]): string {
  return formatTable(
    ["what", "pass", "passjs", "proxy", "proxy ÷ pass", "proxy ÷ passjs", "must", "aim"],
    rows.map(({ what, values: { pass, passjs, proxy }, must, aim }) => {
      const digits = median(pass) < 1 ? 2 : median(pass) < 100 ? 1 : 0;
      return [
        what,
        ...[pass, passjs, proxy].map((values) => formatRange(values, digits)),
        formatRange(divide(proxy, pass), 2),
        formatRange(divide(proxy, passjs), 2),
        must,
        aim,
      ];
    }),
  );
}

export function formatFigures(rows: readonly Figure[]): string {
  return formatTable(
    ["what", "median (range)", "must", "aim"],
    rows.map(({ what, values, digits, must, aim }) => [
      what,
      formatRange(values, digits),
      must,
      aim,
    ]),
  );
}

function formatTable(header: string[], rows: string[][]): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)));
  const lines = all.map((row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
