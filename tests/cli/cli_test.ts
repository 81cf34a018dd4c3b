/**
 * The program as a process with flags, an environment, a folder and signals. Each start has its own environment, without
 * this machine's variables (an API key, above all).
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import about from "../../deno.json" with { type: "json" };
import { startFakeOpenRouter } from "../../lib/cli/demo/fake_openrouter.ts";
import { DEPLOY_VARIABLE, VARIABLES } from "../../lib/config.ts";
import {
  type Ended,
  HAS_SIGNALS,
  KEY,
  listFlags,
  NET_FLAG,
  openStream,
  Program,
  readRest,
  readUntilCut,
  run,
  sendMessage,
  type Start,
  START_FLAGS,
  untilRefused,
  Upstream,
} from "../helpers/program.ts";
import { NOWHERE } from "../helpers/unused_port.ts";
import { startSilentUpstream } from "../helpers/upstream.ts";

/** Asserts that a start fails with a single line on standard error. */
function assertFailed(ended: Ended, ...texts: string[]): void {
  assertMatch(ended.stderr, /^claudeproxy: [^\n]+\n$/);
  assertEquals(ended.stdout, "");
  assertEquals(ended.code, 1);
  for (const text of texts) assertStringIncludes(ended.stderr, text);
}

/** The flag that an error suggests to add. */
function readSuggestedFlag({ stderr }: Ended): string {
  return /: add (--allow-\S+)$/.exec(stderr.trim())?.[1] ?? "";
}

Deno.test("--version prints name and version without any permission", async () => {
  for (const flag of ["--version", "-V"]) {
    const ended = await run({ flags: [], args: [flag] });
    assertEquals(ended, { code: 0, stdout: `${about.name} ${about.version}\n`, stderr: "" });
  }
});

Deno.test("--help names every variable without any permission", async () => {
  const ended = await run({ flags: [], args: ["--help"] });
  const short = await run({ flags: [], args: ["-h"] });
  assertEquals(ended, short);
  assertEquals([ended.code, ended.stderr], [0, ""]);
  for (const { name } of VARIABLES) assertMatch(ended.stdout, new RegExp(`^  ${name} `, "m"));
  for (const command of ["serve", "check", "demo", "claude"]) {
    assertStringIncludes(ended.stdout, command);
  }
});

Deno.test("the demo names NO_PROXY if an HTTP proxy keeps it from reaching itself", async () => {
  const env = { HTTP_PROXY: "http://127.0.0.1:9", NO_COLOR: "1" };
  const { code, stderr } = await run({ args: ["demo"], flags: listFlags("demo"), env });
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /^claudeproxy: The demo cannot reach itself at http\S+: [^\n]+\n$/);
  assertStringIncludes(stderr, "NO_PROXY=localhost,127.0.0.1");
});

Deno.test("an unknown command or argument fails with one line", async () => {
  assertFailed(await run({ args: ["sevre"] }), "Unknown command sevre", "--help");
  assertFailed(await run({ args: ["--port"] }), "Unknown command --port");
  assertFailed(await run({ args: ["serve", "8000"] }), "Unknown argument 8000");
  assertFailed(await run({ args: ["check", "--json", "--fast"] }), "Unknown argument --fast");
});

for (
  const { about: mode, env, expected } of [
    {
      about: "no key",
      env: {},
      expected: "OPENROUTER_API_KEY is not set",
    },
    {
      about: "a key",
      env: { OPENROUTER_API_KEY: KEY },
      expected: "accepting local clients only; set PROXY_API_KEYS to accept remote clients",
    },
    {
      about: "proxy keys",
      env: { OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: "proxy-key-secret,other-key-secret" },
      expected: "PROXY_API_KEYS",
    },
  ]
) {
  Deno.test(`the program starts with the start task's flags and ${mode}, and shows no key`, async () => {
    await using program = new Program({ env });
    const url = await program.listening();
    const health = await fetch(`${url}/health`);
    assertEquals([health.status, await health.text()], [200, '{"status":"ok"}']);
    program.kill("SIGTERM");
    const { stdout, stderr } = await program.end();
    const [line = ""] = stdout.split("\n");
    assertMatch(JSON.parse(line).message, /^listening on 127\.0\.0\.1:\d+, /);
    assertStringIncludes(line, expected);
    for (const secret of Object.values(env).flatMap((keys) => keys.split(","))) {
      assert(!`${stdout}${stderr}`.includes(secret), stdout);
    }
    assertEquals(stderr, "");
  });
}

Deno.test("the startup message has address, upstream, models, dashboard and two lines to paste, then warnings", async () => {
  const env = {
    OPENROUTER_API_KEY: KEY,
    TARGET_MODEL_OPUS: "vendor/big,vendor/next",
    LOG_FORMAT: "text",
  };
  await using program = new Program({ env });
  const { port } = new URL(await program.listening());
  program.kill("SIGTERM");
  const { stdout } = await program.end();
  const [address, ...lines] = stdout.trimEnd().split("\n");
  assertMatch(
    address ?? "",
    /^listening on .*accepting local clients only; set PROXY_API_KEYS to accept remote clients$/,
  );
  assertEquals(lines.slice(0, 6), [
    `upstream     ${NOWHERE}, using OPENROUTER_API_KEY`,
    "models       opus → vendor/big, vendor/next; sonnet, haiku, fable, other → " +
    "anthropic/claude-sonnet-4-20250514",
    `dashboard    http://127.0.0.1:${port}`,
    "To use Claude Code, run these two lines where you start it:",
    `  export ANTHROPIC_BASE_URL=http://127.0.0.1:${port}`,
    "  export ANTHROPIC_AUTH_TOKEN=any-word",
  ]);
  assertMatch(
    lines.slice(6).join("\n"),
    /^warning: Using default models.*set TARGET_MODEL_BIG, [^\n]+$/,
  );
});

for (const env of [{}, { LOG_FORMAT: "json" }]) {
  const format = env.LOG_FORMAT === undefined ? "without a terminal" : "with LOG_FORMAT=json";
  Deno.test(`${format} every line of the output is a JSON object`, async () => {
    await using program = new Program({ env: { ...env, PROXY_API_KEYS: "k".repeat(16) } });
    await (await fetch(`${await program.listening()}/v1/models`)).body?.cancel();
    await program.waitFor(/"path":"\/v1\/models"/);
    program.kill("SIGTERM");
    const { stdout } = await program.end();
    const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    const expected = ["info", "info", "info", "info", "info", "warn", "info"];
    assertEquals(lines.map(({ level }) => level), expected);
    assertMatch(
      lines[4].message,
      /^clients +ANTHROPIC_BASE_URL=http:\S+, ANTHROPIC_AUTH_TOKEN=KEY \(KEY: one of PROXY_API_KEYS\)$/,
    );
  });
}

Deno.test("help and version have the names that users try", async () => {
  for (const args of [["help"], ["-h"], ["check", "--help"], ["serve", "-h"], ["demo", "--help"]]) {
    const { code, stdout, stderr } = await run({ args });
    assertEquals([args, code, stderr], [args, 0, ""]);
    assertStringIncludes(stdout, "Usage: claudeproxy");
  }
  for (const args of [["version"], ["-v"], ["-V"]]) {
    const { code, stdout } = await run({ args });
    assertEquals([code, /^\S+ \d+\.\d+\.\d+\n$/.test(stdout)], [0, true], stdout);
  }
});

Deno.test("without a key the program starts, and a request gets a 401 that names the variable", async () => {
  await using program = new Program();
  const response = await sendMessage(await program.listening(), { stream: false });
  const { type, error } = await response.json();
  assertEquals([response.status, type, error.type], [401, "error", "authentication_error"]);
  assertStringIncludes(error.message, "OPENROUTER_API_KEY");
});

Deno.test("a HOST without permission fails with the flag to add, and works with that flag", async () => {
  const env = { HOST: "127.0.0.2" };
  const ended = await run({ env });
  assertFailed(ended, "No permission for 127.0.0.2:0");
  assertEquals(readSuggestedFlag(ended), "--allow-net=127.0.0.2:0");
  // Only Linux has all of 127.0.0.0/8 on its loopback.
  if (Deno.build.os !== "linux") return;
  // One list, because before 2.6 the flag is allowed only once.
  const [flag, address] = readSuggestedFlag(ended).split("=");
  const flags = START_FLAGS.map((own) => own.startsWith(`${flag}=`) ? `${own},${address}` : own);
  await using program = new Program({ env, flags });
  await program.listening();
});

Deno.test("an upstream without permission fails with the flag to add", async () => {
  const other = await run({ env: { OPENROUTER_BASE_URL: "http://example.invalid:81/api" } });
  assertFailed(other, "example.invalid:81");
  assertEquals(readSuggestedFlag(other), "--allow-net=example.invalid:81");
  const secure = await run({ env: { OPENROUTER_BASE_URL: "https://example.invalid/api" } });
  assertEquals(readSuggestedFlag(secure), "--allow-net=example.invalid:443");
});

Deno.test("an IPv6 HOST without permission fails with the flag to add", async () => {
  const flags = START_FLAGS.map((flag) => flag === NET_FLAG ? "--allow-net=127.0.0.1" : flag);
  const ended = await run({ flags, env: { HOST: "::1", PORT: "8123" } });
  assertFailed(ended);
  assertEquals(readSuggestedFlag(ended), "--allow-net=[::1]:8123");
});

Deno.test("a start without --allow-env fails with the flag to add, and works with that flag", async () => {
  const flags = START_FLAGS.filter((flag) => !flag.startsWith("--allow-env"));
  const ended = await run({ flags });
  assertFailed(ended);
  const names = [...VARIABLES.map(({ name }) => name), DEPLOY_VARIABLE];
  assertEquals(readSuggestedFlag(ended), `--allow-env=${names.join(",")}`);
  await using program = new Program({ flags: [...flags, readSuggestedFlag(ended)] });
  await program.listening();
});

for (
  const [name, value] of [
    ["PORT", "abc"],
    ["PORT", "70000"],
    ["PORT", "80.5"],
    ["OPENROUTER_BASE_URL", "nonsense"],
    ["TIMEOUT_S", "-1"],
    ["LOG_LEVEL", "loud"],
    ["OPENROUTER_PROVIDER", "[1]"],
  ] as const
) {
  Deno.test(`${name}=${value} fails with one line that names both`, async () => {
    assertFailed(await run({ env: { [name]: value } }), `${name}="${value}"`, "allowed is");
  });
}

Deno.test("a base URL with credentials fails without showing them", async () => {
  const ended = await run({ env: { OPENROUTER_BASE_URL: "http://me:hidden-word@127.0.0.1/v1" } });
  assertFailed(ended, "OPENROUTER_BASE_URL");
  assert(!ended.stderr.includes("hidden-word"), ended.stderr);
});

Deno.test("a port in use fails with one line, with the default upstream too", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const PORT = String(listener.addr.port);
  // With the default upstream: it tries to listen, so the start task's flags cover that upstream.
  const ended = await run({ env: { PORT, OPENROUTER_BASE_URL: "" } });
  assertFailed(ended, `127.0.0.1:${PORT} is in use`, "PORT");
});

Deno.test("a HOST that is not an address of this machine fails with one line", async () => {
  // 192.0.2.0/24 is reserved for documentation.
  const flags = START_FLAGS.map((flag) => flag === NET_FLAG ? "--allow-net" : flag);
  assertFailed(await run({ flags, env: { HOST: "192.0.2.1" } }), "192.0.2.1", "HOST");
});

Deno.test("the program reads .env in the current folder", async () => {
  const dotenv = `# mine\nOPENROUTER_API_KEY='${KEY}'\nLOG_LEVEL=debug\n`;
  await using program = new Program({ dotenv, env: { OPENROUTER_BASE_URL: "" } });
  await program.waitFor(/listening on .*accepting local clients only/);
});

Deno.test("the environment takes precedence over .env, unless a variable is blank", async () => {
  await using upstream = new Upstream();
  upstream.goOn();
  await using program = new Program({
    dotenv:
      `OPENROUTER_API_KEY=${KEY}\nOPENROUTER_BASE_URL=${upstream.baseUrl}\nPORT=1\nTIMEOUT_S=no\n`,
    env: { OPENROUTER_API_KEY: "", OPENROUTER_BASE_URL: " ", TIMEOUT_S: "5" },
  });
  const response = await sendMessage(await program.listening(), { stream: true });
  assertStringIncludes(await response.text(), "event: message_stop");
  assertEquals(upstream.keys, [`Bearer ${KEY}`]);
});

Deno.test("the user's own file is read if there is no .env, with the start task's flags", async () => {
  await using upstream = new Upstream();
  upstream.goOn();
  const env = { OPENROUTER_BASE_URL: "" };
  const userFile = `OPENROUTER_API_KEY=${KEY}\nOPENROUTER_BASE_URL=${upstream.baseUrl}\n`;
  await using program = new Program({ userFile, env });
  await (await sendMessage(await program.listening(), { stream: true })).text();
  assertEquals(upstream.keys, [`Bearer ${KEY}`]);
  await using other = new Program({ userFile, env, dotenv: "LOG_LEVEL=info\n" });
  await other.waitFor(/listening on .*OPENROUTER_API_KEY is not set/);
});

Deno.test("--env-file selects the file, and no other is read", async () => {
  const path = await Deno.makeTempFile({ suffix: ".env" });
  await Deno.writeTextFile(path, `OPENROUTER_API_KEY=${KEY}\n`);
  const flags = ["-A"];
  const env = { OPENROUTER_BASE_URL: "" };
  await using program = new Program({
    flags,
    env,
    args: ["serve", "--env-file", path],
    dotenv: "TIMEOUT_S=no\n",
    userFile: "TIMEOUT_S=no\n",
  });
  await program.waitFor(/listening on .*accepting local clients only/);
  assertFailed(await run({ args: ["--env-file", path], env }), "No permission to read", path);
  assertFailed(await run({ flags, args: ["check", "--env-file"] }), "needs the path of a settings");
  await Deno.remove(path);
  const missing = await run({ flags, args: [`--env-file=${path}`], env });
  assertFailed(missing, "does not exist: --env-file needs the path");
});

Deno.test("the user's own file is ignored without a warning if reading it is not permitted", async () => {
  const flags = START_FLAGS.filter((flag) => !flag.startsWith("--allow-read"));
  const userFile = `OPENROUTER_API_KEY=${KEY}\n`;
  const program = new Program({ flags: [...flags, "--allow-read=.env"], userFile });
  const { stdout, stderr } = await (async () => {
    await program.listening();
    program.kill("SIGTERM");
    return await program.end();
  })();
  assertEquals([stderr, /config|allow-read/.test(stdout)], ["", false], stdout);
  assertStringIncludes(stdout, "OPENROUTER_API_KEY is not set");
  await program[Symbol.asyncDispose]();
});

Deno.test("access settings of .env are ignored with a warning if the key is from the environment", async () => {
  const env = { OPENROUTER_API_KEY: KEY };
  const dotenv = "PROXY_API_KEYS=of-the-attacker-0123\nALLOWED_ORIGINS=https://evil.page\n";
  await using program = new Program({ env, dotenv });
  const url = await program.listening();
  await program.waitFor(
    /"level":"warn","message":"Ignored PROXY_API_KEYS, ALLOWED_ORIGINS from \.env, because /,
  );
  const response = await fetch(`${url}/stats`, { headers: { origin: "https://evil.page" } });
  await response.body?.cancel();
  const cors = response.headers.get("access-control-allow-origin");
  assertEquals([response.status, cors], [403, null]);
});

Deno.test({
  name: "a settings file that others can read, and a short key, cause warnings",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/.env`, "PROXY_API_KEYS=short,long-enough-0123456\n");
    await Deno.chmod(`${folder}/.env`, 0o644);
    const flags = ["-A"];
    await using program = new Program({ flags, args: ["--env-file", `${folder}/.env`] });
    await program.waitFor(
      /"message":"\S+\.env contains a key and other users of this machine can read it/,
    );
    await program.waitFor(/"message":"A key of PROXY_API_KEYS has fewer than 16 characters/);
    const report = await run({ flags, args: ["check", "--env-file", `${folder}/.env`] });
    assertMatch(report.stdout, /^ +! settings +\S+\.env contains a key and other users/m);
    assertMatch(
      report.stdout,
      /^ +! settings +A key of PROXY_API_KEYS has fewer than 16 characters/m,
    );
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("an invalid value in .env fails with one line", async () => {
  assertFailed(await run({ dotenv: "TIMEOUT_S=soon\n" }), 'TIMEOUT_S="soon"');
});

Deno.test("an unquoted $ in .env fails with a hint, and works with quotes", async () => {
  assertFailed(await run({ dotenv: "PROXY_API_KEYS=pass$word\n" }), ".env", "single quotes");
  await using program = new Program({ dotenv: "PROXY_API_KEYS='pass$word'\n" });
  await program.waitFor(/listening on .*PROXY_API_KEYS/);
});

Deno.test("a .env that is a folder fails with one line", async () => {
  assertFailed(await run({ dotenvFolder: true }), ".env cannot be read");
});

Deno.test("without --allow-read the program starts and names the flag for .env", async () => {
  const flags = START_FLAGS.filter((flag) => !flag.startsWith("--allow-read"));
  await using program = new Program({ flags, dotenv: `OPENROUTER_API_KEY=${KEY}\n` });
  await program.waitFor(/listening on .*OPENROUTER_API_KEY is not set/);
  assertEquals(
    await program.waitFor(/"level":"warn".*(--allow-read=\.env)\b/),
    "--allow-read=.env",
  );
});

Deno.test("the program keeps serving when its output is closed", async () => {
  await using program = new Program({ env: { LOG_LEVEL: "debug" } });
  const url = await program.listening();
  await program.closeOutput();
  for (let i = 0; i < 3; i++) {
    const health = await fetch(`${url}/health`);
    assertEquals(await health.json(), { status: "ok" });
  }
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test({
    name: `an idle program exits with 0 on ${signal}, without an error`,
    ignore: !HAS_SIGNALS,
    fn: async () => {
      await using program = new Program();
      const url = await program.listening();
      // The connection stays open: an idle one must not delay the exit.
      await (await fetch(`${url}/health`)).text();
      const signalledAt = performance.now();
      program.kill(signal);
      const { code, stderr } = await program.end();
      assertEquals([code, stderr], [0, ""]);
      const tookMs = performance.now() - signalledAt;
      assert(tookMs < 2000, `It took ${tookMs} ms`);
    },
  });
}

Deno.test({
  name: "on SIGTERM a stream finishes, new connections are refused, and the exit code is 0",
  ignore: !HAS_SIGNALS,
  fn: async () => {
    await using upstream = new Upstream();
    await using program = new Program({
      env: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl },
    });
    const url = await program.listening();
    const reader = await openStream(url);
    program.kill("SIGTERM");
    await untilRefused(url);
    upstream.goOn();
    const rest = await readRest(reader);
    assertStringIncludes(rest, " two.");
    assertMatch(rest, /event: message_stop\ndata: .*\n\n$/);
    const { code, stdout, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /"path":"\/v1\/messages","status":200,.*"outcome":"complete"/);
  },
});

Deno.test({
  name: "a second SIGTERM ends the program at once",
  ignore: !HAS_SIGNALS,
  fn: async () => {
    await using upstream = new Upstream();
    await using program = new Program({
      env: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl },
    });
    const url = await program.listening();
    const reader = await openStream(url);
    program.kill("SIGTERM");
    await untilRefused(url);
    const signalledAt = performance.now();
    program.kill("SIGTERM");
    assertEquals(await readUntilCut(reader), "cut");
    const { code, stderr } = await program.end();
    assert(code !== 0);
    assertEquals(stderr, "");
    const tookMs = performance.now() - signalledAt;
    assert(tookMs < 2000, `It took ${tookMs} ms`);
  },
});

Deno.test({
  name: "DRAIN_S limits the wait for an endless stream, which then ends with an error event",
  ignore: !HAS_SIGNALS,
  fn: async () => {
    await using upstream = new Upstream();
    await using program = new Program({
      env: { OPENROUTER_API_KEY: KEY, OPENROUTER_BASE_URL: upstream.baseUrl, DRAIN_S: "0.2" },
    });
    const reader = await openStream(await program.listening());
    const signalledAt = performance.now();
    program.kill("SIGTERM");
    assertStringIncludes(await readUntilCut(reader), '"overloaded_error"');
    const { code, stderr } = await program.end();
    assertEquals([code, stderr], [0, ""]);
    const tookMs = performance.now() - signalledAt;
    assert(tookMs >= 190 && tookMs < 2000, `It took ${tookMs} ms`);
  },
});

/** Runs `check --json`; `states` maps topics to states. */
async function runCheck(start: Start): Promise<Ended & { states: Record<string, string> }> {
  const ended = await run({ ...start, args: ["check", "--json"] });
  const { findings } = JSON.parse(ended.stdout);
  const states = findings.map(({ topic, state }: Record<string, string>) => [topic, state]);
  return { ...ended, states: Object.fromEntries(states) };
}

Deno.test("check passes quickly with the start task's flags, and shows no key", async () => {
  const upstream = startFakeOpenRouter();
  const known = "anthropic/claude-sonnet-4.5";
  const env = {
    OPENROUTER_API_KEY: KEY,
    OPENROUTER_BASE_URL: upstream.baseUrl,
    TARGET_MODEL_OPUS: known,
    TARGET_MODEL_BIG: known,
    TARGET_MODEL_SMALL: known,
  };
  const startedAt = performance.now();
  const ended = await runCheck({ env, dotenv: `TARGET_MODEL_DEFAULT=${known}\n` });
  assert(performance.now() - startedAt < 5000);
  assertEquals([ended.code, ended.stderr], [0, ""]);
  assertEquals(ended.states, {
    settings: "ok",
    permissions: "ok",
    port: "ok",
    upstream: "ok",
    key: "ok",
    models: "ok",
  });
  assertMatch(ended.stdout, /"TARGET_MODEL_DEFAULT","value":"[^"]+","source":"\.env"/);
  assert(!ended.stdout.includes(KEY), ended.stdout);
  await upstream.stop();
});

Deno.test("check prints text without colours if it is not on a terminal, and exits with 1 on a failure", async () => {
  const { code, stdout, stderr } = await run({ args: ["check"], env: { NO_COLOR: "" } });
  assertEquals([code, stderr], [1, ""]);
  assertMatch(
    stdout,
    /^ +✗ upstream +http:\/\/127\.0\.0\.1:\d+\/api\/v1 cannot be reached: .*refused/m,
  );
  // deno-lint-ignore no-control-regex
  assertEquals(/\x1b/.test(stdout), false);
});

Deno.test("check of an upstream that does not respond ends within four seconds", async () => {
  await using upstream = startSilentUpstream();
  const time = async (start: Start) => {
    const startedAt = performance.now();
    return { ...await run(start), ms: performance.now() - startedAt };
  };
  // The start of the program depends on the load of this machine.
  const idle = await time({ args: ["--version"] });
  const env = { OPENROUTER_BASE_URL: upstream.baseUrl, OPENROUTER_API_KEY: KEY };
  const silent = await time({ args: ["check"], env });
  assertEquals([idle.code, silent.code], [0, 1], silent.stdout);
  assertMatch(silent.stdout, /✗ upstream .* cannot be reached: no response in time$/m);
  assert(silent.ms - idle.ms < 4000, `${silent.ms} ms, of them ${idle.ms} ms to start`);
});

Deno.test("check without a permission does not prompt and names the flag to add", async () => {
  const env = { OPENROUTER_BASE_URL: "http://example.invalid:81/api" };
  const net = await runCheck({ env });
  assertEquals([net.code, net.states["permissions"], net.states["upstream"]], [
    1,
    "failed",
    "unchecked",
  ]);
  assertStringIncludes(net.stdout, "add --allow-net=example.invalid:81");
  const none = await runCheck({ flags: [] });
  assertEquals([none.code, none.states], [1, { settings: "failed" }]);
  assertStringIncludes(none.stdout, "add --allow-env=");
});
