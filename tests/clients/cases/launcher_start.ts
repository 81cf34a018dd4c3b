/**
 * The launcher with the real Claude Code: errors that are reported before it starts, the closing lines, the link to the
 * dashboard, and the start from another folder. With -p and in a terminal.
 * @module
 */

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { finish } from "../../helpers/process.ts";
import { NOWHERE } from "../../helpers/unused_port.ts";
import { type Harness, KEY } from "../../helpers/launcher.ts";
import { errorBody } from "../../helpers/upstream.ts";
import { GLM, launch, readOwnLines, startHarness, withClient } from "../launcher.ts";
import { skipQuestions, startInTerminal, testInTerminal } from "../terminal.ts";
import { type ChatReply, textReply, toolCallReply } from "../replies.ts";
import { test } from "../claude_session.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const NOT_STARTED = "claudeproxy: Claude Code was not started: ";
/** With the start of the launcher. */
const AT_ONCE_MS = 3000;

/** The runtime's warnings, of which none may appear. */
const WARNING = /legacy|unstable|request\.signal|warning:/i;

const PROBLEMS: readonly {
  about: string;
  env?: () => Record<string, string>;
  key?: () => Response;
  message: RegExp;
}[] = [
  {
    about: "an upstream that cannot be reached",
    env: () => ({ OPENROUTER_BASE_URL: NOWHERE }),
    message: /cannot be reached: .*refused.*; check the network, OPENROUTER_BASE_URL/,
  },
  {
    about: "a host that does not exist",
    env: () => ({ OPENROUTER_BASE_URL: "http://nowhere.invalid/api/v1", HTTPS_PROXY: "" }),
    message: /nowhere\.invalid\/api\/v1 cannot be reached: .*; check the network/,
  },
  {
    about: "a key that upstream rejects",
    key: () => errorBody(401, "User not found."),
    message: /127\.0\.0\.1:\d+ rejects OPENROUTER_API_KEY: User not found/,
  },
];

for (const { about, env = () => ({}), key, message } of PROBLEMS) {
  test(`is not started by the launcher with -p and ${about}`, async () => {
    await using harness = startHarness(textReply("Hello"), {}, { ...(key && { key }) });
    const startedAt = performance.now();
    const exit = await launch(harness, { args: ["-p", "Say hello"], env: env() });
    assertLess(performance.now() - startedAt, AT_ONCE_MS);
    assertEquals([exit.code, exit.stdout], [1, ""]);
    const [line = "", ...more] = exit.stderr.trimEnd().split("\n");
    assert(line.startsWith(NOT_STARTED), line);
    assertMatch(line, message);
    assertEquals(more, []);
    assertEquals(harness.upstream.requests.length, 0);
  });
}

test("started by the launcher with -p and an unknown model names the closest ids first", async () => {
  const rejected = errorBody(400, "z-ai/glm-55 is not a valid model ID");
  await using harness = startHarness(() => rejected.clone());
  const startedAt = performance.now();
  const exit = await launch(harness, {
    args: ["-p", "Say hello"],
    env: { TARGET_MODEL_OPUS: "z-ai/glm-55" },
  });
  assertLess(performance.now() - startedAt, 15_000);
  const lines = readOwnLines(exit);
  assertEquals(
    lines[0],
    `claudeproxy: z-ai/glm-55: not in the catalog; closest ids: ${GLM}; change TARGET_MODEL_OPUS`,
  );
  assertMatch(lines.at(-1) ?? "", /\d+ requests? \(\d+ failed\), .*; last error: z-ai\/glm-55 is/);
  assertStringIncludes(exit.stdout, "z-ai/glm-55");
});

/** A reply of another model than the one that was requested, as of a fallback. */
function replyAs(model: string, reply: ChatReply): ChatReply {
  return async (request) => {
    const response = await reply(request);
    const text = (await response.text()).replace(/"model":"[^"]*"/g, `"model":"${model}"`);
    return new Response(text, response);
  };
}

test("started by the launcher closes with a line for each model", async () => {
  const call = toolCallReply({ name: "Bash", input: { command: "true", description: "Look" } });
  await using harness = startHarness((request) => {
    const isDone = request.messages.some(({ role }) => role === "tool");
    return (isDone ? replyAs("vendor/fallback", textReply("Done")) : replyAs(GLM, call))(request);
  });
  const args = ["-p", "--allowedTools", "Bash", "--", "Look"];
  const exit = await launch(harness, { args });
  assertEquals([exit.code, exit.stdout], [0, "Done\n"], exit.stderr);
  const [total, ...models] = readOwnLines(exit);
  assertMatch(total ?? "", /^claudeproxy: 2 requests, [\d,]+ tokens in, \d+ out, \$\d/);
  assertEquals(models.map((line) => line.replace(/: 1 request, \$[\d.]+$/, "")).sort(), [
    "claudeproxy: vendor/fallback",
    `claudeproxy: ${GLM}`,
  ]);
  assert(!WARNING.test(readOwnLines(exit).join("\n")));
});

testInTerminal("is not started by the launcher in a terminal without an upstream", async () => {
  await using harness = startHarness(textReply("Hello"));
  const startedAt = performance.now();
  const env = { OPENROUTER_BASE_URL: NOWHERE };
  await using terminal = await startInTerminal(harness, { env });
  const text = await terminal.waitFor(/exit code 1/);
  assertLess(performance.now() - startedAt, AT_ONCE_MS);
  assertMatch(text, /^claudeproxy: Claude Code was not started: http.* cannot be reached/m);
  assertEquals(text.match(/^claudeproxy: /gm)?.length, 1, text);
});

testInTerminal("is not started by the launcher in a terminal with a rejected key", async () => {
  const key = () => errorBody(401, "User not found.");
  await using harness = startHarness(textReply("Hello"), {}, { key });
  await using terminal = await startInTerminal(harness);
  const text = await terminal.waitFor(/exit code 1/);
  assertMatch(text, /^claudeproxy: Claude Code was not started: .* rejects OPENROUTER_API_KEY/m);
});

testInTerminal(
  "started by the launcher in a terminal has a link to the dashboard, which works once",
  async () => {
    await using harness = startHarness(textReply("Hello from the model"));
    skipQuestions(harness);
    const env = { TARGET_MODEL_BIG: "vendor/unlisted" };
    await using terminal = await startInTerminal(harness, { env });
    const start = await terminal.waitFor(/❯/);
    assertStringIncludes(start, "claudeproxy: vendor/unlisted: not in the catalog");
    const url = /dashboard \(this link works once\): (\S+)/.exec(start)?.[1] ?? "";
    await terminal.press("Say hello");
    await terminal.press("Enter");
    await terminal.waitFor(/● Hello from the model/);
    const page = await fetch(url, { headers: { accept: "text/html" } });
    assertStringIncludes(await page.text(), "<!doctype html>");
    const cookie = page.headers.get("set-cookie")?.split(";")[0] ?? "";
    const stats = await fetch(new URL("/stats", url), { headers: { cookie } });
    const { totals } = await stats.json();
    assertEquals([page.status, stats.status, totals.requests > 0], [200, 200, true]);
    const messages = await fetch(new URL("/v1/messages", url), {
      method: "POST",
      headers: { cookie, "content-type": "application/json" },
      body: "{}",
    });
    const again = await fetch(url);
    assertEquals([messages.status, again.status], [401, 401]);
    await messages.body?.cancel();
    await again.body?.cancel();
    await terminal.press("/exit");
    await terminal.press("Enter");
    const end = await terminal.waitFor(/exit code 0/);
    assertMatch(end, /claudeproxy: \d+ requests?, [\d,]+ tokens in/);
    assert(!WARNING.test(end), end);
  },
);

/** Runs a form of the launcher in the working directory of the harness, with -p. */
async function runForm(harness: Harness, command: string[], more: Record<string, string> = {}) {
  const { env = {} } = await withClient({});
  const base = harness.toCommand({ env });
  const [program = "", ...args] = [...command, "-p", "Say hello"];
  const options = { args, env: { ...base.env, ...more }, clearEnv: true, cwd: base.cwd };
  const child = new Deno.Command(program, {
    ...options,
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  return await finish(child);
}

test("started with deno task --cwd works in the folder of another project", async () => {
  await using harness = startHarness(textReply("Hello"));
  const command = [Deno.execPath(), "task", "--cwd", ROOT, "claude"];
  const { code, stdout, stderr } = await runForm(harness, command);
  assertEquals([code, stdout], [0, "Hello\n"], stderr);
  const request = harness.upstream.requests[0];
  assertEquals(request?.headers.get("authorization"), `Bearer ${KEY}`);
  assertStringIncludes(request?.text ?? "", Deno.realPathSync(harness.work));
  assert(!WARNING.test(stderr.replaceAll("--no-prompt", "")), stderr);
});

test("started by the bundle works in the folder of another project", async () => {
  await using harness = startHarness(textReply("Hello"));
  const bundle = `${harness.folder}/claudeproxy.js`;
  const built = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--no-lock", "--import-map=tools/jsr_fallback/import_map.json"],
      ...["-o", bundle, "main.ts"],
    ],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  assertEquals(built.code, 0, new TextDecoder().decode(built.stderr));
  const command = [Deno.execPath(), "run", "--no-config", "-A", bundle, "claude"];
  const { code, stdout, stderr } = await runForm(harness, command);
  assertEquals([code, stdout], [0, "Hello\n"], stderr);
  assertStringIncludes(
    harness.upstream.requests[0]?.text ?? "",
    Deno.realPathSync(harness.work),
  );
  assert(!WARNING.test(stderr), stderr);
});
