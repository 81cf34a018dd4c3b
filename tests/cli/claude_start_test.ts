/**
 * `main.ts claude` as a process, before and after Claude Code runs: errors that are reported at once, the link to the
 * dashboard, the closing lines, and the start from another folder. Claude Code is a script that sends one request for
 * each model in SEND, and then waits until the file DONE exists.
 * @module
 */

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import { createHarness, type Harness, KEY, type Launch } from "../helpers/launcher.ts";
import { NOWHERE } from "../helpers/unused_port.ts";
import { errorBody, type Reply, startSilentUpstream } from "../helpers/upstream.ts";

const HAS_SHEBANG = Deno.build.os !== "windows";
const ROOT = new URL("../../", import.meta.url).pathname;
const MODELS = [
  { id: "z-ai/glm-5", context_length: 200_000 },
  { id: "openai/gpt-5", context_length: 400_000 },
];
const TARGETS = { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_BIG: "openai/gpt-5" };

const CLIENT = `#!/usr/bin/env -S deno run -A --quiet --no-lock --no-config --ext=js
const { env } = JSON.parse(Deno.readTextFileSync(Deno.args[1]));
for (const model of (Deno.env.get("SEND") ?? "").split(",").filter((name) => name !== "")) {
  await (await fetch(env.ANTHROPIC_BASE_URL + "/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": env.ANTHROPIC_AUTH_TOKEN },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }),
  })).text();
}
const done = Deno.env.get("DONE");
while (done !== undefined && !(await Deno.stat(done).then(() => true, () => false))) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log("started in " + Deno.cwd());
`;

const respond: Reply = ({ body }) =>
  Response.json({
    ...completion("Hello"),
    model: body["model"],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, cost: 0.25 },
  });

function createHarnessWithClient(
  options: Parameters<typeof createHarness>[1] = {},
  reply: Parameters<typeof createHarness>[0] = respond,
): Harness {
  const harness = createHarness(reply, { models: MODELS, ...options });
  Deno.mkdirSync(`${harness.folder}/bin`);
  Deno.writeTextFileSync(`${harness.folder}/bin/claude`, CLIENT, { mode: 0o755 });
  return harness;
}

async function launch(harness: Harness, { env, ...more }: Launch = {}) {
  const startedAt = performance.now();
  const ended = await harness.run({ ...more, env: { ...TARGETS, ...env } });
  return { ...ended, tookMs: performance.now() - startedAt };
}

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `the launcher ${name}`, ignore: !HAS_SHEBANG, fn });
}

/** The start of the program takes most of it. */
const AT_ONCE_MS = 10_000;

test("does not start Claude Code if upstream cannot be reached", async () => {
  await using harness = createHarnessWithClient();
  const ended = await launch(harness, { env: { OPENROUTER_BASE_URL: NOWHERE } });
  assertEquals([ended.code, ended.stdout], [1, ""]);
  const [line = "", ...more] = ended.stderr.trimEnd().split("\n");
  assertEquals(more, []);
  assert(line.startsWith(`claudeproxy: Claude Code was not started: ${NOWHERE} cannot`), line);
  assertStringIncludes(line, "check the network, OPENROUTER_BASE_URL");
  assertLess(ended.tookMs, AT_ONCE_MS);
});

test("does not start Claude Code with a key that upstream rejects", async () => {
  const key = () => errorBody(401, `User not found: ${KEY} \x1b[2J`);
  await using harness = createHarnessWithClient({ key });
  const { code, stdout, stderr, tookMs } = await launch(harness);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    /^claudeproxy: Claude Code was not started: 127\.0\.0\.1:\d+ rejects OPENROUTER_API_KEY: [^\n]+\n$/,
  );
  // deno-lint-ignore no-control-regex
  assert(!stderr.includes(KEY) && !/\x1b/.test(stderr), stderr);
  assertLess(tookMs, AT_ONCE_MS);
});

test("warns of a model that is not in the catalog, and starts Claude Code", async () => {
  await using harness = createHarnessWithClient();
  const ended = await launch(harness, { env: { TARGET_MODEL_OPUS: "z-ai/glm-55" } });
  assertEquals(ended.code, 0, ended.stderr);
  assertStringIncludes(ended.stdout, "started in");
  assertMatch(
    ended.stderr,
    /^claudeproxy: z-ai\/glm-55: not in the catalog; closest ids: z-ai\/glm-5[^\n]*; change TARGET_MODEL_OPUS\n/,
  );
});

test("warns of an upstream that does not respond in time, and starts Claude Code", async () => {
  await using harness = createHarnessWithClient();
  await using silent = startSilentUpstream();
  const ended = await launch(harness, { env: { OPENROUTER_BASE_URL: silent.baseUrl } });
  assertEquals(ended.code, 0, ended.stderr);
  assertStringIncludes(ended.stdout, "started in");
  assertStringIncludes(ended.stderr, `${silent.baseUrl} cannot be reached: no response in time`);
});

test("waits for model list and key report at the same time", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using harness = createHarnessWithClient({ key: () => errorBody(500, "Down") });
  await using slow = createSlowUpstream(promise);
  const ended = await launch(harness, { env: { OPENROUTER_BASE_URL: slow.baseUrl } });
  resolve(new Response());
  assertEquals(ended.code, 0, ended.stderr);
  assertEquals(slow.paths.sort(), ["/api/v1/key", "/api/v1/models"]);
});

/** Responds to nothing until the promise resolves. */
function createSlowUpstream(promise: Promise<Response>) {
  const paths: string[] = [];
  const abort = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: abort.signal };
  const server = Deno.serve(options, (request) => {
    paths.push(new URL(request.url).pathname);
    return promise.then((response) => response.clone());
  });
  return {
    paths,
    baseUrl: `http://127.0.0.1:${server.addr.port}/api/v1`,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await server.finished;
    },
  };
}

test("closes with a line for each model, and the last error", async () => {
  let count = 0;
  await using harness = createHarnessWithClient(
    {},
    (request) => count++ === 3 ? errorBody(402, "Insufficient credits") : respond(request),
  );
  const { code, stderr } = await launch(harness, { env: { SEND: "opus,sonnet,opus,opus" } });
  assertEquals(code, 0);
  const lines = stderr.trimEnd().split("\n").map((line) => line.replace("claudeproxy: ", ""));
  assertEquals(lines.slice(0, 3), [
    "4 requests (1 failed), 30 tokens in, 15 out, $0.7500",
    "z-ai/glm-5: 3 requests (1 failed), $0.5000",
    "openai/gpt-5: 1 request, $0.2500",
  ]);
  assertMatch(lines[3] ?? "", /^last error: .*Insufficient credits/);
  assertEquals(lines.length, 4, stderr);
});

test("shows how to create the settings file without a key, and the commands work", async () => {
  await using harness = createHarnessWithClient();
  const env = { OPENROUTER_API_KEY: "", OPENROUTER_BASE_URL: "" };
  const { code, stderr } = await launch(harness, { env });
  assertEquals(code, 1);
  const file = `${harness.home}/.config/claudeproxy/.env`;
  const [, command = ""] = /run: (\(.*\)) then type OPENROUTER_API_KEY=sk-or-…/.exec(stderr) ?? [];
  assertStringIncludes(command, file);
  const lines = [`OPENROUTER_API_KEY=${KEY}`, `OPENROUTER_BASE_URL=${harness.upstream.baseUrl}`];
  const shell = new Deno.Command("sh", { args: ["-c", command], stdin: "piped" }).spawn();
  const writer = shell.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
  await writer.close();
  assertEquals((await shell.status).code, 0);
  assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  const again = await launch(harness, { env });
  assertEquals([again.code, again.stderr], [0, "claudeproxy: no requests\n"]);
});

const HAS_SCRIPT = Deno.build.os === "linux" &&
  await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);

Deno.test({
  name: `${HAS_SCRIPT ? "" : "not run, without util-linux' script: "}the launcher prints a link ` +
    "to the dashboard on a terminal, which works once",
  ignore: !HAS_SCRIPT,
  async fn() {
    await using harness = createHarnessWithClient();
    const done = `${harness.folder}/done`;
    const opened = Promise.withResolvers<unknown[]>();
    const ended = launch(harness, {
      env: { DONE: done },
      hasTerminal: true,
      onLine(line) {
        const url = /dashboard \(this link works once\): (\S+)/.exec(line)?.[1];
        if (url === undefined) return null;
        openTwice(url).then(opened.resolve, opened.reject)
          .finally(() => Deno.writeTextFileSync(done, ""));
        return null;
      },
    });
    const { stdout } = await ended;
    assertEquals(await Promise.race([opened.promise, stdout]), [200, true, 200, 401]);
  },
});

/** Opens the link, reads the data with its cookie, and opens the link again. */
async function openTwice(url: string): Promise<unknown[]> {
  const page = await fetch(url, { headers: { accept: "text/html" } });
  const isPage = (await page.text()).startsWith("<!doctype html>");
  const cookie = page.headers.get("set-cookie")?.split(";")[0] ?? "";
  const stats = await fetch(new URL("/stats", url), { headers: { cookie } });
  await stats.body?.cancel();
  const again = await fetch(url);
  await again.body?.cancel();
  return [page.status, isPage, stats.status, again.status];
}

test("prints no link if standard error is not a terminal", async () => {
  await using harness = createHarnessWithClient();
  assertEquals((await launch(harness)).stderr, "claudeproxy: no requests\n");
});

test("is started in another folder with deno task --cwd, and Claude Code runs in that folder", async () => {
  await using harness = createHarnessWithClient();
  const deno = Deno.execPath();
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: ["task", "--cwd", ROOT, "claude"],
    cwd: harness.work,
    clearEnv: true,
    env: {
      ...Object.fromEntries(["DENO_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
        const value = Deno.env.get(name);
        return value === undefined ? [] : [[name, value]];
      })),
      PATH: [`${harness.folder}/bin`, deno.replace(/\/[^/]*$/, ""), Deno.env.get("PATH")].join(":"),
      HOME: Deno.env.get("HOME") ?? harness.home,
      TMPDIR: `${harness.folder}/tmp`,
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: harness.upstream.baseUrl,
      ...TARGETS,
      SEND: "opus",
    },
    stdin: "null",
  }).output().then((output) => ({
    code: output.code,
    stdout: new TextDecoder().decode(output.stdout),
    stderr: new TextDecoder().decode(output.stderr),
  }));
  assertEquals([code, stdout], [0, `started in ${Deno.realPathSync(harness.work)}\n`], stderr);
  const own = stderr.split("\n").filter((line) => !/^Task |^JSR not reachable/.test(line));
  assertEquals(own, ["claudeproxy: 1 request, 10 tokens in, 5 out, $0.2500", ""]);
});
