/**
 * `stats`: shows the history (HISTORY) as a table, as JSON or as CSV. Reads the file only, also while the proxy runs.
 * @module
 */

import { createColorizer, escapeControls } from "../../colors.ts";
import { HistoryDatabase } from "../../history/database.ts";
import { parseQuery, QueryError } from "../../history/query.ts";
import { readReport } from "../../history/report.ts";
import type { HistoryQuery, HistoryReport } from "../../history/types.ts";
import type { FileChoice } from "../env_file.ts";
import { readSources } from "../environment.ts";
import { canShowColors, printError, printLine, StartError } from "../terminal.ts";
import { formatCsv } from "./csv.ts";
import { formatTable } from "./table.ts";

type Format = "table" | "json" | "csv";

/** The parsed arguments. */
interface StatsOptions {
  query: HistoryQuery;
  format: Format;
}

/**
 * Prints the history.
 * @param args `[--since 7d] [--by model|key|session|day|month] [--json|--csv]`
 * @throws {StartError} for invalid arguments, without HISTORY, or if the file cannot be read
 */
export async function runStats(args: readonly string[], choice: FileChoice): Promise<void> {
  const { query, format } = parseOptions(args, Date.now());
  const { env, notes } = readSources(choice);
  const path = env("HISTORY");
  if (path === undefined) {
    // One of them may say why a settings file is not read, or its HISTORY not used.
    for (const note of notes) printError(`claudeproxy: ${note}`);
    throw new StartError(
      "HISTORY is not set: it is the file in which the proxy stores its figures",
    );
  }
  const report = await readFile(path, query);
  for (const line of FORMATS[format](report)) printLine(line);
}

const FORMATS: Readonly<Record<Format, (report: HistoryReport) => string[]>> = {
  table: (report) => formatTable(report, createColorizer(canShowColors())),
  json: (report) => [escapeControls(JSON.stringify(report))],
  csv: formatCsv,
};

/** @throws {StartError} */
function parseOptions(args: readonly string[], now: number): StatsOptions {
  const values = new Map<string, string>();
  const formats = new Set<Format>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const [, name, value] = /^--(since|by)(?:=(.*))?$/s.exec(arg) ?? [];
    if (arg === "--json" || arg === "--csv") formats.add(arg === "--json" ? "json" : "csv");
    else if (name !== undefined) values.set(name, value ?? args[++i] ?? "");
    else throw new StartError(`Unknown argument ${arg}: see --help`);
  }
  try {
    if (formats.size > 1) throw new QueryError("--json and --csv exclude each other");
    const [format = "table"] = formats;
    return { query: parseQuery(Object.fromEntries(values), now), format };
  } catch (cause) {
    if (!(cause instanceof QueryError)) throw cause;
    throw new StartError(`These arguments of stats cannot be used: ${cause.message}`, { cause });
  }
}

/** @throws {StartError} */
async function readFile(path: string, query: HistoryQuery): Promise<HistoryReport> {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    throw new StartError(`No permission to read ${path}: add --allow-read=${path}`);
  }
  try {
    if (!Deno.lstatSync(path).isFile) throw new Error("it is not a file");
    const database = new HistoryDatabase(path, { readOnly: true });
    try {
      return await readReport(database, query);
    } finally {
      database.close();
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new StartError(`No history at ${path}: the proxy creates it when it starts`, { cause });
    }
    const reason = cause instanceof Error ? cause.message : cause;
    throw new StartError(`The history ${path} cannot be read: ${reason}`, { cause });
  }
}
