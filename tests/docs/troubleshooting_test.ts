/**
 * The lists of docs/troubleshooting.md have an entry for every error message and every warning, and no other entries. The
 * messages come from the code, or are those of Claude Code and OpenRouter. Every message in the code also has a test of
 * its wording.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { describeFlag } from "../../lib/cli/environment.ts";
import { CLAUDE_CODE_MESSAGES } from "../helpers/claude_code_messages.ts";
import { MESSAGES } from "../helpers/client_messages.ts";
import { read, readRows, readSection } from "../helpers/documents.ts";
import { listFiles, readOtherErrors, readTemplates } from "../helpers/message_templates.ts";
import { WARNINGS } from "../helpers/warning_messages.ts";

interface Row {
  text: string;
  pattern: RegExp;
  fix: string;
}

/** One row for each message: an entry has lines with a message each, which end in a backslash, and what to do. */
function readEntries(markdown: string): Row[] {
  const entries = markdown.matchAll(/^- ((?:`[^\n]*\\\n {2})+)((?:[^\n]+\n)+?)(?=- |\n)/gm);
  return [...entries].flatMap(([, messages = "", fix = ""]) =>
    [...messages.matchAll(/`([^`]+)`[^\n]*\\\n/g)].map(([, text = ""]) => ({
      text,
      pattern: toPattern(text),
      fix: fix.trim(),
    }))
  );
}

const troubleshooting = read("docs/troubleshooting.md");
const rows = readEntries(troubleshooting);

/** `…` matches any text. The message may be longer. */
function toPattern(text: string): RegExp {
  const parts = text.split("…").map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}`);
}

const used = new Set<string>();

function findRow(message: string): Row | undefined {
  const row = rows.find(({ pattern }) => pattern.test(message));
  if (row !== undefined) used.add(row.text);
  return row;
}

Deno.test("every entry of docs/troubleshooting.md has a message and a fix", () => {
  const lines = [...troubleshooting.matchAll(/^(?:- | {2})`.*\\$/gm)];
  assertEquals(rows.length, lines.length, "an entry has another form");
  assert(rows.length >= 130, `only ${rows.length} messages: the scan is broken`);
  for (const { text, fix } of rows) {
    const longest = Math.max(...text.split("…").map((part) => part.trim().length));
    assert(longest >= 12, `too short to search for: ${text}`);
    assert(fix.length >= 8, `no fix: ${text}`);
  }
  assertEquals(rows.length, new Set(rows.map(({ text }) => text)).size, "duplicate message");
});

Deno.test("the errors in README are entries of docs/troubleshooting.md", () => {
  const messages = readRows(readSection(read("README.md"), "## When something goes wrong"))
    .map(([message = ""]) => message.replaceAll("`", ""));
  assertEquals(messages.length, 5);
  for (const message of messages) {
    assert(rows.some(({ text }) => toPattern(message).test(text)), message);
  }
});

// --- messages to clients, and warnings ---

for (const [situation, produce] of Object.entries(MESSAGES)) {
  Deno.test(`docs/troubleshooting.md has a fix for the message after ${situation}`, async () => {
    const message = await produce();
    assert(findRow(message) !== undefined, `no entry for “${message}”`);
  });
}

for (const [name, message] of Object.entries(CLAUDE_CODE_MESSAGES)) {
  Deno.test(`docs/troubleshooting.md has a fix for Claude Code's own message: ${name}`, () => {
    const row = rows.find(({ text }) => text.includes(message) || toPattern(text).test(message));
    assert(row !== undefined, message);
    used.add(row.text);
  });
}

for (const [situation, produce] of Object.entries(WARNINGS)) {
  Deno.test(`docs/troubleshooting.md has an entry for the warning about ${situation}`, () => {
    const warnings = produce();
    assert(warnings.length > 0, "there is no warning");
    for (const warning of warnings) {
      assert(warning !== null && findRow(warning) !== undefined, `no entry for “${warning}”`);
    }
  });
}

// --- all messages in the code ---

/** The reports of `check` say themselves what to do. Of the rest, each is a part of another message. */
const WITHOUT_ENTRY = [
  /^lib\/cli\/check\//,
  /^lib\/cli\/claude\/preflight\.ts No model list in time/,
  /^lib\/openrouter\/errors\.ts \$\{report\.message\}/,
];
const templates = readTemplates().filter(({ source, text }) =>
  !WITHOUT_ENTRY.some((pattern) => pattern.test(`${source} ${text}`))
);
/** The entry for all messages about a place in the request. */
const PLACE = "messages.0.role: Field required";

/** Errors with the message of another error or of upstream, which the tables above produce. */
const OTHER_ERRORS: readonly string[] = [
  'lib/anthropic/field.ts path === "" ? problem : `${path}: ${problem}`);',
  "lib/cli/environment.ts error.message, { cause: error });",
  "lib/openrouter/errors.ts overflow);",
  "lib/openrouter/errors.ts report.message);",
  "lib/openrouter/errors.ts type, message, { headers, status });",
  "lib/openrouter/errors.ts type, report.message + hint);",
  "lib/routes/history.ts cause.message, { cause });",
];

/** Values of placeholders that affect the search. */
const PLACEHOLDERS: Readonly<Record<string, readonly string[]>> = {
  "describeFlag(address)": [describeFlag("127.0.0.2:80")],
  "JSON.stringify(shown)": ['"x"'],
  problem: ["is not installed", "cannot be run"],
  variable: ["TARGET_MODEL_BIG"],
  method: ["POST"],
  path: ["/v1/v1/messages"],
};

/** The template with values for its placeholders: several results if one has several values. */
function fill(text: string): string[] {
  const placeholder = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/.exec(text);
  if (placeholder === null) return [text];
  const values = PLACEHOLDERS[placeholder[1]?.trim() ?? ""] ?? ["x"];
  return values.flatMap((value) => fill(text.replace(placeholder[0], () => value)));
}

Deno.test("the messages in the source files are found", () => {
  assert(templates.length >= 110, `only ${templates.length}: the scan is broken`);
});

Deno.test("every error of the code has its message in a place that is searched", () => {
  const found = new Set(readOtherErrors().map(({ source, text }) => `${source} ${text}`));
  assertEquals([...found].sort(), OTHER_ERRORS.toSorted());
});

for (const { source, text } of templates) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`docs/troubleshooting.md has a fix for “${name}” (${source})`, () => {
    for (const message of fill(text)) {
      const row = findRow(message) ?? (/^[\w.]+: /.test(message) ? findRow(PLACE) : undefined);
      assert(row !== undefined, message);
    }
  });
}

const OWN_FILES = /(troubleshooting|commands)_test\.ts$/;
const tests = listFiles("tests")
  .filter((path) => path.endsWith("_test.ts") && !OWN_FILES.test(path)).map(read).join("\n");

/** Phrases to search for in the tests: three consecutive words of each form, or all of a short text. */
function listPhrases(text: string): string[][] {
  const isKnown = (name: string) => PLACEHOLDERS[name] !== undefined;
  const withoutUnknown = text.replaceAll(
    /\$\{((?:[^{}]|\{[^{}]*\})*)\}/g,
    (placeholder, name: string) => isKnown(name) ? placeholder : "\n",
  );
  return fill(withoutUnknown).map((form) => form.split("\n").flatMap(toPhrases));
}

function toPhrases(line: string): string[] {
  const words = line.split(/\s+/).filter((word) => /\w/.test(word));
  const runs = words.slice(2).map((_, at) => words.slice(at, at + 3).join(" "));
  return (runs.length > 0 ? runs : [words.join(" ")])
    .map((run) => run.replace(/[:;,.]$/, "")).filter((run) => run.length >= 12);
}

/** Where a message ends a start or rejects a client. */
const TESTED =
  /^(main\.ts|lib\/cli\/.*|lib\/config(_parsers|_aliases)?\.ts|lib\/auth\.ts|lib\/routes\/budget\.ts)$/;

for (const { source, text } of templates.filter(({ source }) => TESTED.test(source))) {
  const name = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  Deno.test(`a test checks the message “${name}” (${source})`, () => {
    for (const phrases of listPhrases(text)) {
      const isTested = phrases.some((phrase) => tests.includes(phrase));
      assert(isTested, `no test has one of: ${phrases.join(" | ")}`);
    }
  });
}

/** Messages of Claude Code and of the runtime, and one of which the code has only a part. */
const OTHER_MESSAGES = [
  "[claude-code:unrecognized_model] …",
  'Import "@std/…" not a dependency',
  "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC is set: …",
];

Deno.test("every entry of docs/troubleshooting.md is about a message that exists", () => {
  const stale = rows.map(({ text }) => text).filter((text) => !used.has(text));
  assertEquals(stale, OTHER_MESSAGES);
});
