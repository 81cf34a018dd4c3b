/** The startup message: four lines, and warnings with their remedies. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeStart, findWarnings } from "../../lib/cli/startup_message.ts";
import { loadConfig } from "../../lib/config.ts";

const KEY = "sk-or-v1-0123456789abcdef";
const URL_HERE = "http://127.0.0.1:8000";
/** Settings without warnings. */
const QUIET = {
  OPENROUTER_API_KEY: KEY,
  HOST: "127.0.0.1",
  TARGET_MODEL_OPUS: "auto",
  TARGET_MODEL_BIG: "auto",
  TARGET_MODEL_SMALL: "auto",
  TARGET_MODEL_DEFAULT: "auto",
};

function configure(env: Record<string, string | undefined>) {
  return loadConfig((name) => env[name]);
}

Deno.test("describeStart reports which clients are accepted on the line of the address", () => {
  const [address = ""] = describeStart(URL_HERE, configure({ OPENROUTER_API_KEY: KEY }));
  assertEquals(
    address,
    "listening on 0.0.0.0:8000, accepting local clients only; set PROXY_API_KEYS to accept remote clients",
  );
});

for (
  const [about, env, upstream, clients] of [
    [
      "a key",
      QUIET,
      "using OPENROUTER_API_KEY",
      `URL=${URL_HERE}, ANTHROPIC_AUTH_TOKEN=any-word`,
    ],
    ["no key", {}, "using each client's own key", "TOKEN=their own sk-or-… key"],
    ["proxy keys", { PROXY_API_KEYS: "secret-1" }, "own key", "TOKEN=one of PROXY_API_KEYS"],
    [
      "another server without a key",
      { UPSTREAM_DIALECT: "openai" },
      "without an API key",
      "ANTHROPIC_AUTH_TOKEN=any-word",
    ],
    ["Deno Deploy", { DENO_DEPLOY: "1" }, "own key", "URL=this app's address"],
  ] as const
) {
  Deno.test(`describeStart with ${about} shows the upstream key and the client settings, and no secret`, () => {
    const lines = describeStart(URL_HERE, configure(env));
    assertEquals(lines.length, 4);
    assertStringIncludes(lines[1] ?? "", upstream);
    assertStringIncludes(lines[3] ?? "", clients);
    assertEquals(/secret-1|0123456789abcdef/.test(lines.join()), false);
  });
}

for (
  const [about, env, warning] of [
    ["no problem", {}, null],
    [
      "no key for another server",
      { OPENROUTER_API_KEY: undefined, UPSTREAM_DIALECT: "openai" },
      null,
    ],
    ["no key", { OPENROUTER_API_KEY: undefined }, "set OPENROUTER_API_KEY=sk-or-… in .env"],
    [
      "a HOST that remote clients reach",
      { HOST: "0.0.0.0" },
      "set HOST=127.0.0.1, or PROXY_API_KEYS",
    ],
    ["a HOST for remote clients with keys", {
      HOST: "0.0.0.0",
      PROXY_API_KEYS: "secret-0123456789",
    }, null],
    [
      "a short key",
      { PROXY_API_KEYS: "secret-01234567" },
      "A key of PROXY_API_KEYS has fewer than 16",
    ],
    [
      "two short keys",
      { PROXY_API_KEYS: "a,secret-0123456789,b" },
      "2 keys of PROXY_API_KEYS have",
    ],
    ["Deno Deploy without keys", { DENO_DEPLOY: "1" }, "all get a 403: set PROXY_API_KEYS"],
    [
      "a default model",
      { TARGET_MODEL_BIG: undefined },
      "which openrouter.ai may no longer offer: set TARGET_MODEL_BIG to model ids",
    ],
    ["an http upstream", { OPENROUTER_BASE_URL: "http://example.com/v1" }, "use https"],
    ["a local http upstream", { OPENROUTER_BASE_URL: "http://localhost:1/v1" }, null],
    ["a limit", { MAX_COST_USD: "5" }, null],
    ["a limit per key", { MAX_COST_USD_PER_KEY: "5", PROXY_API_KEYS: "k".repeat(16) }, null],
    [
      "both limits at another upstream",
      {
        MAX_COST_USD: "5",
        MAX_COST_USD_PER_KEY: "1",
        PROXY_API_KEYS: "k".repeat(16),
        OPENROUTER_BASE_URL: "https://llm.example",
      },
      "MAX_COST_USD and MAX_COST_USD_PER_KEY cannot be enforced if llm.example",
    ],
    [
      "a limit at another upstream",
      { MAX_COST_USD: "5", UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: "https://llm.example" },
      "MAX_COST_USD cannot be enforced if llm.example neither reports costs nor lists prices",
    ],
    [
      "a limit at an upstream with a similar name",
      { MAX_COST_USD: "5", OPENROUTER_BASE_URL: "https://notopenrouter.ai/api/v1" },
      "MAX_COST_USD cannot be enforced if notopenrouter.ai",
    ],
  ] as const
) {
  Deno.test(`findWarnings with ${about} returns ${warning ?? "nothing"}`, () => {
    const warnings = findWarnings(configure({ ...QUIET, ...env }));
    assertEquals(warnings.length, warning === null ? 0 : 1, warnings.join("\n"));
    assertStringIncludes(warnings.join("\n"), warning ?? "");
  });
}

Deno.test("findWarnings reports that a limit without a key has no effect", () => {
  const warnings = findWarnings(
    configure({ ...QUIET, OPENROUTER_API_KEY: undefined, MAX_COST_USD: "5" }),
  );
  assertStringIncludes(warnings.join("\n"), "each client pays with its own key, without a limit");
});
