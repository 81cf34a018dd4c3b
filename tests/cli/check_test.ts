/**
 * `check` in process, with the simulated upstream and with fake fetches. As a program: tests/cli/cli_test.ts.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type CheckOptions, runCheck } from "../../lib/cli/check/check.ts";
import type { Finding, Report } from "../../lib/cli/check/report.ts";
import { correctBaseUrl } from "../../lib/cli/check/upstream.ts";
import { mergeSources } from "../../lib/cli/environment.ts";
import { StartError } from "../../lib/cli/terminal.ts";
import { startFakeOpenRouter } from "../../lib/cli/demo/fake_openrouter.ts";
import { startProxy } from "../helpers/proxy.ts";
import { findUnusedPort, NOWHERE } from "../helpers/unused_port.ts";
import { startSilentUpstream } from "../helpers/upstream.ts";

const ABOUT = { name: "claudeproxy", version: "0.0.0" };
const KEY = "sk-or-v1-0123456789abcdef0123456789abcdef";
const PROXY_KEY = "a-hidden-proxy-key";
const KNOWN = "anthropic/claude-sonnet-4.5";
const ALL_KNOWN = {
  OPENROUTER_API_KEY: KEY,
  PORT: "0",
  HOST: "127.0.0.1",
  TARGET_MODEL_OPUS: KNOWN,
  TARGET_MODEL_BIG: KNOWN,
  TARGET_MODEL_SMALL: KNOWN,
  TARGET_MODEL_DEFAULT: KNOWN,
};

type Settings = Record<string, string | undefined>;

function toOptions(env: Settings, print: (text: string) => void): CheckOptions {
  const read = () => ({
    env: (name: string) => env[name],
    sourceOf: (name: string) => env[name] === undefined ? "default" as const : ".env" as const,
    notes: [],
  });
  return { read, print, timeoutMs: 1000 };
}

/** Runs `check --json` and parses the report. */
async function check(env: Settings, options: CheckOptions = {}): Promise<Report> {
  let text = "";
  const hasPassed = await runCheck(ABOUT, {
    ...toOptions({ ...ALL_KNOWN, ...env }, (line) => text += line),
    isJson: true,
    ...options,
  });
  for (const secret of [KEY, PROXY_KEY]) assert(!text.includes(secret), text);
  const report: Report = JSON.parse(text);
  assertEquals(report.ok, hasPassed);
  return report;
}

function find(report: Report, topic: string): Finding {
  const found = report.findings.find((finding) => finding.topic === topic);
  assert(found !== undefined, `${topic} not in ${JSON.stringify(report)}`);
  return found;
}

/** A fake fetch: path after the base URL → response. */
function fakeFetch(responses: Record<string, () => Response | Promise<Response>>): typeof fetch {
  return async (input) => {
    const path = new URL(`${input}`).pathname.replace("/api/v1", "");
    return await (responses[path]?.() ?? new Response("no such thing", { status: 404 }));
  };
}

function describeModels(...entries: object[]) {
  return () => Response.json({ data: entries });
}

const ONE_MODEL = describeModels({ id: KNOWN, context_length: 1_048_576 });

Deno.test("check passes with working settings, and shows no key", async () => {
  const upstream = startFakeOpenRouter();
  const report = await check({
    OPENROUTER_BASE_URL: upstream.baseUrl,
    PROXY_API_KEYS: PROXY_KEY,
  });
  assertEquals(report.findings.map(({ topic, state }) => [topic, state]), [
    ["settings", "ok"],
    ["permissions", "ok"],
    ["port", "ok"],
    ["upstream", "ok"],
    ["key", "ok"],
    ["models", "ok"],
  ]);
  const { name, message, facts } = find(report, "models");
  assertEquals(name, "opus, sonnet, haiku, fable, other");
  assertEquals(message, `${KNOWN}: 1M context, $3.00/15.00 per M tokens, tools, reasoning`);
  assertEquals(facts, {
    id: KNOWN,
    families: ["opus", "sonnet", "haiku", "fable", "other"],
    contextLength: 1_000_000,
    maxOutputTokens: 64_000,
    promptPrice: 3,
    completionPrice: 15,
    tools: true,
    reasoning: true,
  });
  const shown = new Map(report.settings.map(({ name, value, source }) => [name, [value, source]]));
  assertEquals(shown.get("OPENROUTER_API_KEY"), ["sk-or-v1-…cdef", ".env"]);
  assertEquals(shown.get("PROXY_API_KEYS"), ["(hidden)", ".env"]);
  assertEquals(shown.get("PING_S"), ["15", "default"]);
  await upstream.stop();
});

Deno.test("check as text has a line for each finding, and the hint below it", async () => {
  const upstream = startFakeOpenRouter();
  const lines: string[] = [];
  const env = {
    ...ALL_KNOWN,
    OPENROUTER_BASE_URL: upstream.baseUrl,
    TARGET_MODEL_BIG: "anthropic/claude-sonet-4.5",
  };
  const hasPassed = await runCheck(ABOUT, toOptions(env, (line) => lines.push(line)));
  const text = lines.join("\n");
  assertEquals(hasPassed, false);
  for (
    const part of [
      "\n  OPENROUTER_API_KEY    .env         sk-or-v1-…cdef\n",
      "\n  PING_S                default      15\n",
      "\n  not set: TARGET_MODEL_FABLE, OPENROUTER_APP_URL, ",
      "\n  ✓ opus, haiku, fable, other  anthropic/claude-sonnet-4.5: 1M context, ",
      `\n  ✗ sonnet${" ".repeat(21)}anthropic/claude-sonet-4.5: not in the catalog\n` +
      `${" ".repeat(31)}→ closest ids: anthropic/claude-sonnet-4.5, `,
      "; change TARGET_MODEL_BIG\n",
      "\n1 check failed (0.",
    ]
  ) assertStringIncludes(text, part);
  await upstream.stop();
});

for (
  const [target, env, state, message, hint] of [
    [
      "a target that is not in the catalog",
      "vendor/x",
      "failed",
      "vendor/x: not in the catalog",
      "change",
    ],
    [
      "a fallback that is not in the catalog",
      `${KNOWN},vendor/x`,
      "failed",
      "vendor/x: not in",
      "change TARGET_MODEL",
    ],
    [
      "a default that is not in the catalog",
      undefined,
      "warning",
      "the requested Claude model",
      "auto",
    ],
    ["a listed fallback", `${KNOWN},${KNOWN}:nitro`, "ok", `${KNOWN}:nitro: 1M context`, ""],
    ["a variant", `${KNOWN}:thinking`, "ok", `${KNOWN}:thinking: 1M context`, ""],
    ["a discontinued free variant", `${KNOWN}:free`, "failed", "not in the catalog", KNOWN],
    ["`auto` with a listed model", "auto", "ok", "~anthropic/claude-opus-latest: 200k context", ""],
    ["a preset", "vendor/x@preset/y", "unchecked", "not checked: a preset", ""],
    [
      "a model without tools",
      "vendor/mute",
      "warning",
      "free, no tools, no reasoning",
      "needs tools",
    ],
  ] as const
) {
  Deno.test(`check reports ${target} as ${state}`, async () => {
    const free = { prompt: "0", completion: "0" };
    const fetcher = fakeFetch({
      "/key": () => Response.json({ data: {} }),
      "/models": describeModels(
        { id: KNOWN, context_length: 1_048_576 },
        { id: "~anthropic/claude-opus-latest", context_length: 200_000 },
        { id: "vendor/mute", context_length: 8000, supported_parameters: ["stop"], pricing: free },
      ),
    });
    const report = await check({ TARGET_MODEL_OPUS: env }, { fetcher });
    const found = report.findings.filter(({ name }) => name?.startsWith("opus")).at(-1);
    assertEquals(found?.state, state, JSON.stringify(found));
    assertStringIncludes(found?.message ?? "", message);
    assertStringIncludes(found?.hint ?? "", hint);
    assertEquals(report.ok, state !== "failed");
  });
}

for (
  const [name, id, env, state, message] of [
    ["accepts images", "v/sees", {}, "ok", "v/sees: accepts images, free"],
    ["may accept images", "v/plain", {}, "ok", "v/plain: image input unknown, price unknown"],
    ["accepts none", "v/blind", {}, "failed", "v/blind: accepts no images"],
    ["is not in the catalog", "v/see", {}, "failed", "v/see: not in the catalog"],
    ["is a preset", "v/sees@preset/x", {}, "unchecked", "not checked: a preset"],
    [
      "is not used",
      "v/sees",
      { UPSTREAM_DIALECT: "anthropic" },
      "warning",
      "sends images unchanged",
    ],
  ] as const
) {
  Deno.test(`check reports an IMAGE_MODEL that ${name} as ${state}`, async () => {
    const free = { prompt: "0", completion: "0" };
    const withInput = (id: string, ...input_modalities: string[]) => ({
      id,
      pricing: free,
      architecture: { input_modalities },
    });
    const fetcher = fakeFetch({
      "/key": () => Response.json({ data: {} }),
      "/models": describeModels(
        { id: KNOWN },
        { id: "v/plain" },
        withInput("v/sees", "text", "image"),
        withInput("v/blind", "text"),
      ),
    });
    const report = await check({ IMAGE_MODEL: id, ...env }, { fetcher });
    const found = report.findings.filter(({ name }) => name === "images");
    assertEquals(found.map((finding) => finding.state), [state]);
    assertStringIncludes(found[0]?.message ?? "", message);
    const hint = state === "failed" || state === "warning" ? "IMAGE_MODEL" : "";
    assertStringIncludes(found[0]?.hint ?? "", hint);
  });
}

for (
  const [key, data, state, ...texts] of [
    [
      "a key with a limit",
      { label: "sk-or-v1-012...def", limit: 10, limit_remaining: 7.5, limit_reset: "monthly" },
      "ok",
      "valid (sk-or-v1-012...def), $7.5 of $10 left, resets monthly",
    ],
    [
      "a key without a limit",
      { limit: null, usage: 1.234 },
      "ok",
      "no limit of its own, $1.234 used",
    ],
    ["an expiring key", { expires_at: "2027-12-31T23:59:59Z" }, "ok", "expires 2027-12-31"],
    ["a used-up key", { limit: 1, limit_remaining: 0 }, "failed", "$0 of $1 left", "raise it"],
    ["a key of a free account", { is_free_tier: true }, "warning", "free tier", "need credit"],
    ["a management key", { is_management_key: true }, "failed", "valid", "create an ordinary one"],
    ["a key with a hostile label", { label: `a\u001b[31m${KEY}` }, "ok", "[redacted]"],
  ] as const
) {
  Deno.test(`check reports ${key} as ${state}: ${texts[0]}`, async () => {
    const fetcher = fakeFetch({ "/models": ONE_MODEL, "/key": () => Response.json({ data }) });
    const report = await check({}, { fetcher });
    const { state: found, message, hint = "" } = find(report, "key");
    assertEquals([found, report.ok], [state, state !== "failed"]);
    for (const text of texts) assertStringIncludes(`${message} ${hint}`, text);
  });
}

Deno.test("check removes control characters from upstream's text", async () => {
  const lines: string[] = [];
  const fetcher = fakeFetch({
    "/models": ONE_MODEL,
    "/key": () => Response.json({ data: { label: "a\u001b[31m\nb\u202e" } }),
  });
  const options = toOptions(ALL_KNOWN, (line) => lines.push(line));
  await runCheck(ABOUT, { ...options, fetcher });
  for (const line of lines) assertEquals(/[\p{Cc}\p{Cf}]/u.test(line), false, line);
});

Deno.test("check fails with upstream's message if upstream rejects the key", async () => {
  const error = { error: { code: 401, message: "User not found." } };
  const fetcher = fakeFetch({
    "/models": ONE_MODEL,
    "/key": () => Response.json(error, { status: 401 }),
  });
  const report = await check({}, { fetcher });
  const { state, message } = find(report, "key");
  assertEquals([state, find(report, "upstream").state], ["failed", "ok"]);
  assertStringIncludes(message, "User not found.");
});

Deno.test("check without a key sends no key request, warns, and passes", async () => {
  const requested: string[] = [];
  const fetcher: typeof fetch = async (input, init) => {
    requested.push(`${input}`);
    assertEquals(new Headers(init?.headers).has("authorization"), false);
    return await Promise.resolve(ONE_MODEL());
  };
  const report = await check({ OPENROUTER_API_KEY: "" }, { fetcher });
  assertEquals(requested, ["https://openrouter.ai/api/v1/models"]);
  const { state, message, hint } = find(report, "key");
  assertEquals([state, report.ok], ["warning", true]);
  assertStringIncludes(message, "sk-or-… key, as ANTHROPIC_AUTH_TOKEN");
  assertStringIncludes(hint ?? "", "put OPENROUTER_API_KEY into .env");
});

Deno.test("check without a key for another server reports that requests have no key", async () => {
  const env = { OPENROUTER_API_KEY: "", UPSTREAM_DIALECT: "openai" };
  const report = await check(env, { fetcher: fakeFetch({ "/models": ONE_MODEL }) });
  const { state, message } = find(report, "key");
  assertEquals([state, report.ok], ["unchecked", true]);
  assertStringIncludes(message, "requests are sent without a key");
});

Deno.test("check names the host of an upstream that rejects the key", async () => {
  const fetcher = fakeFetch({ "/v1/key": () => new Response("", { status: 401 }) });
  const report = await check({ OPENROUTER_BASE_URL: "https://llm.example/v1" }, { fetcher });
  const { message, hint } = find(report, "key");
  assertStringIncludes(message, "llm.example rejects OPENROUTER_API_KEY: ");
  assertEquals(hint, "use a key of llm.example");
});

for (
  const [upstream, responses, states] of [
    [
      "an upstream without a model list",
      { "/key": () => Response.json({ data: {} }) },
      "failed ok",
    ],
    ["an upstream without a key endpoint", { "/models": ONE_MODEL }, "ok unchecked"],
    [
      "an upstream that has no model list and rejects the key",
      { "/key": () => new Response("", { status: 401 }) },
      "failed failed",
    ],
    ["another server", {}, "failed unchecked"],
    [
      "an upstream with a web page for the list",
      { "/models": () => new Response("<html>") },
      "failed unchecked",
    ],
    ["a web site", {
      "/models": () => new Response("<html>"),
      "/key": () => new Response("<html>"),
    }, "failed unchecked"],
    ["an upstream with an empty list", { "/models": describeModels() }, "failed unchecked"],
    [
      "an unavailable upstream",
      { "/models": () => new Response("", { status: 503 }) },
      "failed unchecked",
    ],
  ] as const
) {
  Deno.test(`check reports ${upstream} and its key as ${states}`, async () => {
    const report = await check({}, { fetcher: fakeFetch(responses) });
    const found = ["upstream", "key"].map((topic) => find(report, topic).state).join(" ");
    assertEquals(found, states, JSON.stringify(report.findings));
    assertEquals(find(report, "models").state, states.startsWith("ok") ? "ok" : "unchecked");
    assertEquals(report.ok, !states.includes("failed"));
  });
}

Deno.test("check hints at the right base URL if the configured one is a web page", async () => {
  const page = () => new Response("<!doctype html><title>Hello</title>");
  const report = await check({ OPENROUTER_BASE_URL: "https://openrouter.ai" }, {
    fetcher: () => Promise.resolve(page()),
  });
  const { message, hint } = find(report, "upstream");
  assertEquals(
    message,
    "https://openrouter.ai returned no model list: the response is not JSON, perhaps a web page",
  );
  assertEquals(hint, "set OPENROUTER_BASE_URL=https://openrouter.ai/api/v1");
});

for (
  const [baseUrl, corrected] of [
    ["https://openrouter.ai/api/v1", null],
    ["https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"],
    ["https://openrouter.ai/api", "https://openrouter.ai/api/v1"],
    ["https://openrouter.ai/v1", "https://openrouter.ai/api/v1"],
    ["http://www.openrouter.ai/api/v1", "https://openrouter.ai/api/v1"],
    ["https://notopenrouter.ai/api/v1", null],
    ["http://localhost:11434", "http://localhost:11434/v1"],
    ["http://localhost:11434/v1/chat/completions", "http://localhost:11434/v1"],
    ["http://localhost:11434/v1/messages", "http://localhost:11434/v1"],
    ["http://localhost:11434/chat/completions", "http://localhost:11434/v1"],
    ["http://localhost:11434/v1", null],
    ["https://host.example/openai/v1", null],
  ] as const
) {
  Deno.test(`correctBaseUrl returns ${corrected} for ${baseUrl}`, () => {
    assertEquals(correctBaseUrl(baseUrl), corrected);
  });
}

Deno.test("check sends nothing if key and base URL come from different sources", async () => {
  const requested: string[] = [];
  const fetcher: typeof fetch = (input) => {
    requested.push(`${input}`);
    return Promise.resolve(Response.json({ data: [] }));
  };
  const read = () =>
    mergeSources((name) => name === "OPENROUTER_API_KEY" ? KEY : undefined, {
      name: ".env",
      values: { OPENROUTER_BASE_URL: "http://evil.example/v1" },
      notes: [],
    });
  const report = await check({}, { read, fetcher });
  assertEquals([requested, report.findings.map(({ state }) => state)], [[], ["failed"]]);
  assertStringIncludes(find(report, "settings").message, "nothing was sent");
});

Deno.test("check reports why upstream cannot be reached, and checks no models", async () => {
  const report = await check({ OPENROUTER_BASE_URL: NOWHERE });
  const { state, message, hint } = find(report, "upstream");
  assertEquals([state, report.ok], ["failed", false]);
  assertMatch(message, /cannot be reached: .*refused/i);
  assertStringIncludes(hint ?? "", "HTTPS_PROXY");
  assertEquals([find(report, "key").state, find(report, "models").state], [
    "unchecked",
    "unchecked",
  ]);
});

Deno.test("check times out if upstream does not respond", async () => {
  await using upstream = startSilentUpstream();
  const startedAt = performance.now();
  const report = await check({ OPENROUTER_BASE_URL: upstream.baseUrl }, { timeoutMs: 100 });
  assert(performance.now() - startedAt < 2000);
  assertStringIncludes(find(report, "upstream").message, "no response in time");
  assertEquals(report.ok, false);
});

/** A working upstream, for tests of other checks. */
const FINE = { fetcher: fakeFetch({ "/models": ONE_MODEL }) };

Deno.test("check leaves a free port free", async () => {
  const port = findUnusedPort();
  for (let i = 0; i < 2; i++) {
    const { state, message } = find(await check({ PORT: `${port}` }, FINE), "port");
    assertEquals([state, message], ["ok", `127.0.0.1:${port} is free`]);
  }
});

for (const host of ["127.0.0.1", "0.0.0.0"]) {
  Deno.test(`check warns if another instance uses the port on ${host}`, async () => {
    await using proxy = startProxy();
    const { port } = new URL(proxy.url);
    const report = await check({ PORT: port, HOST: host }, FINE);
    const { state, message } = find(report, "port");
    assertEquals([state, report.ok], ["warning", true]);
    assertStringIncludes(message, `${host}:${port} is in use by another instance of this proxy`);
  });
}

Deno.test("check fails if another program uses the port, whatever it responds", async () => {
  for (const body of ['{"status":"ok"}', "no"]) {
    const other = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(body),
    );
    const report = await check({ PORT: `${other.addr.port}` }, FINE);
    const { state, message, hint } = find(report, "port");
    assertEquals([state, report.ok, hint], ["failed", false, "set PORT to a free one"]);
    assertStringIncludes(message, "in use by another program");
    await other.shutdown();
  }
});

Deno.test("check times out if the program on the port does not respond", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const startedAt = performance.now();
  const report = await check({ PORT: `${listener.addr.port}` }, FINE);
  assert(performance.now() - startedAt < 3000);
  assertEquals(find(report, "port").state, "failed");
});

Deno.test("check fails if HOST is not an address of this machine", async () => {
  // 192.0.2.0/24 is reserved for documentation.
  const report = await check({ HOST: "192.0.2.1" }, FINE);
  const { state, hint } = find(report, "port");
  assertEquals([state, hint], ["failed", "check HOST and PORT"]);
});

Deno.test("check of an invalid value shows the error and the masked settings", async () => {
  const report = await check({ PORT: "many" });
  assertEquals(report.findings, [{
    topic: "settings",
    state: "failed",
    message: 'PORT="many" cannot be used: allowed is a whole number from 0 up to 65535',
  }]);
  assertEquals(report.settings[0]?.value, "sk-or-v1-…cdef");
});

Deno.test("check without permission to read the settings names the flag to add", async () => {
  const read = () => {
    throw new StartError("No permission to read the settings: add --allow-env=PORT");
  };
  const report = await check({}, { read });
  assertEquals([report.ok, report.settings], [false, []]);
  assertStringIncludes(find(report, "settings").message, "add --allow-env=PORT");
});

Deno.test("check hides short and unknown kinds of keys completely", async () => {
  for (const key of ["sk-or-v1-short", "another-vendors-key-0123456789abcdef"]) {
    const report = await check({ OPENROUTER_API_KEY: key }, FINE);
    assertEquals(report.settings[0]?.value, "(hidden)");
  }
});
