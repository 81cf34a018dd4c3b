/** The startup message: lines about the proxy and for its clients, and warnings with their remedies. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeClient, describeStart, findWarnings } from "../../lib/cli/startup_message.ts";
import { toLocalUrl } from "../../lib/cli/serve.ts";
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

const OWN_MODELS = {
  TARGET_MODEL_OPUS: "m",
  TARGET_MODEL_BIG: "m",
  TARGET_MODEL_SMALL: "m",
  TARGET_MODEL_DEFAULT: "m",
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
  const [about, env, upstream, dashboard, token] of [
    ["a key", QUIET, "using OPENROUTER_API_KEY", URL_HERE, "any-word"],
    ["no key", {}, "using each client's own key", URL_HERE, "sk-or-…"],
    ["proxy keys", { PROXY_API_KEYS: "secret-1" }, "own key", URL_HERE, "KEY"],
    [
      "another server without a key",
      { UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: "http://localhost:11434/v1" },
      "http://localhost:11434/v1, without an API key",
      URL_HERE,
      "any-word",
    ],
    ["Deno Deploy", { DENO_DEPLOY: "1" }, "own key", "https://your-app.deno.net", "sk-or-…"],
  ] as const
) {
  Deno.test(`with ${about} the startup message shows upstream, dashboard and client settings, and no secret`, () => {
    const config = configure(env);
    const lines = describeStart(URL_HERE, config);
    assertEquals(lines.length, 4);
    assertStringIncludes(lines[1] ?? "", upstream);
    assertEquals(lines[3], `dashboard    ${dashboard}`);
    const client = describeClient(URL_HERE, config);
    assertEquals(client, [`ANTHROPIC_BASE_URL=${dashboard}`, `ANTHROPIC_AUTH_TOKEN=${token}`]);
    assertEquals(/secret-1|0123456789abcdef/.test([...lines, ...client].join()), false);
  });
}

for (
  const [hostname, port, url, listening] of [
    ["0.0.0.0", 8000, "http://127.0.0.1:8000", "0.0.0.0:8000"],
    ["127.0.0.1", 80, "http://127.0.0.1", "127.0.0.1:80"],
    ["0.0.0.0", 443, "http://127.0.0.1:443", "0.0.0.0:443"],
    ["::1", 8000, "http://[::1]:8000", "[::1]:8000"],
    ["::1", 80, "http://[::1]", "[::1]:80"],
    ["::", 8000, "http://localhost:8000", "[::]:8000"],
    ["192.168.0.7", 8000, "http://192.168.0.7:8000", "192.168.0.7:8000"],
  ] as const
) {
  Deno.test(`HOST=${hostname} with PORT=${port} is shown as ${listening} and ${url}`, () => {
    assertEquals(toLocalUrl({ transport: "tcp", hostname, port }), url);
    const [line = ""] = describeStart(url, configure({ ...QUIET, HOST: hostname }));
    assertStringIncludes(line, `listening on ${listening}, `);
  });
}

Deno.test("describeStart shows where each target goes, and its settings", () => {
  const [, , models] = describeStart(
    URL_HERE,
    configure({
      ...QUIET,
      UPSTREAM_DIALECT: "auto",
      TARGET_MODEL_BIG: "openai/gpt-6",
      TARGET_MODEL_SMALL: "openai/gpt-6;provider.order=a,b;temperature=0.2",
    }),
  );
  assertEquals(
    models?.replace(/^models +/, ""),
    "opus, fable, other → auto via /messages; sonnet → openai/gpt-6; " +
      "haiku → openai/gpt-6 (provider.order=a,b, temperature=0.2)",
  );
});

for (
  const [about, env, warning] of [
    ["no problem", {}, null],
    ["a HOST that remote clients reach, where they get a 403", { HOST: "0.0.0.0" }, null],
    [
      "no key for another server",
      {
        OPENROUTER_API_KEY: undefined,
        UPSTREAM_DIALECT: "openai",
        OPENROUTER_BASE_URL: "http://localhost:11434/v1",
        ...OWN_MODELS,
      },
      null,
    ],
    [
      "Claude models for another server",
      {
        OPENROUTER_API_KEY: undefined,
        UPSTREAM_DIALECT: "openai",
        OPENROUTER_BASE_URL: "http://localhost:11434/v1",
        TARGET_MODEL_BIG: undefined,
      },
      "localhost:11434 has its own model names: set TARGET_MODEL_OPUS, TARGET_MODEL_SMALL, " +
      "TARGET_MODEL_DEFAULT, TARGET_MODEL_BIG to them",
    ],
    [
      "no key for OpenRouter as an OpenAI-compatible server",
      { OPENROUTER_API_KEY: undefined, UPSTREAM_DIALECT: "openai" },
      "OpenRouter needs an API key: create one at https://openrouter.ai/settings/keys",
    ],
    ["no key", { OPENROUTER_API_KEY: undefined }, "set OPENROUTER_API_KEY=sk-or-… in .env"],
    [
      "no key and default models",
      { OPENROUTER_API_KEY: undefined, TARGET_MODEL_BIG: undefined },
      "set OPENROUTER_API_KEY=sk-or-… in .env",
    ],
    [
      "no key for a server that is not OpenRouter",
      { OPENROUTER_API_KEY: undefined, OPENROUTER_BASE_URL: "http://localhost:11434/v1" },
      "if localhost:11434 needs none, set UPSTREAM_DIALECT=openai; else set OPENROUTER_API_KEY",
    ],
    [
      "a key of Anthropic",
      { OPENROUTER_API_KEY: "sk-ant-api03-0123456789abcdef" },
      "OPENROUTER_API_KEY is a key of Anthropic, which OpenRouter rejects: create one at",
    ],
    [
      "another key",
      { OPENROUTER_API_KEY: "sk-proj-0123456789abcdef" },
      "OPENROUTER_API_KEY does not begin with sk-or- like OpenRouter's keys: create one at",
    ],
    [
      "another key for another server",
      { OPENROUTER_API_KEY: "sk-proj-1", OPENROUTER_BASE_URL: "https://llm.example" },
      null,
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
    [
      "an http upstream",
      { OPENROUTER_BASE_URL: "http://example.com/v1" },
      "is sent unencrypted: use https in",
    ],
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
      {
        MAX_COST_USD: "5",
        UPSTREAM_DIALECT: "openai",
        OPENROUTER_BASE_URL: "https://llm.example",
        ...OWN_MODELS,
      },
      "MAX_COST_USD cannot be enforced if llm.example neither reports costs nor lists prices",
    ],
    ["Claude's own features", { UPSTREAM_DIALECT: "auto" }, null],
    [
      "a list of Claude models with Claude's own features",
      { UPSTREAM_DIALECT: "auto", TARGET_MODEL_BIG: "auto,anthropic/claude-opus-4.8" },
      null,
    ],
    [
      "a list of Claude and other models",
      { UPSTREAM_DIALECT: "auto", TARGET_MODEL_BIG: "auto,openai/gpt-6" },
      "TARGET_MODEL_BIG: all of auto, openai/gpt-6 are translated, because one of them is not a Claude",
    ],
    ["such a list that is translated anyway", { TARGET_MODEL_BIG: "auto,openai/gpt-6" }, null],
    [
      "settings that the openai dialect cannot send",
      {
        UPSTREAM_DIALECT: "openai",
        TARGET_MODEL_SMALL: "m;provider.sort=price;top_k=5;temperature=1",
      },
      "TARGET_MODEL_SMALL: UPSTREAM_DIALECT=openai cannot send provider.sort=price, top_k=5",
    ],
    [
      "settings that the openai dialect can send",
      { UPSTREAM_DIALECT: "openai", TARGET_MODEL_SMALL: "m;temperature=1;max_tokens=9" },
      null,
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
    assertEquals(/0123456789abcdef/.test(warnings.join()), false);
  });
}

Deno.test("findWarnings reports that a limit without a key has no effect", () => {
  const warnings = findWarnings(
    configure({ ...QUIET, OPENROUTER_API_KEY: undefined, MAX_COST_USD: "5" }),
  );
  assertStringIncludes(warnings.join("\n"), "each client pays with its own key, without a limit");
});
