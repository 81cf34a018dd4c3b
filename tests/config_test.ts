/** Every variable: default, valid values, and the error for an invalid one. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Config, ConfigError, loadConfig, VARIABLES } from "../lib/config.ts";

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";
const DEFAULT_SONNET = { models: [SONNET], isDefault: true } as const;

/** The configuration with nothing set. */
const DEFAULTS: Config = {
  openrouterApiKey: null,
  baseUrl: "https://openrouter.ai/api/v1",
  targets: {
    opus: { models: [OPUS], isDefault: true },
    sonnet: DEFAULT_SONNET,
    haiku: DEFAULT_SONNET,
    fable: DEFAULT_SONNET,
    other: DEFAULT_SONNET,
  },
  appUrl: null,
  appTitle: null,
  provider: null,
  dialect: "openrouter",
  pdfEngine: "cloudflare-ai",
  imageModel: null,
  timeoutMs: 300_000,
  pingMs: 15_000,
  drainMs: 25_000,
  port: 8000,
  host: "0.0.0.0",
  proxyApiKeys: [],
  allowedOrigins: [],
  maxBodyBytes: 32 * 1024 * 1024,
  maxInflight: 256,
  workers: 1,
  maxCostUsd: null,
  maxCostUsdPerKey: null,
  capturesBodies: false,
  historyPath: null,
  historyDays: 90,
  logLevel: "info",
  logFormat: "auto",
  onDenoDeploy: false,
};

function load(env: Record<string, string>): Config {
  return loadConfig((name) => env[name]);
}

const ABOVE_0 = "a number above 0 up to 86400";
const FROM_0 = "a number from 0 up to 86400";
const URL_RULE = "an http or https URL without credentials, query or fragment";
const ORIGIN_RULE = "origins such as https://example.com, separated by commas";
const TARGET_RULE = "one model id, `auto`, or ids separated by commas";
const PROXY_KEYS_RULE = "keys of printable ASCII without spaces, separated by commas";
const OBJECT_RULE = 'a JSON object such as {"sort":"throughput"}';

/** Variable, invalid value, allowed values, and the value as shown. */
const INVALID: [name: string, value: string, allowed: string, shown?: string][] = [
  ["OPENROUTER_API_KEY", "sk-or-v1 secret", "printable ASCII without spaces", "(hidden)"],
  ["OPENROUTER_API_KEY", "sk-or-v1-secret\nx", "printable ASCII without spaces", "(hidden)"],
  ["OPENROUTER_API_KEY", "sk-or-v1-secrét", "printable ASCII without spaces", "(hidden)"],
  ["OPENROUTER_BASE_URL", "openrouter.ai", URL_RULE],
  ["OPENROUTER_BASE_URL", "localhost:8080", URL_RULE],
  ["OPENROUTER_BASE_URL", "ftp://openrouter.ai", URL_RULE],
  ["OPENROUTER_BASE_URL", "file:///etc/passwd", URL_RULE],
  ["OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1?key=1", URL_RULE],
  ["OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1#x", URL_RULE],
  [
    "OPENROUTER_BASE_URL",
    "https://me:secret@openrouter.ai",
    URL_RULE,
    "(hidden: it carries credentials)",
  ],
  ["OPENROUTER_BASE_URL", "https://me@openrouter.ai", URL_RULE, "(hidden: it carries credentials)"],
  ["OPENROUTER_APP_URL", "https://exämple.com", "printable ASCII"],
  ["OPENROUTER_APP_TITLE", "a\r\nauthorization: x", "printable ASCII"],
  ["OPENROUTER_PROVIDER", "throughput", OBJECT_RULE],
  ["OPENROUTER_PROVIDER", '["a"]', OBJECT_RULE],
  ["OPENROUTER_PROVIDER", "null", OBJECT_RULE],
  ["OPENROUTER_PROVIDER", "{'sort':'price'}", OBJECT_RULE],
  ["TIMEOUT_S", "0", ABOVE_0],
  ["TIMEOUT_S", "-1", ABOVE_0],
  ["TIMEOUT_S", "5m", ABOVE_0],
  ["TIMEOUT_S", "1e3", ABOVE_0],
  ["TIMEOUT_S", "0x10", ABOVE_0],
  ["TIMEOUT_S", "Infinity", ABOVE_0],
  ["TIMEOUT_S", "86401", ABOVE_0],
  ["TIMEOUT_S", "1,5", ABOVE_0],
  ["PING_S", "0", ABOVE_0],
  ["PING_S", "NaN", ABOVE_0],
  ["DRAIN_S", "-1", FROM_0],
  ["DRAIN_S", "soon", FROM_0],
  ["PORT", "abc", "a whole number from 0 up to 65535"],
  ["PORT", "70000", "a whole number from 0 up to 65535"],
  ["PORT", "-1", "a whole number from 0 up to 65535"],
  ["PORT", "80.5", "a whole number from 0 up to 65535"],
  ["ALLOWED_ORIGINS", "*", ORIGIN_RULE],
  ["ALLOWED_ORIGINS", "null", ORIGIN_RULE],
  ["ALLOWED_ORIGINS", "example.com", ORIGIN_RULE],
  ["ALLOWED_ORIGINS", "https://example.com/app", ORIGIN_RULE],
  ["ALLOWED_ORIGINS", "file:///x", ORIGIN_RULE],
  ["MAX_BODY_MB", "0", "a number above 0 up to 1024"],
  ["MAX_BODY_MB", "32MB", "a number above 0 up to 1024"],
  ["MAX_BODY_MB", "1025", "a number above 0 up to 1024"],
  ["MAX_INFLIGHT", "0", "a whole number above 0 up to 1000000"],
  ["MAX_INFLIGHT", "1.5", "a whole number above 0 up to 1000000"],
  ["WORKERS", "0", "a whole number above 0 up to 64"],
  ["WORKERS", "65", "a whole number above 0 up to 64"],
  ["MAX_COST_USD", "0", "a number above 0 up to 1000000000"],
  ["MAX_COST_USD", "$5", "a number above 0 up to 1000000000"],
  ["MAX_COST_USD_PER_KEY", "0", "a number above 0 up to 1000000000"],
  ["INSPECT", "maybe", "0 or 1 (also false or true)"],
  ["HISTORY", ":memory:", "the path of a file"],
  ["HISTORY", "file:history.db?mode=memory", "the path of a file"],
  ["HISTORY", "history\u0000.db", "the path of a file"],
  ["HISTORY_DAYS", "0", "a whole number above 0 up to 3650"],
  ["HISTORY_DAYS", "1.5", "a whole number above 0 up to 3650"],
  ["UPSTREAM_DIALECT", "ollama", "openrouter, openai, anthropic, auto"],
  ["PDF_ENGINE", "pdf-text", "cloudflare-ai, mistral-ocr, native"],
  ["IMAGE_MODEL", "a/b,c/d", "one model id such as vendor/model"],
  ["IMAGE_MODEL", "auto", "one model id such as vendor/model"],
  ["IMAGE_MODEL", "a b", "one model id such as vendor/model"],
  ["IMAGE_MODEL", "llava", "a model id of OpenRouter, vendor/model"],
  ["PROXY_API_KEYS", "a key", PROXY_KEYS_RULE, "(hidden)"],
  ["PROXY_API_KEYS", "sécret", PROXY_KEYS_RULE, "(hidden)"],
  ["PROXY_API_KEYS", ",", PROXY_KEYS_RULE, "(hidden)"],
  ["LOG_LEVEL", "trace", "debug, info, warn, error"],
  ["LOG_LEVEL", "LOUD", "debug, info, warn, error"],
  ["LOG_FORMAT", "xml", "auto, text, json"],
  ...["OPUS", "BIG", "SMALL", "FABLE", "DEFAULT"].flatMap((
    family,
  ): [string, string, string][] => [
    [`TARGET_MODEL_${family}`, ",", TARGET_RULE],
    [`TARGET_MODEL_${family}`, "openai/gpt 5", TARGET_RULE],
    [`TARGET_MODEL_${family}`, '"openai/gpt-5"', TARGET_RULE],
    [`TARGET_MODEL_${family}`, "openai/gpt-5,auto", TARGET_RULE],
  ]),
];

for (const [name, value, allowed, shown = value] of INVALID) {
  Deno.test(`loadConfig rejects ${name}=${JSON.stringify(value)} and says what is allowed`, () => {
    const error = assertThrows(() => load({ [name]: value }), ConfigError);
    const expected = `${name}=${JSON.stringify(shown)} cannot be used: allowed is ${allowed}`;
    assertEquals(error.message, expected);
  });
}

Deno.test("every variable except HOST, which the system validates, has an invalid value in the table", () => {
  const covered = new Set(INVALID.map(([name]) => name));
  const missing = VARIABLES.map(({ name }) => name).filter((name) => !covered.has(name));
  assertEquals(missing, ["HOST"]);
});

Deno.test("loadConfig rejects a limit per key without keys, and names both variables", () => {
  for (const env of [{}, { PROXY_API_KEYS: "" }, { PROXY_API_KEYS: " " }]) {
    const error = assertThrows(() => load({ MAX_COST_USD_PER_KEY: "5", ...env }), ConfigError);
    assertMatch(error.message, /^MAX_COST_USD_PER_KEY cannot be used without PROXY_API_KEYS/);
  }
});

Deno.test("loadConfig names the invalid origin of a list", () => {
  const env = { ALLOWED_ORIGINS: "https://a.example, b.example" };
  const error = assertThrows(() => load(env), ConfigError);
  assertEquals(
    error.message,
    `ALLOWED_ORIGINS="b.example" cannot be used: allowed is ${ORIGIN_RULE}`,
  );
});

Deno.test("loadConfig hides credentials in an invalid base URL", () => {
  const env = { OPENROUTER_BASE_URL: "https://me:hunter2@openrouter.ai:99999/api" };
  const error = assertThrows(() => load(env), ConfigError);
  assertEquals(error.message.includes("hunter2"), false, error.message);
});

Deno.test("loadConfig shows only the start of a long value, on one line", () => {
  const error = assertThrows(() => load({ PORT: `8\n${"0".repeat(500)}` }), ConfigError);
  assertEquals(error.message.length < 200, true);
  assertEquals(error.message.includes("\n"), false);
});

Deno.test("loadConfig has a default for every setting", () => {
  assertEquals(load({}), DEFAULTS);
});

for (const variable of VARIABLES) {
  Deno.test(`loadConfig treats a blank ${variable.name}, or one equal to its default, as unset`, () => {
    assertEquals(load({ [variable.name]: "" }), DEFAULTS);
    assertEquals(load({ [variable.name]: " \t" }), DEFAULTS);
    assertEquals(load({ [variable.name]: variable.default }), DEFAULTS);
    assertEquals(load({ [variable.name]: ` ${variable.default} ` }), DEFAULTS);
  });
}

const VALID: [env: Record<string, string>, expected: Partial<Config>][] = [
  [{ OPENROUTER_API_KEY: " sk-or-v1-x \n" }, { openrouterApiKey: "sk-or-v1-x" }],
  [{ IMAGE_MODEL: " vendor/vision:free " }, { imageModel: "vendor/vision:free" }],
  [{ IMAGE_MODEL: "llava:7b", UPSTREAM_DIALECT: "openai" }, {
    imageModel: "llava:7b",
    dialect: "openai",
  }],
  [{ OPENROUTER_BASE_URL: "http://127.0.0.1:9/v1/" }, { baseUrl: "http://127.0.0.1:9/v1" }],
  [{ OPENROUTER_BASE_URL: "https://x.example///" }, { baseUrl: "https://x.example" }],
  [{ OPENROUTER_APP_URL: "https://me.example/" }, { appUrl: "https://me.example/" }],
  [{ OPENROUTER_APP_TITLE: "My proxy (1)" }, { appTitle: "My proxy (1)" }],
  [{ OPENROUTER_PROVIDER: '{"only":["a"]}' }, { provider: { only: ["a"] } }],
  [{ TIMEOUT_S: "0.05" }, { timeoutMs: 50 }],
  [{ TIMEOUT_S: "86400" }, { timeoutMs: 86_400_000 }],
  [{ PING_S: "1.5" }, { pingMs: 1500 }],
  [{ DRAIN_S: "0" }, { drainMs: 0 }],
  [{ PORT: "0" }, { port: 0 }],
  [{ PORT: "65535" }, { port: 65_535 }],
  [{ HOST: "::1" }, { host: "::1" }],
  [{ PROXY_API_KEYS: " a , b,,c " }, { proxyApiKeys: ["a", "b", "c"] }],
  [{ ALLOWED_ORIGINS: "https://a.example/, http://localhost:3000" }, {
    allowedOrigins: ["https://a.example", "http://localhost:3000"],
  }],
  [{ MAX_BODY_MB: "0.5" }, { maxBodyBytes: 512 * 1024 }],
  [{ MAX_INFLIGHT: "1" }, { maxInflight: 1 }],
  [{ WORKERS: "64" }, { workers: 64 }],
  [{ MAX_COST_USD: "2.5" }, { maxCostUsd: 2.5 }],
  [
    { MAX_COST_USD_PER_KEY: "0.5", PROXY_API_KEYS: "a" },
    { maxCostUsdPerKey: 0.5, proxyApiKeys: ["a"] },
  ],
  [{ INSPECT: "1" }, { capturesBodies: true }],
  [{ HISTORY: "/var/lib/claudeproxy/history.db" }, {
    historyPath: "/var/lib/claudeproxy/history.db",
  }],
  [{ HISTORY_DAYS: "30" }, { historyDays: 30 }],
  [{ LOG_LEVEL: "DEBUG" }, { logLevel: "debug" }],
  [{ LOG_FORMAT: "text" }, { logFormat: "text" }],
  [{ DENO_DEPLOY: "1" }, { onDenoDeploy: true }],
  [{ DENO_DEPLOY: " " }, { onDenoDeploy: false }],
];

for (const [env, expected] of VALID) {
  Deno.test(`loadConfig reads ${JSON.stringify(env)}`, () => {
    assertEquals(load(env), { ...DEFAULTS, ...expected });
  });
}

Deno.test("loadConfig reads each target, and uses DEFAULT for fable unless FABLE is set", () => {
  const { targets } = load({
    TARGET_MODEL_OPUS: "a/opus",
    TARGET_MODEL_BIG: "a/big, b/big ,c/big",
    TARGET_MODEL_SMALL: "auto",
    TARGET_MODEL_DEFAULT: "@preset/mine",
  });
  assertEquals(targets, {
    opus: { models: ["a/opus"], isDefault: false },
    sonnet: { models: ["a/big", "b/big", "c/big"], isDefault: false },
    haiku: { models: ["auto"], isDefault: false },
    fable: { models: ["@preset/mine"], isDefault: false },
    other: { models: ["@preset/mine"], isDefault: false },
  });
  assertEquals(load({ TARGET_MODEL_FABLE: "a/fable" }).targets, {
    ...DEFAULTS.targets,
    fable: { models: ["a/fable"], isDefault: false },
  });
});

Deno.test("loadConfig treats a target list that starts with its default as set", () => {
  const { targets } = load({ TARGET_MODEL_BIG: `${SONNET},openai/gpt-5` });
  assertEquals(targets.sonnet, { models: [SONNET, "openai/gpt-5"], isDefault: false });
});

for (
  const [text, expected] of [["true", true], ["ON", true], ["yes", true], ["False", false]] as const
) {
  Deno.test(`loadConfig reads INSPECT=${text} as ${expected}`, () => {
    assertEquals(
      loadConfig((name) => name === "INSPECT" ? text : undefined).capturesBodies,
      expected,
    );
  });
}
