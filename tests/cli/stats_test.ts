/** The command `stats`: arguments, table, JSON, CSV, and files that cannot be read. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatCsv } from "../../lib/cli/stats/csv.ts";
import { formatTable } from "../../lib/cli/stats/table.ts";
import { createColorizer } from "../../lib/colors.ts";
import type { Grouping, HistoryReport } from "../../lib/history/types.ts";
import type { CompletedRequest } from "../../lib/metrics/types.ts";
import { createCompleted, createFolder, openHistory, query } from "../helpers/history.ts";
import { NOON } from "../helpers/metrics.ts";
import { type Ended, KEY, run } from "../helpers/program.ts";

const DAY_MS = 86_400_000;

/** Writes requests whose times are relative to now. */
async function write(path: string, requests: readonly Partial<CompletedRequest>[]): Promise<void> {
  const date = () => new Date();
  using opened = await openHistory(path, { date });
  for (const request of requests) {
    const time = Date.now() - 1000;
    opened.history.add(createCompleted({ time, ...request }), { isClient: false, key: "key 1" });
  }
}

/** Runs `stats` with permission to read the file only. */
function runStats(path: string, ...args: string[]): Promise<Ended> {
  const flags = ["--allow-env", `--allow-read=.env,${path}`];
  return run({ args: ["stats", ...args], flags, env: { HISTORY: path } });
}

const REQUESTS: readonly Partial<CompletedRequest>[] = [
  { upstreamModel: "a/x", sessionId: "one", inputTokens: 21_000, outputTokens: 800, costUsd: 1.25 },
  { upstreamModel: "b/y", sessionId: "two", inputTokens: 10, outputTokens: 5, costUsd: 0.0123 },
  { upstreamModel: "a/x", status: 502, error: "No", time: Date.now() - 20 * DAY_MS },
];

Deno.test("stats shows the models of the last 30 days", async () => {
  using folder = createFolder();
  await write(folder.path, REQUESTS);
  const { code, stdout, stderr } = await runStats(folder.path, "--since", "30d", "--by", "model");
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^Requests since \d{4}-\d\d-\d\d \(UTC\)$/);
  assertEquals(lines.slice(1), [
    "Model  Requests  Failed   Input  Output     Cost",
    "a/x           2       1  21,000     800    $1.25",
    "b/y           1              10       5  $0.0123",
    "Total         3       1  21,010     805    $1.26",
  ]);
});

Deno.test("stats shows the last seven days by default, and no requests as one line", async () => {
  using folder = createFolder();
  await write(folder.path, REQUESTS);
  const byDay = await runStats(folder.path);
  assertMatch(byDay.stdout, /^Day \(UTC\) .*\n\d{4}-\d\d-\d\d +2 /m);
  assertEquals(byDay.stdout.trimEnd().split("\n").length, 4);
  query(folder.path, "DELETE FROM requests");
  assertMatch(
    (await runStats(folder.path)).stdout,
    /^No requests since \d{4}-\d\d-\d\d \(UTC\)\n$/,
  );
});

Deno.test("stats --json prints the report, and stats --csv its rows, while the proxy writes", async () => {
  using folder = createFolder();
  await write(folder.path, REQUESTS);
  using _writer = await openHistory(folder.path);
  const json = await runStats(folder.path, "--json", "--by=session");
  const { by, rows, totals }: HistoryReport = JSON.parse(json.stdout);
  assertEquals([by, rows.map(({ name }) => name), totals.requests], ["session", ["one", "two"], 2]);
  const csv = await runStats(folder.path, "--csv", "--by=key");
  assertMatch(
    csv.stdout,
    /^key,requests,.*,last\nkey 1,2,0,21010,0,0,805,1\.2623,0,0,,\S+Z,\S+Z\n$/,
  );
});

for (
  const [args, message] of [
    [
      ["--since", "soon"],
      "These arguments of stats cannot be used: since: allowed are a number of",
    ],
    [["--by"], "These arguments of stats cannot be used: by: allowed are day, month, model, key, "],
    [["--json", "--csv"], "These arguments of stats cannot be used: --json and --csv exclude each"],
    [["--sinse=7d"], "Unknown argument --sinse=7d: see --help"],
    [["7d"], "Unknown argument 7d: see --help"],
  ] as const
) {
  Deno.test(`stats ${args.join(" ")} fails with one line`, async () => {
    using folder = createFolder();
    const { code, stdout, stderr } = await runStats(folder.path, ...args);
    assertEquals([code, stdout], [1, ""]);
    assert(stderr.startsWith(`claudeproxy: ${message}`), stderr);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  });
}

Deno.test("stats without HISTORY says so, and why a settings file does not count", async () => {
  const flags = ["--allow-env", "--allow-read=.env"];
  const plain = await run({ args: ["stats"], flags });
  const message =
    "claudeproxy: HISTORY is not set: it is the file in which the proxy stores its figures\n";
  assertEquals(plain, { code: 1, stdout: "", stderr: message });
  const env = { OPENROUTER_API_KEY: KEY };
  const ignored = await run({ args: ["stats"], flags, env, dotenv: "HISTORY=history.db\n" });
  assertMatch(ignored.stderr, /^claudeproxy: Ignored HISTORY from \.env, because .*\n/);
  assert(ignored.stderr.endsWith(message));
});

Deno.test("stats says why a file cannot be read, and creates none", async () => {
  using folder = createFolder();
  const missing = await runStats(folder.path);
  assertEquals(
    missing.stderr,
    `claudeproxy: No history at ${folder.path}: the proxy creates it when it starts\n`,
  );
  assertEquals([...Deno.readDirSync(folder.folder)], []);
  Deno.writeTextFileSync(folder.path, "not a database ".repeat(100));
  const broken = await runStats(folder.path);
  assertEquals(
    [broken.code, broken.stderr],
    [1, `claudeproxy: The history ${folder.path} cannot be read: file is not a database\n`],
  );
  const env = { HISTORY: folder.path };
  const denied = await run({ args: ["stats"], flags: ["--allow-env"], env });
  assertStringIncludes(denied.stderr, `No permission to read ${folder.path}: add --allow-read=`);
});

// --- formats ---

const TOTALS = {
  requests: 1,
  failed: 0,
  inputTokens: 10,
  cachedTokens: 0,
  writtenTokens: 0,
  outputTokens: 5,
  costUsd: 0.5,
  unpriced: 0,
  savedUsd: null,
  estimatedUsd: 0,
};

function createReport(names: readonly (string | null)[], by: Grouping = "model"): HistoryReport {
  const rows = names.map((name) => ({ name, ...TOTALS, firstTime: NOON - 1000, lastTime: NOON }));
  return { by, since: NOON - DAY_MS, totals: TOTALS, rows, omitted: 0 };
}

function readTable(report: HistoryReport): string[] {
  return formatTable(report, createColorizer(false));
}

Deno.test("formatTable has columns for what is rare only if there is something in them", () => {
  const report = createReport([null]);
  assertEquals(readTable(report)[1], "Model       Requests  Failed  Input  Output     Cost");
  report.totals = {
    ...report.totals,
    cachedTokens: 20,
    writtenTokens: 30,
    estimatedUsd: 0.25,
    unpriced: 2,
    savedUsd: -0.5,
  };
  report.rows = report.rows.map((row) => ({ ...row, ...report.totals }));
  assertEquals(readTable(report).slice(1), [
    "Model       Requests  Failed  Input  Cached  Written  Output     Cost  Estimated  No cost     Saved",
    "(no model)         1             10      20       30       5  $0.5000    $0.2500        2  −$0.5000",
    "Total              1             10      20       30       5  $0.5000    $0.2500        2  −$0.5000",
  ]);
});

Deno.test("formatTable shows when a session was last used, and how many rows are missing", () => {
  const lines = readTable({ ...createReport(["s"], "session"), omitted: 1200 });
  assertEquals(lines, [
    "Requests since 2026-11-21 12:00 (UTC)",
    "Session  Requests  Failed  Input  Output     Cost              Last",
    "s               1             10       5  $0.5000  2026-11-22 12:00",
    "Total           1             10       5  $0.5000",
    "1,200 more are in the total",
  ]);
});

Deno.test("formatTable shows hostile names as short text", () => {
  const [, , line = ""] = readTable(createReport([`\x1b]0;x\x07\u202e${"m".repeat(300)}`]));
  // deno-lint-ignore no-control-regex
  assertMatch(line, /^[^\x00-\x1f\u202e]{40,60}… +1 /);
});

Deno.test("formatCsv quotes cells, and disarms formulas", () => {
  const names = [
    '=HYPERLINK("http://evil","x")',
    "+1",
    "-1",
    "@x",
    " =1",
    'a "b", c',
    "a\nb",
    null,
  ];
  const [head, ...lines] = formatCsv(createReport(names));
  assertMatch(head ?? "", /^model,requests,failed,input_tokens,/);
  const cells = lines.map((line) => line.slice(0, line.indexOf(",1,0,10,")));
  assertEquals(cells, [
    `"'=HYPERLINK(""http://evil"",""x"")"`,
    "'+1",
    "'-1",
    "'@x",
    "' =1",
    '"a ""b"", c"',
    "a b",
    "",
  ]);
});

Deno.test("formatCsv writes small and negative amounts as numbers without an exponent", () => {
  const report = createReport(["m"]);
  report.rows = report.rows.map((row) => ({ ...row, costUsd: 1e-7, savedUsd: -0.25 }));
  const [, line = ""] = formatCsv(report);
  assertStringIncludes(line, ",0.0000001,");
  assertStringIncludes(line, ",-0.25,");
});
