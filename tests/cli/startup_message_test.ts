/** What a start says: four lines, and warnings that name their cure only where there is something to cure. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeStart, findWarnings } from "../../lib/cli/startup_message.ts";
import { loadConfig } from "../../lib/config.ts";

const KEY = "sk-or-v1-0123456789abcdef";
const URL_HERE = "http://127.0.0.1:8000";
/** Settings with nothing to warn of. */
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

Deno.test("describeStart says the sentence about access on the line of the address", () => {
  const [address = ""] = describeStart(URL_HERE, configure({ OPENROUTER_API_KEY: KEY }));
  assertEquals(
    address,
    "listening on 0.0.0.0:8000, serving this machine only; set PROXY_API_KEYS to open it",
  );
});

for (
  const [about, env, upstream, clients] of [
    [
      "a key",
      QUIET,
      "paid by OPENROUTER_API_KEY",
      `URL=${URL_HERE}, ANTHROPIC_AUTH_TOKEN=any-word`,
    ],
    ["no key", {}, "paid by each client's own key", "TOKEN=an sk-or-… key of their own"],
    ["proxy keys", { PROXY_API_KEYS: "secret-1" }, "own key", "TOKEN=one of PROXY_API_KEYS"],
    ["Deno Deploy", { DENO_DEPLOY: "1" }, "own key", "URL=this app's address"],
  ] as const
) {
  Deno.test(`describeStart with ${about} shows who pays and how clients come in, and no secret`, () => {
    const lines = describeStart(URL_HERE, configure(env));
    assertEquals(lines.length, 4);
    assertStringIncludes(lines[1] ?? "", upstream);
    assertStringIncludes(lines[3] ?? "", clients);
    assertEquals(/secret-1|0123456789abcdef/.test(lines.join()), false);
  });
}

for (
  const [about, env, words] of [
    ["nothing to warn of", {}, null],
    ["no key", { OPENROUTER_API_KEY: undefined }, "put OPENROUTER_API_KEY=sk-or-… into .env"],
    ["a HOST others reach", { HOST: "0.0.0.0" }, "set HOST=127.0.0.1, or PROXY_API_KEYS"],
    ["a HOST for others", { HOST: "0.0.0.0", PROXY_API_KEYS: "secret-0123456789" }, null],
    ["a short key", { PROXY_API_KEYS: "secret-01234567" }, "a key of PROXY_API_KEYS has under 16"],
    [
      "two short keys",
      { PROXY_API_KEYS: "a,secret-0123456789,b" },
      "2 keys of PROXY_API_KEYS have",
    ],
    ["Deno Deploy without keys", { DENO_DEPLOY: "1" }, "all get a 403: set PROXY_API_KEYS"],
    ["a default model", { TARGET_MODEL_BIG: undefined }, "set TARGET_MODEL_BIG to ids"],
    ["an http upstream", { OPENROUTER_BASE_URL: "http://example.com/v1" }, "use https"],
    ["an http upstream here", { OPENROUTER_BASE_URL: "http://localhost:1/v1" }, null],
    ["a limit", { MAX_COST_USD: "5" }, null],
    [
      "a limit at another upstream",
      { MAX_COST_USD: "5", UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: "https://llm.example" },
      "MAX_COST_USD cannot hold if llm.example neither reports costs nor lists prices",
    ],
    [
      "a limit at an upstream of a like name",
      { MAX_COST_USD: "5", OPENROUTER_BASE_URL: "https://notopenrouter.ai/api/v1" },
      "MAX_COST_USD cannot hold if notopenrouter.ai",
    ],
  ] as const
) {
  Deno.test(`findWarnings with ${about} says ${words ?? "nothing"}`, () => {
    const warnings = findWarnings(configure({ ...QUIET, ...env }));
    assertEquals(warnings.length, words === null ? 0 : 1, warnings.join("\n"));
    assertStringIncludes(warnings.join("\n"), words ?? "");
  });
}

Deno.test("findWarnings says that a limit without a key limits nobody", () => {
  const warnings = findWarnings(
    configure({ ...QUIET, OPENROUTER_API_KEY: undefined, MAX_COST_USD: "5" }),
  );
  assertStringIncludes(warnings.join("\n"), "each client pays with its own key, without a limit");
});
