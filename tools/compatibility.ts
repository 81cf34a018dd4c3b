/**
 * Runs the cases with the real clients, and writes docs/compatibility.md: a table of versions and cases, and what
 * failed. Columns of earlier runs stay, up to a maximum.
 * `deno task compatibility 2.1.332 2.1.197 others`: versions of Claude Code, and the clients with a version of their
 * own. Options go to `deno test`. Exits with 1 if a case failed.
 * @module
 */

import { printLine } from "../lib/cli/terminal.ts";
import {
  type Column,
  formatDocument,
  mergeColumns,
  parseColumns,
  readReport,
} from "./compatibility/document.ts";

const ROOT = new URL("../", import.meta.url);
const DOCUMENT = new URL("docs/compatibility.md", ROOT);
const CASES = "tests/clients/cases";
/** Cases that do not run Claude Code; their clients have versions of their own. */
const OTHER_CLIENTS = ["opencode", "cline", "langchain"];
/** The argument for them, and their column. */
const OTHERS = { argument: "others", column: "other clients" };

const VERSION = /^\d+\.\d+\.\d+$/;

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("--"));
  const names = args.filter((arg) => !arg.startsWith("--"));
  const invalid = names.find((name) => !VERSION.test(name) && name !== OTHERS.argument);
  if (names.length === 0 || invalid !== undefined) {
    throw new Error(`Give versions such as 2.1.332, or ${OTHERS.argument}, not ${invalid ?? ""}`);
  }
  const columns: Column[] = [];
  for (const name of names) columns.push(await runColumn(name, flags));
  const text = formatDocument(mergeColumns(parseColumns(await readDocument()), columns));
  await Deno.writeTextFile(DOCUMENT, text);
  const failed = columns.flatMap(({ failures }) => failures);
  for (const name of failed) printLine(`failed: ${name}`);
  return failed.length === 0 ? 0 : 1;
}

function listAreas(): string[] {
  return [...Deno.readDirSync(new URL(`${CASES}/`, ROOT))]
    .filter(({ name }) => name.endsWith(".ts")).map(({ name }) => name.slice(0, -3)).sort();
}

/** One run for each file: in a report of several files, tests do not name the file that they are from. */
async function runColumn(name: string, flags: readonly string[]): Promise<Column> {
  const isOthers = name === OTHERS.argument;
  const areas = listAreas().filter((area) => OTHER_CLIENTS.includes(area) === isOthers);
  const column: Column = {
    name: isOthers ? OTHERS.column : name,
    date: new Date().toISOString().slice(0, 10),
    cells: {},
    failures: [],
  };
  for (const area of areas) {
    const env: Record<string, string> = isOthers ? {} : { CLAUDE_VERSION: name };
    const { passed, failed, ignored } = readReport(await runArea(area, { flags, env }));
    // Without a report the file has not even been loaded.
    if (passed + failed.length + ignored === 0) failed.push(`${area}: no case was run`);
    column.cells[area] = { passed, failed: failed.length, ignored };
    column.failures.push(...failed);
    printLine(`${name} ${area}: ${passed} passed, ${failed.length} failed, ${ignored} not run`);
  }
  return column;
}

interface RunOptions {
  flags: readonly string[];
  env: Record<string, string>;
}

/** The JUnit report of one file; "" if there is none. */
async function runArea(area: string, { flags, env }: RunOptions): Promise<string> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "-A", "--no-prompt", "--no-check", "--quiet", `--junit-path=${report}`],
        ...flags,
        `${CASES}/${area}.ts`,
      ],
      cwd: ROOT,
      env,
      stdin: "null",
      stdout: "null",
    }).output();
    return await Deno.readTextFile(report);
  } finally {
    await Deno.remove(report);
  }
}

async function readDocument(): Promise<string> {
  return await Deno.readTextFile(DOCUMENT).catch(() => "");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
