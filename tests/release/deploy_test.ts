/**
 * Simulates Deno Deploy: the entry point of deno.json with all permissions, no flags, no `.env`, DENO_DEPLOY set, and
 * a signal that is followed by a kill after five seconds.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { type Running, watch } from "../helpers/process.ts";
import { requestBody } from "../helpers/proxy.ts";
import { createOpenStream, startUpstream } from "../helpers/upstream.ts";
import { completion, sse, textChunk } from "../helpers/chunks.ts";

const ROOT = new URL("../../", import.meta.url);
const ENTRY = new URL(config.deploy.runtime.entrypoint, ROOT).pathname;
const KEY = "sk-or-v1-deploy-test";
const CLIENTS_OWN = "sk-or-v1-the-clients-own";
/** The variables of this machine that Deno itself needs. */
const MACHINE = ["PATH", "HOME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"];
/** The variables of Deno Deploy, and its time limit for a stop. */
const PLATFORM = { DENO_DEPLOY: "true", DENO_TIMELINE: "production" };
const KILLED_AFTER_MS = 5000;

/** Starts the app in a folder without `.env`. */
function startApp(env: Record<string, string>): Running {
  const machine = MACHINE.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  // Without deno.json no unstable feature is enabled; the import map only replaces JSR.
  const args = [
    ...["run", "-A", "--no-lock", "--no-config"],
    `--import-map=${ROOT.pathname}tools/jsr_fallback/import_map.json`,
  ];
  return watch(
    new Deno.Command(Deno.execPath(), {
      args: [...args, ENTRY],
      clearEnv: true,
      cwd: new URL("../../docs/", import.meta.url),
      env: {
        ...Object.fromEntries(machine),
        ...PLATFORM,
        // The platform assigns the address; here it has to be free.
        ...{ HOST: "127.0.0.1", PORT: "0", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
        XDG_CONFIG_HOME: "/nowhere",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

async function findAddress(app: Running): Promise<string> {
  return `http://127.0.0.1:${await app.waitFor(/listening on 127\.0\.0\.1:(\d+),/)}`;
}

async function post(base: string, headers: Record<string, string>) {
  const response = await fetch(`${base}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(requestBody()),
  });
  const body = await response.json();
  return { status: response.status, text: body.error?.message ?? body.content[0].text };
}

Deno.test("deno.json configures the runtime of Deno Deploy and nothing else", () => {
  assertEquals(config.deploy, { runtime: { type: "dynamic", entrypoint: "main.ts" } });
});

Deno.test("on Deno Deploy with an API key and without PROXY_API_KEYS no client is accepted, not even a local one", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hello")));
  const env = { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl };
  await using app = startApp(env);
  const base = await findAddress(app);
  await app.waitFor(/On Deno Deploy no client is local, so all get a 403: set PROXY_API_KEYS/);
  for (const headers of [{}, { "x-api-key": "any-word" }, { "x-api-key": CLIENTS_OWN }]) {
    const { status, text } = await post(base, headers);
    assertEquals(status, 403);
    assertStringIncludes(text, "Set PROXY_API_KEYS");
  }
  assertEquals(await (await fetch(`${base}/health`)).text(), '{"status":"ok"}');
  assertEquals(upstream.requests, []);
});

Deno.test("on Deno Deploy with PROXY_API_KEYS only clients with one of them are accepted", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hello")));
  await using app = startApp({
    OPENROUTER_API_KEY: KEY,
    OPENROUTER_BASE_URL: upstream.baseUrl,
    PROXY_API_KEYS: "one,two",
  });
  const base = await findAddress(app);
  assertEquals(await post(base, { authorization: "Bearer two" }), { status: 200, text: "Hello" });
  for (const key of ["three", CLIENTS_OWN]) {
    assertEquals((await post(base, { "x-api-key": key })).status, 401);
  }
  const keys = upstream.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(keys, [`Bearer ${KEY}`]);
});

Deno.test("on Deno Deploy without an API key the client's OpenRouter key is used", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hello")));
  await using app = startApp({ OPENROUTER_BASE_URL: upstream.baseUrl });
  const base = await findAddress(app);
  assertEquals(await post(base, { "x-api-key": CLIENTS_OWN }), { status: 200, text: "Hello" });
  const { status, text } = await post(base, { "x-api-key": "any-word" });
  assertEquals(status, 401);
  assertMatch(text, /OPENROUTER_API_KEY/);
  const keys = upstream.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(keys, [`Bearer ${CLIENTS_OWN}`]);
});

Deno.test({
  name: "on Deno Deploy an endless stream ends within five seconds of the signal",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const source = createOpenStream(sse(textChunk("One")));
    await using upstream = startUpstream(() => source.response);
    await using app = startApp({
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: upstream.baseUrl,
      PROXY_API_KEYS: "one",
      DRAIN_S: "600",
    });
    const response = await fetch(`${await findAddress(app)}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": "one" },
      body: JSON.stringify(requestBody({ stream: true })),
    });
    const rest = response.text().catch(() => "cut");
    const signalledAt = performance.now();
    app.child.kill("SIGINT");
    const { code } = await app.child.status;
    const tookMs = performance.now() - signalledAt;
    assertEquals(code, 0);
    assert(tookMs > 3000 && tookMs < KILLED_AFTER_MS, `It took ${tookMs} ms`);
    assertStringIncludes(await rest, '"overloaded_error"');
  },
});
