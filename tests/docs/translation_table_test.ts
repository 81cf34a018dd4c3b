/**
 * Checks the tables of docs/translation.md against the code: they are complete, and every row has a fixture or a test.
 * @module
 */

import { assert, assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { isJsonObject } from "../../lib/json.ts";
import { type Tables, writeTables } from "../../tools/translation/document.ts";
import { REQUEST_TABLES } from "../../tools/translation/request_rows.ts";
import { RESPONSE_TABLES } from "../../tools/translation/response_rows.ts";
import { NAMES } from "../helpers/anthropic_names.ts";
import {
  loadRequestCases,
  loadResponseCases,
  loadStreamCases,
  type RequestCase,
} from "../helpers/fixtures.ts";

const ROOT = new URL("../../", import.meta.url);
const markdown = Deno.readTextFileSync(new URL("docs/translation.md", ROOT));

const requests = new Map(loadRequestCases().map((one) => [one.name, one]));
/** The responses to clients by case name; undefined for an error. */
const responses = new Map<string, unknown>([
  ...loadStreamCases().map(({ name, events }): [string, unknown] => [name, events]),
  ...loadResponseCases().map(({ name, message }): [string, unknown] => [name, message]),
]);

const VERDICTS = ["carried", "approximated", "dropped", "refused"];
/** Test files that the rows may cite. */
const TEST_FILES = [
  "anthropic/parse_request_test",
  "anthropic/parse_messages_test",
  "routes/models_test",
  "stream/event_stream_test",
];

/** Supported by OpenRouter and not by this proxy. */
const MISSED = [
  "Blocks: web_fetch_tool_result",
  "Response fields: usage.speed",
  "Response blocks: web_fetch_tool_result",
];
/** Types that exist only in fixtures. */
const INVENTED_TYPES = ["hologram", "never_heard_of", "tools.bash_tool"];

/** One row of a coverage table. */
interface Row {
  table: string;
  name: string;
  verdict: string;
  /** A star after the verdict: upstream has no equivalent. */
  isBeyondUpstream: boolean;
  text: string;
  /** The names of cases: a path in tests/fixtures without `.json`, with `#` and a name in a table. */
  fixtures: string[];
  tests: { test: string; file: string }[];
}

const TABLES: Tables = { ...REQUEST_TABLES, ...RESPONSE_TABLES };

const rows: Row[] = Object.entries(TABLES).flatMap(([table, list]) =>
  list.map(([name, verdict, text, ...proof]) => ({
    table,
    name,
    verdict: verdict.replace("*", ""),
    isBeyondUpstream: verdict.endsWith("*"),
    text,
    fixtures: proof.filter((one) => typeof one === "string"),
    tests: proof.filter((one) => typeof one !== "string"),
  }))
);

function listQuoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

function findRequest(name: string): RequestCase {
  const found = requests.get(name);
  assert(found !== undefined, `There is no request fixture ${name}`);
  return found;
}

/** The JSON of a case's request, to be searched for names. */
function readRequest(name: string): string {
  return JSON.stringify(findRequest(name).request);
}

/** The names of the tests in a file, as it registers them. */
async function listTests(file: string): Promise<string[]> {
  const names: string[] = [];
  const { test } = Deno;
  const record = (given: string | Deno.TestDefinition) =>
    void names.push(typeof given === "string" ? given : given.name);
  try {
    Object.assign(Deno, { test: record });
    // The query makes it a separate module, which is evaluated even if the file itself is already loaded.
    await import(`../${file}.ts?names`);
  } finally {
    Object.assign(Deno, { test });
  }
  return names;
}

/** The last part of a name: a key, a type or a value. */
function lastPart({ name }: Row): string {
  return name.split(/[.:] ?/).at(-1) ?? name;
}

/** Every key, type and stop reason of a response, without the inputs of tools. */
function listNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(listNames);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const isName = (key === "type" || key === "stop_reason") && typeof one === "string";
    if (isName) return [key, one];
    return key === "input" ? [key] : [key, ...listNames(one)];
  });
}

/** The names in the response that a fixture expects. */
function listResponseNames(name: string): string[] {
  assert(responses.has(name), `There is no response fixture ${name}`);
  return listNames(responses.get(name));
}

const label = ({ table, name }: Row) => `${table}: ${name}`;
const isOfResponse = ({ table }: Row) =>
  ["Response fields", "Response blocks", "Stop reasons", "Stream"].includes(table);

Deno.test("docs/translation.md has the tables of its rows, and no line over 210 characters", () => {
  assertEquals(markdown, writeTables(markdown, TABLES), "run deno task translation");
  const long = markdown.split("\n").filter((line) => line.length > 210);
  assertEquals(long, [], "shorten the row, or move details below the table");
});

Deno.test("writeTables replaces only the tables, and needs each of them", () => {
  const before =
    "### A\n\ntext\n\n| Name | Verdict | What happens |\n| - | - | - |\n| `x` | carried | y |\n\nafter\n";
  const after = writeTables(`\n${before}`, { A: [["name", "dropped*", "text", "a/case"]] });
  assertEquals(
    after,
    "\n### A\n\ntext\n\n| Name   | Verdict  | What happens |\n| ------ | -------- | ------------ |\n" +
      "| `name` | dropped* | text         |\n\nafter\n",
  );
  assertThrows(() => writeTables(before, { B: [] }), Error, "No table below B");
});

for (const [table, names] of Object.entries(NAMES)) {
  Deno.test(`docs/translation.md has exactly the rows for the names under ${table}`, () => {
    const found = rows.filter((row) => row.table === table).map(({ name }) => name);
    assertEquals(found.toSorted(), [...names].toSorted());
  });
}

Deno.test("every row of docs/translation.md has one of four verdicts, a description, and a fixture or test", () => {
  for (const row of rows) {
    assert(VERDICTS.includes(row.verdict), `${label(row)} is ${row.verdict}`);
    assert(row.text !== "", `${label(row)} has no description`);
    assert(
      row.fixtures.length > 0 || row.tests.length > 0,
      `${label(row)} has no fixture or test`,
    );
  }
});

Deno.test("every fixture that docs/translation.md names exists and contains the name of its row", () => {
  for (const row of rows.filter(({ verdict }) => verdict !== "dropped")) {
    for (const name of row.fixtures) {
      const has = responses.has(name)
        ? !isOfResponse(row) || listResponseNames(name).includes(lastPart(row))
        : listRequired(row).every((text) => readRequest(name).includes(text));
      assert(has, `${label(row)} is not in ${name}`);
    }
  }
});

/** The strings that the request of a row must contain: the field or block, and the last part of the name. */
function listRequired(row: Row): string[] {
  const quoted = [row.name.split(/[.:]/)[0], lastPart(row)].map((part) => `"${part}"`);
  if (row.name === "max_tokens: 0") return ['"max_tokens":0'];
  // A tool's type has a date and is not in the name.
  return row.table === "Tools" ? quoted.slice(1) : quoted;
}

Deno.test("every test that docs/translation.md names exists", async () => {
  const names = new Map<string, string[]>();
  for (const file of TEST_FILES) names.set(file, await listTests(file));
  const cited = rows.flatMap((row) => row.tests.map((one) => ({ row, ...one })));
  assert(cited.length > 0);
  for (const { row, test, file } of cited) {
    const tests = names.get(file);
    assert(tests !== undefined && tests.length > 0, `${label(row)} names ${file}`);
    const found = tests.find((name) => name === test || name.endsWith(` refuses ${test}`));
    assert(found !== undefined, `no test “${test}” in ${file}`);
    if (row.verdict === "refused") assert(found.includes("refuses"), found);
  }
});

Deno.test("a refused row of docs/translation.md has a test", () => {
  for (const row of rows.filter(({ verdict }) => verdict === "refused")) {
    assert(row.tests.length > 0 && !isOfResponse(row), label(row));
  }
});

Deno.test("a dropped field of docs/translation.md is in the dropped list of its fixture, under the first name in its row", () => {
  for (const row of rows.filter((one) => one.verdict === "dropped" && !isOfResponse(one))) {
    const [reported = ""] = listQuoted(row.text);
    assert(row.fixtures.length > 0, label(row));
    for (const name of row.fixtures) {
      const { dropped } = findRequest(name);
      assert(dropped.includes(reported), `${label(row)}: '${reported}' is not in ${name}`);
      assert(readRequest(name).includes(lastPart(row)), `${label(row)}: ${name}`);
    }
  }
});

Deno.test("a dropped response field of docs/translation.md is in no response fixture", () => {
  const names = new Set([...responses.keys()].flatMap(listResponseNames));
  assert(names.has("citations_delta") && names.has("end_turn"), "the scan is broken");
  for (const row of rows.filter((one) => one.verdict === "dropped" && isOfResponse(one))) {
    for (const name of row.fixtures) listResponseNames(name);
    assert(!names.has(lastPart(row)), `${label(row)} is sent`);
  }
});

Deno.test("docs/translation.md names every dropped field of the request fixtures", () => {
  const documented = new Set(listQuoted(markdown));
  for (const { name, dropped } of requests.values()) {
    const unnamed = dropped.filter((one) =>
      !documented.has(one) && !documented.has(one.replace(/^tools\./, "")) &&
      !INVENTED_TYPES.includes(one.replace(/^safeguards\./, "")) &&
      // Any keyword of a schema can be dropped; the document lists them.
      !/^tools\.\d+\.input_schema\./.test(one)
    );
    assertEquals(unnamed, [], name);
  }
});

Deno.test("at least nine tenths of what OpenRouter supports are forwarded, and docs/translation.md has the numbers", () => {
  const possible = rows.filter(({ isBeyondUpstream }) => !isBeyondUpstream);
  const served = possible.filter(({ verdict }) =>
    verdict === "carried" || verdict === "approximated"
  );
  assertGreaterOrEqual(served.length / possible.length, 0.9);
  const numbers = [...markdown.matchAll(/\*\*(\d+)\*\*/g)].map(([, digits]) => Number(digits));
  assertEquals(numbers, [possible.length, served.length]);
});

Deno.test("the rows of docs/translation.md without a star that are not forwarded are the known ones", () => {
  // A wrong star would improve the share.
  const missed = rows.filter(({ verdict, isBeyondUpstream }) =>
    !isBeyondUpstream && (verdict === "dropped" || verdict === "refused")
  );
  assertEquals(missed.map(label), MISSED);
  const starred = rows.filter((row) => row.isBeyondUpstream && row.verdict === "approximated");
  assertEquals(starred.map(label), []);
});
