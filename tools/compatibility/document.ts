/**
 * The text of docs/compatibility.md: written from the results of runs, and read again to keep those of earlier runs.
 * Pure.
 * @module
 */

/** The results of one file of cases. */
export interface Cell {
  passed: number;
  failed: number;
  /** Cases that do not apply to the version, or whose client is missing. */
  ignored: number;
}

/** The results of one version. */
export interface Column {
  /** A version of Claude Code, or the group of other clients. */
  name: string;
  /** The day of the run. */
  date: string;
  /** By the name of the file of cases. */
  cells: Record<string, Cell>;
  /** Names of failed cases. */
  failures: string[];
}

/** The newest versions; older columns are dropped. */
const MAX_COLUMNS = 8;
const MAX_FAILURES = 20;
const MAX_NAME_CHARS = 160;

/** Reads a JUnit report of `deno test`. */
export function readReport(xml: string): { passed: number; failed: string[]; ignored: number } {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g)];
  const failed = cases.filter(([, , , body = ""]) => /<(failure|error)\b/.test(body));
  const ignored = cases.filter(([, , , body = ""]) => body.includes("<skipped"));
  return {
    passed: cases.length - failed.length - ignored.length,
    failed: failed.map(([, name = ""]) => decode(name)),
    ignored: ignored.length,
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&quot;": '"',
  "&apos;": "'",
  "&lt;": "<",
  "&gt;": ">",
  "&amp;": "&",
};

function decode(text: string): string {
  return text.replace(/&(quot|apos|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** New columns replace those of the same name; with the newest of the old ones they are at most eight. */
export function mergeColumns(old: readonly Column[], added: readonly Column[]): Column[] {
  const names = new Set(added.map(({ name }) => name));
  const sort = (columns: Column[]) => columns.sort((a, b) => compareVersions(b.name, a.name));
  const rest = sort(old.filter(({ name }) => !names.has(name)));
  return sort([...added, ...rest.slice(0, Math.max(0, MAX_COLUMNS - added.length))]);
}

/** Names that are no versions are the newest: they stay. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((name) =>
    /^\d/.test(name) ? name.split(".").map(Number) : [Infinity]
  );
  for (let index = 0; index < 3; index++) {
    const [x = 0, y = 0] = [left?.[index], right?.[index]];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

const INTRODUCTION = `\
# Compatibility

Written by \`tools/compatibility.ts\`, which the workflow \`clients\` runs every day with the newest
Claude Code; do not edit. Each row is a file in \`tests/clients/cases/\`: real clients send real
requests through the proxy to a simulated OpenRouter, which checks them. A cell has the number of
cases that passed.

`;

const NOTES = `
The other clients are opencode, Cline and LangChain's \`ChatAnthropic\`, in the versions that the
tests pin (\`tests/clients/binary.ts\`, \`tests/helpers/\`); the Claude Agent SDK drives the Claude
Code of its column. The official SDK and Vercel's AI SDK are in \`deno task test\`.

Not in the table: OpenClaw. It needs Node.js 24.16, and its package alone has 95 MB.
`;

/** The whole document. */
export function formatDocument(columns: readonly Column[]): string {
  const areas = [...new Set(columns.flatMap(({ cells }) => Object.keys(cells)))].sort();
  const rows = [
    ["Cases", ...columns.map(({ name }) => name)],
    ["day of the run", ...columns.map(({ date }) => date)],
    ...areas.map((area) => [
      area,
      ...columns.map(({ cells }) => cells[area] === undefined ? "" : formatCell(cells[area])),
    ]),
  ];
  return INTRODUCTION + formatTable(rows) + formatFailures(columns) + NOTES;
}

function formatCell({ passed, failed, ignored }: Cell): string {
  const parts = [failed === 0 ? `${passed}` : `${passed}, **${failed} failed**`];
  if (ignored > 0) parts.push(`${ignored} not run`);
  return parts.join(", ");
}

function formatTable(rows: readonly string[][]): string {
  const widths =
    rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0))) ?? [];
  const toLine = (row: readonly string[]) =>
    `| ${row.map((text, index) => text.padEnd(widths[index] ?? 0)).join(" | ")} |\n`;
  const [head = [], ...rest] = rows;
  return toLine(head) + toLine(widths.map((width) => "-".repeat(width))) +
    rest.map(toLine).join("");
}

function formatFailures(columns: readonly Column[]): string {
  const failures = columns.flatMap(({ failures }) => failures);
  if (failures.length === 0) return "";
  const lines = failures.slice(0, MAX_FAILURES)
    .map((name) => `- ${name.replace(/\s+/g, " ").replaceAll("`", "'").slice(0, MAX_NAME_CHARS)}`);
  const more = failures.length - lines.length;
  if (more > 0) lines.push(`- and ${more} more`);
  return `\n## Failed\n\n${lines.join("\n")}\n`;
}

/** Reads the table of an earlier document. The names of failed cases are not read: they are of another run. */
export function parseColumns(text: string): Column[] {
  const rows = text.split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const [names = [], , dates = [], ...areas] = rows;
  return names.slice(1).map((name, index) => ({
    name,
    date: dates[index + 1] ?? "",
    cells: Object.fromEntries(
      areas.flatMap(([area = "", ...cells]) => {
        const cell = parseCell(cells[index] ?? "");
        return cell === null ? [] : [[area, cell]];
      }),
    ),
    failures: [],
  }));
}

function parseCell(text: string): Cell | null {
  const [, passed, failed = "0", ignored = "0"] =
    /^(\d+)(?:, \*\*(\d+) failed\*\*)?(?:, (\d+) not run)?$/.exec(text) ?? [];
  if (passed === undefined) return null;
  return { passed: Number(passed), failed: Number(failed), ignored: Number(ignored) };
}
