/**
 * The launcher's settings for Claude Code, without starting it: merging them, the user's options, the summary.
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  buildConnection,
  buildDirect,
  isQuiet,
  mergeSettings,
  parseSettings,
  takeSettings,
} from "../../lib/cli/claude/settings.ts";
import type { JsonObject } from "../../lib/json.ts";
import { summarizeSession } from "../../lib/cli/claude/session_summary.ts";
import { countRequest, createMetrics, createTimeline } from "../helpers/metrics.ts";
import { StartError } from "../../lib/cli/terminal.ts";
import type { RequestRecord } from "../../lib/log.ts";

const OPUS = "ANTHROPIC_DEFAULT_OPUS_MODEL";
const HAIKU = "ANTHROPIC_DEFAULT_HAIKU_MODEL";
const CLASSIFIER = "CLAUDE_CODE_AUTO_MODE_MODEL";

Deno.test("mergeSettings keeps the user's settings and models, and sets our connection", () => {
  const connection = buildConnection("http://127.0.0.1:17891", "key");
  const user = {
    model: "opus",
    permissions: { allow: ["Bash"] },
    env: {
      [OPUS]: "mine",
      [CLASSIFIER]: "mine",
      MINE: "1",
      ANTHROPIC_BASE_URL: "http://evil",
      ANTHROPIC_API_KEY: "k",
    },
  };
  const { env, ...rest } = mergeSettings(user, {
    connection,
    models: { env: { [OPUS]: "o", [HAIKU]: "h", [CLASSIFIER]: "h" }, settings: {} },
  });
  assertEquals(rest, { model: "opus", permissions: { allow: ["Bash"] } });
  assertEquals(env, {
    [OPUS]: "mine",
    [HAIKU]: "h",
    [CLASSIFIER]: "mine",
    MINE: "1",
    ...connection,
  });
  assertEquals(connection["ANTHROPIC_API_KEY"], "");
  const models = { env: {}, settings: {} };
  assertEquals(mergeSettings({ env: "nonsense" }, { connection, models }), { env: connection });
});

const MODELS = {
  env: { [OPUS]: "vendor/model", [`${OPUS}_NAME`]: "Model", [`${OPUS}_DESCRIPTION`]: "200k" },
  settings: {
    autoCompactWindow: 200_000,
    modelSettings: {
      "vendor/a": { autoCompactWindow: 200_000 },
      "vendor/b": { autoCompactWindow: 400_000 },
    },
    modelPicker: { options: [{ model: "opus", label: "Model" }] },
  },
};
const merge = (user: JsonObject) => mergeSettings(user, { connection: {}, models: MODELS });

Deno.test("mergeSettings adds windows and rows of models, and the user's take precedence", () => {
  assertEquals(merge({}), { ...MODELS.settings, env: MODELS.env });
  const picker = { options: [] };
  const own = { "vendor/b": { autoCompactWindow: 100_000 }, "vendor/c": {} };
  assertEquals(merge({ modelPicker: picker, modelSettings: own }), {
    autoCompactWindow: 200_000,
    modelPicker: picker,
    modelSettings: { "vendor/a": { autoCompactWindow: 200_000 }, ...own },
    env: MODELS.env,
  });
});

Deno.test("mergeSettings leaves out windows of single models if the user sets one for all", () => {
  const { modelPicker } = MODELS.settings;
  assertEquals(merge({ autoCompactWindow: 150_000 }), {
    autoCompactWindow: 150_000,
    modelPicker,
    env: MODELS.env,
  });
});

Deno.test("mergeSettings leaves out rows and labels if the user names other models", () => {
  const { modelPicker: _rows, ...windows } = MODELS.settings;
  assertEquals(merge({ env: { [HAIKU]: "mine" } }), {
    ...windows,
    env: { [OPUS]: "vendor/model", [HAIKU]: "mine" },
  });
});

Deno.test("buildDirect keeps the user's exemptions and adds the proxy's host once", () => {
  assertEquals(buildDirect("127.0.0.1", [{}, { NO_PROXY: "" }]), {
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  });
  const environments = [{ no_proxy: "a.example, b.example" }, { NO_PROXY: "b.example,127.0.0.1" }];
  const all = "a.example,b.example,127.0.0.1";
  assertEquals(buildDirect("127.0.0.1", [...environments, { NO_PROXY: 7 }]), {
    NO_PROXY: all,
    no_proxy: all,
  });
});

const ARGUMENTS: [args: string[], settings: string | null, rest: string[]][] = [
  [[], null, []],
  [["-p", "Hi", "--model", "opus"], null, ["-p", "Hi", "--model", "opus"]],
  [["-p", "--settings", "a.json", "Hi"], "a.json", ["-p", "Hi"]],
  [["--settings={}", "-c"], "{}", ["-c"]],
  [["--settings", "a", "--settings", "b"], "b", []],
  [["-p", "--", "--settings", "a"], null, ["-p", "--", "--settings", "a"]],
  [["-p", "--settings"], null, ["-p", "--settings"]],
];

for (const [args, settings, rest] of ARGUMENTS) {
  Deno.test(`takeSettings finds ${settings} in ${JSON.stringify(args)}`, () => {
    assertEquals(takeSettings(args), { settings, rest });
  });
}

Deno.test("parseSettings reads JSON and files, and reports others in one line", () => {
  const readFile = (path: string) => {
    if (path === "good.json") return '{"model":"opus"}';
    if (path === "bad.json") return "model: opus";
    throw new Error("no such file");
  };
  assertEquals(parseSettings("good.json", readFile), { model: "opus" });
  assertEquals(parseSettings(' {"a":1}', readFile), { a: 1 });
  const cases = {
    "bad.json": "--settings bad.json cannot be used: it must be a JSON object",
    "gone.json": "--settings gone.json cannot be read: use a file or JSON",
    "{a:": "--settings cannot be used: it must be a JSON object",
  };
  for (const [option, message] of Object.entries(cases)) {
    const error = assertThrows(() => parseSettings(option, readFile), StartError, message);
    assert(!error.message.includes("\n"));
  }
});

Deno.test("isQuiet interprets the variable as Claude Code does", () => {
  const name = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";
  for (const value of ["1", "true", 1, true]) assert(isQuiet([{}, { [name]: value }]), `${value}`);
  for (const value of ["", "0", "false", undefined]) assert(!isQuiet([{ [name]: value }]));
});

const RECORD: RequestRecord = {
  requestId: "req_1",
  method: "POST",
  path: "/v1/messages",
  status: 200,
  totalMs: 1,
  outcome: "complete",
};
const PRICED = { inputTokens: 10, outputTokens: 5, cachedTokens: 1000, costUsd: 0.01 };
const REJECTED = { status: 402, end: "billing_error", error: "no credit" };

const SUMMARIES: [records: Partial<RequestRecord>[], line: string][] = [
  [[], "no requests"],
  [[PRICED], "1 request, 1,010 tokens in, 5 out, $0.0100"],
  [[PRICED, { ...PRICED, writtenTokens: 7 }], "2 requests, 2,027 tokens in, 10 out, $0.0200"],
  [[{ ...PRICED, costUsd: 1.5 }], "1 request, 1,010 tokens in, 5 out, $1.50"],
  [[{ ...PRICED, costUsd: 0 }], "1 request, 1,010 tokens in, 5 out, $0.0000"],
  [[{ ...PRICED, costUsd: 1e-6 }], "1 request, 1,010 tokens in, 5 out, <$0.0001"],
  [[PRICED, REJECTED], "2 requests (1 failed), 1,010 tokens in, 5 out, $0.0100"],
  [[REJECTED], "1 request (1 failed), 0 tokens in, 0 out, no cost reported"],
  [[{ inputTokens: 1, outputTokens: 2 }], "1 request, 1 tokens in, 2 out, cost unknown"],
  [
    [PRICED, { outcome: "client_gone" }],
    "2 requests, 1,010 tokens in, 5 out, $0.0100 plus 1 request of unknown cost",
  ],
];

for (const [records, line] of SUMMARIES) {
  Deno.test(`summarizeSession returns: ${line} (${records.length} records)`, () => {
    const metrics = createMetrics();
    for (const record of records) countRequest(metrics, createTimeline({ ...RECORD, ...record }));
    assertEquals(summarizeSession(metrics.totals), line);
  });
}
