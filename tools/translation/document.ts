/**
 * The tables with verdicts of docs/translation.md, written from rows that the tests read too. Pure.
 * @module
 */

/** What happens to a field, block, tool or event; the document explains each. A star: upstream has no equivalent. */
export type Verdict =
  | "carried"
  | "carried*"
  | "approximated"
  | "approximated*"
  | "dropped"
  | "dropped*"
  | "refused*";

/**
 * What proves a row: a case in tests/fixtures, as a path without `.json`, with `#` and a name if the file has several
 * cases; or the end of a test's name, and its file in tests/ without `.ts`.
 */
export type Proof = string | { test: string; file: string };

/** The name without backticks, the verdict, what happens in Markdown, and the proofs. */
export type Row = readonly [name: string, verdict: Verdict, text: string, ...proof: Proof[]];

/** The rows of each table by the heading above it. */
export type Tables = Readonly<Record<string, readonly Row[]>>;

/**
 * Replaces the first table below each heading.
 * @throws {Error} if a heading or its table is missing
 */
export function writeTables(markdown: string, tables: Tables): string {
  return Object.entries(tables).reduce((text, [heading, rows]) => {
    const start = text.indexOf(`\n### ${heading}\n`);
    const length = text.slice(start + 1).search(/^\| Name +\| Verdict /m);
    if (start === -1 || length === -1) throw new Error(`No table below ${heading}`);
    const before = text.slice(0, start + 1 + length);
    return before + formatTable(rows) + text.slice(before.length).replace(/^(\|.*\n)+/, "");
  }, markdown);
}

/** A table whose columns are aligned as `deno fmt` does it. */
function formatTable(rows: readonly Row[]): string {
  const cells = rows.map(([name, verdict, text]) => [`\`${name}\``, verdict, text]);
  const lines = [["Name", "Verdict", "What happens"], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => size(line[column]))));
  const toLine = (line: readonly string[]) =>
    `| ${
      line.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - size(cell))).join(" | ")
    } |\n`;
  const rule = widths.map((width) => "-".repeat(width));
  return [lines[0] ?? [], rule, ...lines.slice(1)].map(toLine).join("");
}

/** The number of characters. */
function size(text = ""): number {
  return [...text].length;
}
