/** docs/compatibility.md: tools/compatibility/document.ts. @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Column,
  formatDocument,
  mergeColumns,
  parseColumns,
  readReport,
} from "../../tools/compatibility/document.ts";
import { read } from "../helpers/documents.ts";

const column = (name: string, more: Partial<Column> = {}): Column => ({
  name,
  date: "2026-11-29",
  cells: { tools: { passed: 5, failed: 0, ignored: 0 } },
  failures: [],
  ...more,
});

Deno.test("readReport counts passed, failed and ignored cases", () => {
  const report = `<testsuites><testsuite>
    <testcase name="a &lt;b&gt; &amp;quot; &quot;c&quot;" line="1"/>
    <testcase name="failed &apos;x&apos;" line="2">
      <failure message="m">stack</failure>
    </testcase>
    <testcase name="d" line="3">
      <skipped/>
    </testcase>
    <testcase name="e" line="4">
    </testcase>
  </testsuite></testsuites>`;
  assertEquals(readReport(report), { passed: 2, failed: ["failed 'x'"], ignored: 1 });
});

Deno.test("a document is read as it was written", () => {
  const columns = [
    column("other clients", { cells: { cline: { passed: 1, failed: 0, ignored: 2 } } }),
    column("2.1.332", { cells: { tools: { passed: 5, failed: 2, ignored: 1 } } }),
    column("2.1.197"),
  ];
  assertEquals(parseColumns(formatDocument(columns)), columns);
  assertEquals(parseColumns(""), []);
});

Deno.test("a new run replaces the column of its version, and the eight newest versions stay", () => {
  const old = Array.from({ length: 9 }, (_, index) => column(`2.1.${index + 95}`));
  const merged = mergeColumns(old, [
    column("2.1.99", { date: "2026-12-01" }),
    column("other clients"),
  ]);
  assertEquals(merged.map(({ name }) => name), [
    "other clients",
    ...[103, 102, 101, 100, 99, 98, 97].map((patch) => `2.1.${patch}`),
  ]);
  assertEquals(merged.find(({ name }) => name === "2.1.99")?.date, "2026-12-01");
  // An old version that is still run must not disappear.
  assertEquals(mergeColumns(merged, [column("2.0.1")]).at(-1)?.name, "2.0.1");
});

Deno.test("failed cases are listed, at most twenty", () => {
  const failures = Array.from(
    { length: 25 },
    (_, index) => `case ${index} \`x\`\n${"y".repeat(500)}`,
  );
  const text = formatDocument([column("2.1.332", { failures })]);
  assertStringIncludes(text, "- case 19 'x' yyy");
  assertStringIncludes(text, "\n- and 5 more\n");
  assert(text.length < 8000, `${text.length} characters`);
});

Deno.test("docs/compatibility.md is as its table says", () => {
  const text = read("docs/compatibility.md");
  const columns = parseColumns(text);
  assert(columns.length >= 3, `${columns.length} columns`);
  // The names of failed cases are only in the section below the table.
  const withoutFailures = text.replace(/\n## Failed\n\n(- .*\n)+/, "");
  assertEquals(formatDocument(columns), withoutFailures);
});
