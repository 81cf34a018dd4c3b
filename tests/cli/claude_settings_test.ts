/**
 * The launcher's settings for Claude Code, without starting it: models, context lengths, merging, the summary.
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  buildConnection,
  buildDirect,
  buildModels,
  isQuiet,
  mergeSettings,
  parseSettings,
  takeSettings,
} from "../../lib/cli/claude/settings.ts";
import { summarizeSession } from "../../lib/cli/claude/session_summary.ts";
import { countRequest, createMetrics, createTimeline } from "../helpers/metrics.ts";
import { StartError } from "../../lib/cli/terminal.ts";
import { loadConfig } from "../../lib/config.ts";
import type { RequestRecord } from "../../lib/log.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";

const OPUS = "ANTHROPIC_DEFAULT_OPUS_MODEL";
const SONNET = "ANTHROPIC_DEFAULT_SONNET_MODEL";
const HAIKU = "ANTHROPIC_DEFAULT_HAIKU_MODEL";
const FABLE = "ANTHROPIC_DEFAULT_FABLE_MODEL";
const CLASSIFIER = "CLAUDE_CODE_AUTO_MODE_MODEL";
const SERVER_CLASSIFIER = "CLAUDE_CODE_AUTO_MODE_SERVER";
const WINDOW = "CLAUDE_CODE_AUTO_COMPACT_WINDOW";
const DEFAULT_SONNET = "anthropic/claude-sonnet-4-20250514";

const SIZES: Record<string, number> = {
  "z-ai/glm-5": 202_752,
  "openai/gpt-5": 400_000,
  "vendor/huge": 2_000_000,
  "vendor/small": 65_536,
  "local-model": 131_072,
};

/** Builds the variables for models; targets that are not given are `auto`. */
function build(env: Record<string, string>, sizes = SIZES) {
  const all: Record<string, string> = {
    TARGET_MODEL_OPUS: "auto",
    TARGET_MODEL_BIG: "auto",
    TARGET_MODEL_SMALL: "auto",
    TARGET_MODEL_DEFAULT: "auto",
    ...env,
  };
  const { targets } = loadConfig((name) => all[name]);
  const known = {
    find: (id: string) => id in sizes ? { contextLength: sizes[id] } : undefined,
    suggestModels: (id: string) => Object.keys(sizes).filter((one) => one[0] === id[0]),
  };
  return { targets, ...buildModels(targets, known) };
}

const MODELS: {
  name: string;
  env: Record<string, string>;
  expected: Record<string, string>;
}[] = [
  {
    name: "names the mapped models, and compacts at the smallest of their context lengths",
    env: {
      TARGET_MODEL_OPUS: "openai/gpt-5",
      TARGET_MODEL_BIG: "z-ai/glm-5",
      TARGET_MODEL_SMALL: "vendor/huge",
      TARGET_MODEL_DEFAULT: "openai/gpt-5",
    },
    expected: {
      [OPUS]: "openai/gpt-5[1m]",
      [SONNET]: "z-ai/glm-5[1m]",
      [HAIKU]: "vendor/huge[1m]",
      [CLASSIFIER]: "vendor/huge[1m]",
      [FABLE]: "openai/gpt-5[1m]",
      [WINDOW]: "202752",
    },
  },
  {
    name: "limits the window to Claude Code's maximum",
    env: { TARGET_MODEL_OPUS: "vendor/huge" },
    expected: { [OPUS]: "vendor/huge[1m]", [WINDOW]: "1000000" },
  },
  { name: "keeps the names of a family with auto", env: {}, expected: {} },
  {
    name: "keeps the names of a family whose default is not in the catalog",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_BIG: DEFAULT_SONNET },
    expected: { [OPUS]: "z-ai/glm-5[1m]", [WINDOW]: "202752" },
  },
  {
    name: "sets no windows if a context length is unknown",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_BIG: "zed/unheard-of" },
    expected: { [OPUS]: "z-ai/glm-5", [SONNET]: "zed/unheard-of" },
  },
  {
    name: "uses a mapped name for a list, and the smallest of its context lengths",
    env: { TARGET_MODEL_BIG: "openai/gpt-5,z-ai/glm-5" },
    expected: { [SONNET]: "claude-sonnet[1m]", [WINDOW]: "202752" },
  },
  {
    name: "uses a mapped name for a target with settings, which its id would not have",
    env: { TARGET_MODEL_BIG: "z-ai/glm-5;temperature=0.2" },
    expected: { [SONNET]: "claude-sonnet[1m]", [WINDOW]: "202752" },
  },
  {
    name: "uses a mapped name for an id without a slash",
    env: { TARGET_MODEL_SMALL: "local-model" },
    expected: { [HAIKU]: "claude-haiku[1m]", [CLASSIFIER]: "claude-haiku[1m]", [WINDOW]: "131072" },
  },
  {
    name:
      "gives auto mode's classifier the haiku target without a window if a context length is unknown",
    env: { TARGET_MODEL_SMALL: "z-ai/glm-5", TARGET_MODEL_BIG: "zed/unheard-of" },
    expected: { [HAIKU]: "z-ai/glm-5", [CLASSIFIER]: "z-ai/glm-5", [SONNET]: "zed/unheard-of" },
  },
  {
    name: "gives the classifier a mapped name if the haiku default is not in the catalog",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_SMALL: DEFAULT_SONNET },
    expected: { [OPUS]: "z-ai/glm-5[1m]", [CLASSIFIER]: "claude-haiku", [WINDOW]: "202752" },
  },
];

for (const { name, env, expected } of MODELS) {
  Deno.test(`buildModels ${name}`, () => {
    const built = build(env);
    assertEquals(built.env, {
      [SERVER_CLASSIFIER]: "0",
      [CLASSIFIER]: "claude-haiku",
      ...expected,
    });
    const names = {
      [OPUS]: "claude-opus-4-5",
      [SONNET]: "claude-sonnet-4-5",
      [HAIKU]: "claude-haiku-4-5",
      [FABLE]: "claude-fable-4-5",
      [CLASSIFIER]: "claude-haiku",
    };
    for (const [variable, name] of Object.entries(names)) {
      const id = built.env[variable];
      if (id === undefined) continue;
      const resolve = (model: string) =>
        resolveModel(model, built, new UnavailableDefaults()).models;
      assertEquals(resolve(id), resolve(name), `${id} has another target`);
    }
  });
}

Deno.test("buildModels warns of a context length below Claude Code's minimum", () => {
  const { env, notes } = build({ TARGET_MODEL_OPUS: "vendor/small" });
  assertEquals(env, {
    [OPUS]: "vendor/small[1m]",
    [SERVER_CLASSIFIER]: "0",
    [CLASSIFIER]: "claude-haiku",
    [WINDOW]: "100000",
  });
  assertEquals(notes.length, 1);
  assertStringIncludes(notes[0] ?? "", "vendor/small has a context of 65,536 tokens");
  assertStringIncludes(notes[0] ?? "", "100,000");
});

Deno.test("buildModels suggests the closest ids for an unknown one, and has no notes otherwise", () => {
  const { notes } = build({ TARGET_MODEL_OPUS: "zed/unheard-of" });
  assertEquals(notes.length, 1);
  assertStringIncludes(
    notes[0] ?? "",
    "zed/unheard-of is unknown (closest ids: z-ai/glm-5)",
  );
  assertEquals(build({ TARGET_MODEL_OPUS: "z-ai/glm-5" }).notes, []);
});

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
    models: { [OPUS]: "o", [HAIKU]: "h", [CLASSIFIER]: "h" },
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
  assertEquals(mergeSettings({ env: "nonsense" }, { connection, models: {} }), { env: connection });
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
