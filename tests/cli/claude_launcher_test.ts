/**
 * `main.ts claude` as a process with a fake Claude Code: a script called `claude` on PATH that records its arguments
 * and environment, and acts as FAKE says. With the real Claude Code: tests/clients/cases/launcher.ts.
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { createHarness, type Ended, type Harness, KEY, type Launch } from "../helpers/launcher.ts";
import { completion } from "../helpers/chunks.ts";
import { query } from "../helpers/history.ts";
import { startSilentUpstream } from "../helpers/upstream.ts";

const HAS_SHEBANG = Deno.build.os !== "windows";
const TARGETS = { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_BIG: "openai/gpt-5" };
const MODELS = [
  { id: "z-ai/glm-5", context_length: 131_072 },
  { id: "openai/gpt-5", context_length: 400_000 },
];
const PRICED = { prompt_tokens: 1200, completion_tokens: 30, total_tokens: 1230, cost: 0.25 };

/** FAKE selects an action: send requests, wait for a signal, crash, exit, save a model, use the terminal. */
const FAKE = `#!/usr/bin/env -S deno run -A --quiet --no-lock --no-config --ext=js
const path = Deno.args[Deno.args.indexOf("--settings") + 1];
const settings = JSON.parse(Deno.readTextFileSync(path));
const report = {
  args: Deno.args,
  settings,
  path,
  mode: (Deno.statSync(path).mode ?? 0) & 0o777,
  folder: Deno.cwd(),
  env: Deno.env.toObject(),
};
Deno.writeTextFileSync(Deno.env.get("REPORT"), JSON.stringify(report));
const action = Deno.env.get("FAKE") ?? "";
const send = async (key) => {
  const response = await fetch(settings.env.ANTHROPIC_BASE_URL + "/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer " + key },
    body: JSON.stringify({
      model: "opus",
      max_tokens: 10,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  console.log(response.status + " " + (await response.json()).type);
};
if (action === "send") {
  await send(settings.env.ANTHROPIC_AUTH_TOKEN);
  await send("users-own-key");
  await send("wrong-key");
}
if (action.startsWith("SIG")) {
  Deno.addSignalListener(action, () => Deno.exit(42));
  console.log("ready " + Deno.pid);
  setTimeout(() => {}, 60_000);
} else if (action.startsWith("crash")) Deno.kill(Deno.pid, action.slice("crash ".length));
else if (action === "exit") Deno.exit(7);
else if (action.startsWith("save ")) {
  const path = Deno.env.get("HOME") + "/.claude/settings.json";
  Deno.writeTextFileSync(path, JSON.stringify({ model: action.slice("save ".length) }));
}
else if (action === "terminal") {
  let interrupts = 0;
  Deno.addSignalListener("SIGINT", () => {
    interrupts++;
    setTimeout(() => Deno.exit(40 + interrupts), 500);
  });
  // The terminal sends it to the launcher too, which must not forward it.
  Deno.kill(Deno.ppid, "SIGINT");
  const print = () =>
    console.log("terminal " + [Deno.stdin, Deno.stdout, Deno.stderr].map((one) => one.isTerminal()));
  setTimeout(print, 300);
  setTimeout(() => {}, 60_000);
}
`;

interface Report {
  args: string[];
  settings: { env: Record<string, string> } & Record<string, unknown>;
  path: string;
  mode: number;
  folder: string;
  env: Record<string, string>;
}

/** A launcher's folders with the fake on PATH. */
function createHarnessWithClient(...options: Parameters<typeof createHarness>): Harness {
  const harness = createHarness(...options);
  Deno.mkdirSync(`${harness.folder}/bin`);
  Deno.writeTextFileSync(`${harness.folder}/bin/claude`, FAKE, { mode: 0o755 });
  return harness;
}

/** Runs the launcher, and returns what the fake recorded. */
async function launch(harness: Harness, { env, ...more }: Launch = {}): Promise<[Ended, Report]> {
  const path = `${harness.folder}/report.json`;
  const ended = await harness.run({ ...more, env: { REPORT: path, ...TARGETS, ...env } });
  const report: Report = JSON.parse(await Deno.readTextFile(path).catch(() => "null"));
  assertNotEquals(report, null, ended.stderr);
  return [ended, report];
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `the launcher ${name}`, ignore: !HAS_SHEBANG, fn });
}

/** Asserts that a start fails with a single line on standard error. */
function assertFailed({ code, stdout, stderr }: Ended, ...texts: string[]): void {
  assertEquals([code, stdout], [1, ""], stderr);
  assertMatch(stderr, /^claudeproxy: [^\n]+\n$/);
  for (const text of texts) assertStringIncludes(stderr, text);
}

const respond = () => Response.json({ ...completion("Hello"), usage: PRICED });

test("passes arguments, folder and environment to Claude Code, and exits with its code", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const args = ["-p", "two words", "--model", "opus", "--", "--settings"];
  const env = { FAKE: "exit", ANTHROPIC_API_KEY: "sk-ant-mine", ANTHROPIC_BASE_URL: "http://x" };
  const [ended, report] = await launch(harness, { args, env: { ...env, OTHER: "stays" } });
  assertEquals(ended, { code: 7, stdout: "", stderr: "claudeproxy: no requests\n" });
  assertEquals(report.args, ["--settings", report.path, ...args]);
  assertEquals(report.folder, Deno.realPathSync(harness.work));
  assertEquals([report.env["OTHER"], report.env["NO_PROXY"]], ["stays", "127.0.0.1"]);
  for (const name of ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"]) {
    assertEquals(report.env[name], undefined, name);
  }
});

test("passes its variables in a file that only its user can read, and removes it afterwards", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const [, { settings, mode, args }] = await launch(harness);
  assertEquals([mode.toString(8), harness.listTemporary()], ["600", []]);
  const { env } = settings;
  assertMatch(env["ANTHROPIC_BASE_URL"] ?? "", /^http:\/\/127\.0\.0\.1:(178(9[1-9])|179\d\d)$/);
  assertEquals(env["ANTHROPIC_DEFAULT_OPUS_MODEL"], "z-ai/glm-5[1m]");
  assertEquals(env["ANTHROPIC_DEFAULT_SONNET_MODEL"], "openai/gpt-5[1m]");
  assertEquals(env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], undefined);
  assertEquals(env["CLAUDE_CODE_AUTO_COMPACT_WINDOW"], "");
  assertEquals(settings["autoCompactWindow"], 131_072);
  assertEquals(settings["modelSettings"], {
    "z-ai/glm-5": { autoCompactWindow: 131_072 },
    "openai/gpt-5": { autoCompactWindow: 400_000 },
  });
  assertEquals(env["CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"], "1");
  assertEquals(env["ANTHROPIC_API_KEY"], "");
  const token = env["ANTHROPIC_AUTH_TOKEN"] ?? "";
  assert(token.length > 40 && !args.join().includes(token));
});

/** Runs a command as Claude Code does. */
async function runShell(command: string, env: Record<string, string>): Promise<string> {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    env,
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode('{"session_id":"a","model":{"id":"x/y"}}'));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

test("sets a status line that runs, without the key in its command", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const [, { settings }] = await launch(harness);
  const { command } = settings["statusLine"] as { command: string };
  const { ANTHROPIC_BASE_URL: url = "", ANTHROPIC_AUTH_TOKEN: key = "" } = settings.env;
  assertStringIncludes(command, `--allow-net=${new URL(url).host} `);
  assert(!command.includes(key), command);
  // The proxy has exited with the launcher, and another one may have its port.
  const line = await runShell(command, { ANTHROPIC_BASE_URL: "http://127.0.0.1:1" });
  assertEquals(line, "x/y · proxy not reachable\n");
});

const OWN_STATUS_LINE = { statusLine: { type: "command", command: "echo mine" } };

for (
  const path of [
    "home/.claude/settings.json",
    "work/.claude/settings.json",
    "work/.claude/settings.local.json",
  ]
) {
  test(`keeps the user's own status line in ${path}`, async () => {
    await using harness = createHarnessWithClient(respond, { models: MODELS });
    const file = `${harness.folder}/${path}`;
    Deno.mkdirSync(file.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(file, JSON.stringify(OWN_STATUS_LINE));
    const [, { settings }] = await launch(harness);
    assertEquals(settings["statusLine"], undefined);
  });
}

test("keeps the status line of --settings", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const args = ["--settings", JSON.stringify(OWN_STATUS_LINE)];
  const [, { settings }] = await launch(harness, { args });
  assertEquals(settings["statusLine"], OWN_STATUS_LINE.statusLine);
});

test("accepts its own key and the user's, and prints the cost in one line at the end", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const env = { FAKE: "send", PROXY_API_KEYS: "users-own-key", LOG_LEVEL: "debug" };
  const [ended] = await launch(harness, { env });
  assertEquals(ended, {
    code: 0,
    stdout: "200 message\n200 message\n401 error\n",
    // A request with an invalid key does not count.
    stderr: "claudeproxy: 2 requests, 2,400 tokens in, 60 out, $0.5000\n",
  });
  assertEquals(harness.upstream.requests.map(({ headers }) => headers.get("authorization")), [
    `Bearer ${KEY}`,
    `Bearer ${KEY}`,
  ]);
});

test("adds its requests to the history of the user's settings, and warns if that is not possible", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const folder = `${harness.home}/.config/claudeproxy`;
  Deno.mkdirSync(folder, { recursive: true });
  const env = { FAKE: "send", OPENROUTER_API_KEY: "", OPENROUTER_BASE_URL: "" };
  const own = `OPENROUTER_API_KEY=${KEY}\nOPENROUTER_BASE_URL=${harness.upstream.baseUrl}\n`;
  Deno.writeTextFileSync(`${folder}/.env`, `HISTORY=history.db\n${own}`, { mode: 0o600 });
  await launch(harness, { env });
  const count = "SELECT COUNT(*) AS count FROM requests";
  assertEquals(query(`${folder}/history.db`, count), [{ count: 1 }]);
  const [ended] = await launch(harness, { env: { ...env, HISTORY: folder } });
  assertStringIncludes(
    ended.stderr,
    `claudeproxy: The history ${folder} cannot be used: it is not`,
  );
});

test("hides the proxy's keys from Claude Code, wherever the user has set them", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const keys = { OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: "users-own-key-0123" };
  const args = ["--settings", JSON.stringify({ env: keys })];
  const [, { env, settings }] = await launch(harness, { args, env: keys });
  for (const name of ["OPENROUTER_API_KEY", "PROXY_API_KEYS"]) {
    // Blank rather than missing, so that it overrides the user's stored settings too.
    assertEquals([env[name], settings.env[name]], [undefined, ""], name);
  }
  const all = JSON.stringify([env, settings]);
  for (const key of Object.values(keys)) assert(!all.includes(key), all);
});

test("reports an unknown cost", async () => {
  const { cost: _cost, ...usage } = PRICED;
  await using harness = createHarnessWithClient(() =>
    Response.json({ ...completion("Hello"), usage })
  );
  const [{ stderr }] = await launch(harness, { env: { FAKE: "send" } });
  assertStringIncludes(stderr, "1,200 tokens in, 30 out, cost unknown\n");
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"] as const) {
  test(`forwards ${signal} and removes the settings file`, async () => {
    await using harness = createHarnessWithClient(respond, { models: MODELS });
    const env = { REPORT: `${harness.folder}/report.json`, FAKE: signal };
    const running = harness.start({
      env,
      onLine: (line) => line.startsWith("ready ") ? signal : null,
    });
    const ended = await running.ended;
    assertEquals([ended.code, harness.listTemporary()], [42, []], ended.stderr);
  });
}

for (const [signal, code] of [["SIGKILL", 137], ["SIGABRT", 134]] as const) {
  test(`removes the settings file after ${signal} of Claude Code, and exits with ${code}`, async () => {
    await using harness = createHarnessWithClient(respond, { models: MODELS });
    const [ended, { path }] = await launch(harness, { env: { FAKE: `crash ${signal}` } });
    assertEquals([ended.code, ended.stderr], [code, "claudeproxy: no requests\n"]);
    assertEquals([harness.listTemporary(), await exists(path)], [[], false]);
  });
}

test("removes the settings files of launchers that were killed, and no others", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  // No process has this id: the maximum of Linux is 4,194,304, that of macOS is lower.
  const stale = "claudeproxy-99999999-abc.json";
  const kept = [
    `claudeproxy-${Deno.pid}-abc.json`,
    "claudeproxy-abc.json",
    "other-99999999-a.json",
  ];
  for (const name of [stale, ...kept]) {
    Deno.writeTextFileSync(`${harness.folder}/tmp/${name}`, "{}");
  }
  Deno.symlinkSync(
    `${harness.folder}/tmp/other-99999999-a.json`,
    `${harness.folder}/tmp/claudeproxy-99999998-a.json`,
  );
  await launch(harness);
  assertEquals(harness.listTemporary().sort(), [...kept, "claudeproxy-99999998-a.json"].sort());
});

test("that is killed leaves a settings file, which the next one removes", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const env = { REPORT: `${harness.folder}/report.json`, FAKE: "SIGTERM" };
  let client = 0;
  const killed = harness.start({
    env,
    onLine(line) {
      client = Number(/^ready (\d+)/.exec(line)?.[1] ?? 0);
      return client > 0 ? "SIGKILL" : null;
    },
  });
  // Claude Code shares the launcher's standard output, so it has to exit too.
  await killed.child.status;
  Deno.kill(client, "SIGTERM");
  await killed.ended;
  assertEquals(harness.listTemporary().length, 1);
  await launch(harness);
  assertEquals(harness.listTemporary(), []);
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

const hasScript = Deno.build.os === "linux" &&
  await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);

Deno.test({
  name:
    `${hasScript ? "" : "not run, without util-linux' script: "}the launcher passes its terminal ` +
    "to Claude Code, which gets typed signals once",
  ignore: !hasScript,
  async fn() {
    await using harness = createHarnessWithClient(respond, { models: MODELS });
    const { code, stdout } = await harness.run({
      env: { REPORT: `${harness.folder}/report.json`, FAKE: "terminal" },
      hasTerminal: true,
      onLine: (line) => line.startsWith("terminal") ? { typed: "\x03" } : null,
    });
    assertStringIncludes(stdout, "terminal true,true,true");
    assertStringIncludes(stdout, "claudeproxy: no requests");
    assertEquals([code, harness.listTemporary()], [41, []]);
  },
});

test("uses the next port if its own is in use", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const listener = await listenOn(17_891);
  try {
    const [, { settings }] = await launch(harness);
    const port = Number(new URL(settings.env["ANTHROPIC_BASE_URL"] ?? "").port);
    assert(port > 17_891 && port < 17_911, `${port}`);
  } finally {
    listener?.close();
  }
});

/**
 * Waits for the launchers of tests that run in parallel. Null if another program keeps the port, which has the same
 * effect.
 */
async function listenOn(port: number): Promise<Deno.Listener | null> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return null;
}

test("merges the user's own --settings, from a file in the current folder or as JSON", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const mine = { model: "haiku", env: { MINE: "1", ANTHROPIC_BASE_URL: "http://evil.invalid" } };
  Deno.writeTextFileSync(`${harness.work}/mine.json`, JSON.stringify(mine));
  for (const option of ["mine.json", `${harness.work}/mine.json`, JSON.stringify(mine)]) {
    const [, { args, settings }] = await launch(harness, { args: ["--settings", option, "-p"] });
    assertEquals(args.slice(2), ["-p"]);
    assertEquals([settings["model"], settings.env["MINE"]], ["haiku", "1"]);
    assertMatch(settings.env["ANTHROPIC_BASE_URL"] ?? "", /^http:\/\/127\.0\.0\.1:/);
  }
  assertFailed(
    await harness.run({ args: ["--settings", "gone.json"] }),
    "gone.json",
    "cannot be read",
  );
});

test("reports that the model picker stays short if the user has disabled discovery", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const env = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" };
  const message = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC is set";
  const [first] = await launch(harness, { env });
  assertStringIncludes(first.stderr, message);
  Deno.mkdirSync(`${harness.home}/.claude`);
  Deno.writeTextFileSync(`${harness.home}/.claude/settings.json`, JSON.stringify({ env }));
  const [second] = await launch(harness);
  assertStringIncludes(second.stderr, message);
});

test("sets a context length below Claude Code's minimum", async () => {
  await using harness = createHarnessWithClient(respond, {
    models: [{ id: "z-ai/glm-5", context_length: 8192 }],
  });
  const [{ stderr }, { settings }] = await launch(harness, { env: { TARGET_MODEL_BIG: "" } });
  assertEquals(stderr, "claudeproxy: no requests\n");
  assertEquals(settings.env["ANTHROPIC_DEFAULT_OPUS_MODEL"], "z-ai/glm-5");
  assertEquals(settings.env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"], "8192");
});

test("explains a model id that Claude Code saves as the user's default model", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const path = `${harness.home}/.claude/settings.json`;
  Deno.mkdirSync(`${harness.home}/.claude`);
  Deno.writeTextFileSync(path, '{"model":"opus"}');
  const env = { FAKE: "save x-ai/grok-9" };
  const [first] = await launch(harness, { env });
  assertStringIncludes(first.stderr, "claudeproxy: /model saved x-ai/grok-9 as your default");
  assertStringIncludes(first.stderr, "type /model opus there\n");
  assertEquals(Deno.readTextFileSync(path), '{"model":"x-ai/grok-9"}');
  const [second] = await launch(harness, { env });
  assertEquals(second.stderr, "claudeproxy: no requests\n");
});

test("starts without context lengths if the model list does not arrive in time", async () => {
  await using harness = createHarnessWithClient(respond);
  await using silent = startSilentUpstream();
  const startedAt = performance.now();
  const [{ code, stderr }, { settings }] = await launch(harness, {
    env: { OPENROUTER_BASE_URL: silent.baseUrl },
  });
  const tookMs = performance.now() - startedAt;
  assert(tookMs > 1900 && tookMs < 6000, `It took ${tookMs} ms`);
  assertEquals([code, settings.env["ANTHROPIC_DEFAULT_OPUS_MODEL"]], [0, "z-ai/glm-5[1m]"]);
  assertEquals(settings["autoCompactWindow"], 200_000);
  assertStringIncludes(stderr, "The context length of z-ai/glm-5, openai/gpt-5 is unknown");
});

Deno.test("the launcher explains how to install Claude Code if it is missing", async () => {
  await using harness = createHarness(respond);
  const ended = await harness.run({ env: { CLAUDE_BIN: `${harness.folder}/nothing-here` } });
  assertFailed(ended, "is not installed", "npm install -g @anthropic-ai/claude-code", "CLAUDE_BIN");
  assertEquals(harness.listTemporary(), []);
});

test("reports a CLAUDE_BIN that cannot be run", async () => {
  await using harness = createHarness(respond);
  const path = `${harness.folder}/no-program`;
  Deno.writeTextFileSync(path, "text", { mode: 0o644 });
  const ended = await harness.run({ env: { CLAUDE_BIN: path } });
  assertFailed(ended, `Claude Code (${path}) cannot be run: `, "CLAUDE_BIN");
});

Deno.test("the launcher names its ports if all are in use", async () => {
  await using harness = createHarness(respond);
  const lib = new URL("../../lib/cli/claude/claude.ts", import.meta.url);
  // Really using twenty ports would disturb other tests.
  const script = `
    Deno.serve = () => { throw new Deno.errors.AddrInUse("taken"); };
    const { runClaude } = await import("${lib}");
    await runClaude([], { name: "x", version: "0" }).catch((error) => console.log(error.message));
  `;
  const map = new URL("../../tools/jsr_fallback/import_map.json", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", `--import-map=${map}`, script],
    env: { HOME: harness.home, OPENROUTER_API_KEY: "sk-or-v1-ports", NO_COLOR: "1" },
    clearEnv: true,
    cwd: harness.work,
  }).output();
  const message = new TextDecoder().decode(stdout);
  assertEquals(message, "127.0.0.1:17891 to 17910 are in use: stop a program that uses one\n");
});

Deno.test("the launcher fails with one line without an API key", async () => {
  await using harness = createHarness(respond);
  const env = { OPENROUTER_API_KEY: "" };
  const file = `${harness.home}/.config/claudeproxy/.env`;
  assertFailed(
    await harness.run({ env }),
    `into the environment or ${file} (claude does not read the .env of a`,
  );
  Deno.writeTextFileSync(`${harness.work}/.env`, `OPENROUTER_API_KEY=${KEY}\n`);
  assertFailed(await harness.run({ env }), "OPENROUTER_API_KEY is not set");
});

test("starts without an API key in front of another server that needs none", async () => {
  await using harness = createHarnessWithClient(respond);
  const env = { OPENROUTER_API_KEY: "", UPSTREAM_DIALECT: "openai" };
  const [{ code }, { settings }] = await launch(harness, { env });
  assertEquals(code, 0);
  // The proxy's own key, so that other programs of this machine cannot use it.
  assertMatch(settings.env["ANTHROPIC_AUTH_TOKEN"] ?? "", /^\S{16,}$/);
});

test("resolves --env-file in the folder it was called in, and keeps Claude Code's arguments", async () => {
  await using harness = createHarnessWithClient(respond, { models: MODELS });
  const text = `OPENROUTER_API_KEY=${KEY}\nOPENROUTER_BASE_URL=${harness.upstream.baseUrl}\n`;
  Deno.writeTextFileSync(`${harness.work}/mine.env`, text, { mode: 0o600 });
  const env = { OPENROUTER_API_KEY: "", OPENROUTER_BASE_URL: "", FAKE: "send" };
  const rest = ["-p", "--env-file", "x"];
  const [{ code, stdout }, report] = await launch(harness, {
    args: ["--env-file", "mine.env", ...rest],
    env,
  });
  assertEquals([code, stdout.split("\n")[0]], [0, "200 message"]);
  assertEquals(report.args.slice(2), rest);
});

for (const missing of ["run", "env", "read", "write"]) {
  Deno.test(`the launcher names the command to use without permission to ${missing}`, async () => {
    await using harness = createHarness(respond);
    const flags = ["-A", `--deny-${missing}`];
    assertFailed(await harness.run({ flags }), "No permission", "deno run -A", "main.ts claude");
  });
}
