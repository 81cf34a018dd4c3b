// The bench's rounds, ratios and limits (tools/bench/): a run must fail when a ratio misses its limit.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readPlan } from "../../tools/bench/plan.ts";
import { formatRatios, formatValues, replaceReport } from "../../tools/bench/report.ts";
import {
  type Limit,
  type MeasuredRow,
  type RoundValues,
  runTrials,
  type Trial,
} from "../../tools/bench/trial.ts";
import { describeNoise, judge, listMisses } from "../../tools/bench/verdict.ts";

const AT_MOST: Limit = { per: "pass", sign: "≤", must: 2.3, aim: 2 };
const AT_LEAST: Limit = { per: "pass", sign: "≥", must: 0.4, aim: 0.55 };
const PER_PASSJS: Limit = { per: "passjs", sign: "≤", must: 3, aim: 2.2 };
const ITSELF: Limit = { per: null, sign: "≤", must: 1.3 };

/** One round for each value: of the proxy, beside references that are 1 and 2. */
function createRow(limit: Limit, values: number[]) {
  const rounds = values.map((proxy): RoundValues => ({ pass: 1, passjs: 2, proxy }));
  return { what: "µs", digits: 1, limit, rounds };
}

const JUDGED: [about: string, limit: Limit, values: number[], result: string][] = [
  ["below the aim", AT_MOST, [1.9], "aim reached"],
  ["exactly the aim", AT_MOST, [2], "aim reached"],
  ["between aim and must", AT_MOST, [2.2], "met"],
  ["exactly the must", AT_MOST, [2.3], "met"],
  ["the must as the report rounds it", AT_MOST, [2.304], "met"],
  ["above the must", AT_MOST, [2.31], "missed"],
  ["above a least aim", AT_LEAST, [0.6], "aim reached"],
  ["above a least must", AT_LEAST, [0.45], "met"],
  ["below a least must", AT_LEAST, [0.39], "missed"],
  ["per passjs", PER_PASSJS, [6], "met"],
  ["per passjs and above the must", PER_PASSJS, [6.2], "missed"],
  ["a value that is a ratio itself", ITSELF, [1.3], "met"],
  ["a value that is a ratio itself and above the must", ITSELF, [1.4], "missed"],
  ["one bad round of three", AT_MOST, [2, 9, 2.1], "met"],
  ["two bad rounds of three", AT_MOST, [2, 9, 8], "missed"],
  ["a round that could not be measured", AT_MOST, [NaN, 1, 1], "missed"],
  ["no rounds", AT_MOST, [], "missed"],
];

for (const [about, limit, values, result] of JUDGED) {
  Deno.test(`the bench judges ${about}: ${result}`, () => {
    assertEquals(judge(createRow(limit, values)), result);
  });
}

Deno.test("the bench divides within a round, before it takes the median", () => {
  const rounds = [{ pass: 1, proxy: 10 }, { pass: 2, proxy: 4 }, { pass: 10, proxy: 20 }];
  assertEquals(judge({ ...createRow(AT_MOST, []), rounds }), "aim reached", "10, 2 and 2");
});

Deno.test("the bench names each missed limit with its ratio", () => {
  const rows: MeasuredRow[] = [
    { ...createRow(AT_MOST, [2.5]), what: "CPU" },
    { ...createRow(AT_LEAST, [0.5]), what: "streams" },
    { ...createRow(ITSELF, [1.5]), what: "exponent" },
    { what: "no limit", digits: 0, rounds: [{ pass: 1, proxy: 99 }] },
  ];
  assertEquals(listMisses(rows), [
    "CPU: 2.50 × pass instead of ≤ 2.3",
    "exponent: 1.50 instead of ≤ 1.3",
  ]);
});

// --- rounds ---

/** A trial that writes down when it runs. */
function createTrial(name: string, log: string[], options: Partial<Trial> = {}): Trial {
  return {
    rows: [{ what: name, digits: 0 }],
    targets: ["pass", "passjs", "proxy"],
    warmUps: 0,
    measure(order) {
      log.push(`${name} ${order.join(",")}`);
      return Promise.resolve([{ proxy: log.length }]);
    },
    ...options,
  };
}

Deno.test("runTrials takes turns in each round, starting with another server each time", async () => {
  const log: string[] = [];
  await runTrials([createTrial("a", log), createTrial("b", log)], 4);
  assertEquals(log, [
    "a pass,passjs,proxy",
    "b pass,passjs,proxy",
    "a passjs,proxy,pass",
    "b passjs,proxy,pass",
    "a proxy,pass,passjs",
    "b proxy,pass,passjs",
    "a pass,passjs,proxy",
    "b pass,passjs,proxy",
  ]);
});

Deno.test("runTrials does not count the warm-up, and ends long trials early", async () => {
  const log: string[] = [];
  const trials = [
    createTrial("warm", log, { warmUps: 1 }),
    createTrial("long", log, { maxRounds: 1 }),
  ];
  const [warm, long] = await runTrials(trials, 2);
  assertEquals(warm?.rounds, [{ proxy: 2 }, { proxy: 4 }]);
  assertEquals(long?.rounds, [{ proxy: 3 }]);
});

Deno.test("runTrials measures the servers that a trial lists", async () => {
  const log: string[] = [];
  await runTrials([createTrial("own", log, { targets: ["minimal", "proxy"], warmUps: 1 })], 2);
  assertEquals(log, ["own minimal,proxy", "own minimal,proxy", "own proxy,minimal"]);
});

// --- noise ---

/** A row in which the proxy always costs twice what `pass` does. */
function createPassRow(what: string, values: number[]): MeasuredRow {
  const rounds = values.map((pass) => ({ pass, proxy: 2 * pass }));
  return { what, digits: 0, limit: AT_MOST, rounds };
}

Deno.test("the bench tells how steady pass was, and that a single odd round does not count", () => {
  const noise = describeNoise([createPassRow("CPU", [100, 102, 104, 98, 300])], 0.24);
  assertStringIncludes(noise, "was 0.2.");
  assertStringIncludes(noise, "spread by 4 % of their median");
  assert(!noise.includes("Not quiet"), noise);
});

Deno.test("the bench names the ratios that are unreliable because pass is", () => {
  const rows = [createPassRow("CPU", [100, 100, 100]), createPassRow("rate", [100, 150, 60])];
  const noise = describeNoise(rows, 3);
  assertStringIncludes(noise, "by 45 % at most");
  assertStringIncludes(noise, "Not quiet enough for these ratios: rate.");
});

Deno.test("the bench names the ratios that vary beside a steady pass", () => {
  const noise = describeNoise([createRow(AT_MOST, [1, 2, 3]), {
    ...createRow(ITSELF, [1, 2, 3]),
    what: "exponent",
  }], 0);
  assertStringIncludes(noise, "Not quiet enough for these ratios: µs.");
});

Deno.test("the bench does not call two rounds, or rows without pass, quiet", () => {
  const alone = { what: "exponent", digits: 2, rounds: [{ proxy: 1 }, { proxy: 1 }, { proxy: 1 }] };
  const noise = describeNoise([createPassRow("CPU", [1, 1]), alone], 0);
  assertStringIncludes(noise, "Too few rounds");
});

// --- report ---

const ROWS: MeasuredRow[] = [
  createRow(PER_PASSJS, [6.2, 6.4, 7]),
  { ...createRow(ITSELF, [1]), what: "exponent" },
  { what: "MiB", digits: 0, rounds: [{ pass: 31, proxy: 52.4 }] },
];

Deno.test("the report's ratios have medians, ranges, limits and results", () => {
  assertEquals(
    formatRatios(ROWS),
    `\
| ratio    |          | median (range)   | must  | aim   |        |
| -------- | -------- | ---------------- | ----- | ----- | ------ |
| µs       | × passjs | 3.20 (3.10–3.50) | ≤ 3   | ≤ 2.2 | missed |
| exponent |          | 1.00 (1.00–1.00) | ≤ 1.3 |       | met    |`,
  );
});

Deno.test("the report's values have units, and no row that is a ratio itself", () => {
  assertEquals(
    formatValues(ROWS),
    `\
| value | pass          | passjs        | minimal | proxy         |
| ----- | ------------- | ------------- | ------- | ------------- |
| µs    | 1.0 (1.0–1.0) | 2.0 (2.0–2.0) |         | 6.4 (6.2–7.0) |
| MiB   | 31 (31–31)    |               |         | 52 (52–52)    |`,
  );
});

Deno.test("a report without limits or values has no empty table", () => {
  assertEquals(formatRatios([]), "");
  assertEquals(formatValues(ROWS.slice(1, 2)), "");
});

Deno.test("a new report keeps the section of RESULTS.md that is written by hand", () => {
  const before = Deno.readTextFileSync(
    new URL("../../tools/bench/RESULTS.md", import.meta.url),
  );
  const after = replaceReport(before, "# New\n");
  assert(after.startsWith("# New\n\n## What was tried\n"), after.slice(0, 100));
  assert(before.endsWith(after.slice("# New\n".length)));
});

Deno.test("a first report needs no RESULTS.md", () => {
  assertEquals(replaceReport("", "# New\n"), "# New\n");
});

// --- options ---

Deno.test("the bench runs all parts for five rounds and writes nothing unless told", () => {
  const { parts, rounds, writes } = readPlan([]);
  assertEquals([parts.length, rounds, writes], [6, 5, false]);
});

Deno.test("--only and --rounds limit a run, and --write keeps the report", () => {
  assertEquals(readPlan(["--only", "delta,streams", "--rounds", "2"]), {
    parts: ["streams", "delta"],
    rounds: 2,
    writes: false,
  });
  assertEquals(readPlan(["--write"]).writes, true);
});

const INVALID: string[][] = [
  ["--only", "stream"],
  ["--only"],
  ["--rounds", "0"],
  ["--rounds"],
  ["--write", "--only", "streams"],
  ["--write", "--program", "claudeproxy.js"],
];

for (const args of INVALID) {
  Deno.test(`the bench rejects ${args.join(" ")}`, () => {
    assertThrows(() => readPlan(args), Error, "--");
  });
}
