/**
 * The launcher with the real Claude Code, in homes and projects whose settings name another server.
 * @module
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { KEY } from "../../helpers/launcher.ts";
import {
  GLM,
  launch,
  readOwnLines,
  runLauncher,
  SONNET,
  startHarness,
  toChatRequest,
  WINDOW,
  writeSettings,
} from "../launcher.ts";
import {
  type ChatReply,
  errorReply,
  messageReply,
  readLastResult,
  readTexts,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { test } from "../claude_session.ts";

const OVERFLOW =
  `This endpoint's maximum context length is ${WINDOW} tokens. However, you requested ` +
  "about 140000 tokens. Please reduce the length.";

/** Settings that would bypass the proxy or send it a wrong key. */
const CONFLICTING = {
  apiKeyHelper: "echo sk-ant-from-a-helper",
  autoCompactWindow: 900_000,
  env: {
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
    ANTHROPIC_AUTH_TOKEN: "token-of-another-proxy",
    ANTHROPIC_API_KEY: "sk-ant-from-the-settings",
    ANTHROPIC_CUSTOM_HEADERS: "authorization: Bearer from-the-headers",
    ANTHROPIC_DEFAULT_OPUS_MODEL: "glm-of-another-proxy",
    CLAUDE_CODE_AUTO_COMPACT_WINDOW: "900000",
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
  },
};

const HOMES: [about: string, settings: JsonObject][] = [
  ["no settings", {}],
  ["conflicting settings", CONFLICTING],
  ["settings that send loopback through a proxy", {
    env: {
      HTTP_PROXY: "http://127.0.0.1:9",
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "",
      no_proxy: "",
    },
  }],
  // One at a time: the client rejects several at once.
  ["settings for Bedrock", { env: { CLAUDE_CODE_USE_BEDROCK: "1" } }],
  ["settings for Vertex", { env: { CLAUDE_CODE_USE_VERTEX: "1" } }],
  ["settings for Foundry", { env: { CLAUDE_CODE_USE_FOUNDRY: "1" } }],
];

for (const [about, settings] of HOMES) {
  test(`started by the launcher in a home with ${about} uses the mapped model`, async () => {
    await using harness = startHarness(textReply("Hello"), settings);
    const exit = await runLauncher(harness, "-p", "Say hello");
    assertEquals([exit.code, exit.stdout], [0, "Hello\n"], exit.stderr);
    assertEquals(harness.upstream.requests.map(({ body }) => body["model"]), [GLM]);
    assertEquals(harness.upstream.requests[0]?.headers.get("authorization"), `Bearer ${KEY}`);
    const [line, ...more] = readOwnLines(exit);
    assert(
      /^claudeproxy: 1 request, [\d,]+ tokens in, \d+ out, \$0\.\d{4}$/.test(line ?? ""),
      line,
    );
    assertEquals(more, []);
    assertFalse(harness.listTemporary().some((name) => name.startsWith("claudeproxy-")));
  });
}

test("started by the launcher runs commands without the proxy's keys that the user's settings set", async () => {
  const proxyKey = "team-key-0123456789";
  const input = { command: "env", description: "Show the environment" };
  const callReply = toolCallReply({ name: "Bash", input });
  const reply: ChatReply = (request) =>
    (readLastResult(request) === "" ? callReply : textReply("Done"))(request);
  const env = { OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: proxyKey };
  await using harness = startHarness(reply, { env });
  const args = ["-p", "--allowedTools", "Bash", "--", "Show the environment"];
  const exit = await runLauncher(harness, ...args);
  assertEquals([exit.code, exit.stdout], [0, "Done\n"], exit.stderr);
  const result = readLastResult(harness.upstream.requests.map(toChatRequest).at(-1));
  assertStringIncludes(result, "HOME=");
  for (const key of [KEY, proxyKey]) assertFalse(result.includes(key), result);
});

for (const name of ["settings.json", "settings.local.json"]) {
  test(`started by the launcher in a project with a conflicting ${name} uses the mapped model`, async () => {
    await using harness = startHarness(textReply("Hello"));
    writeSettings(`${harness.work}/.claude/${name}`, CONFLICTING);
    const exit = await runLauncher(harness, "-p", "Say hello");
    assertEquals([exit.code, exit.stdout], [0, "Hello\n"], exit.stderr);
    assertEquals(harness.upstream.requests.map(({ body }) => body["model"]), [GLM]);
    assertEquals(harness.upstream.requests[0]?.headers.get("authorization"), `Bearer ${KEY}`);
  });
}

test("started by the launcher prints its version without a request", async () => {
  await using harness = startHarness(textReply("Hello"));
  const exit = await runLauncher(harness, "--version");
  assertEquals([exit.code, readOwnLines(exit)], [0, ["claudeproxy: no requests"]]);
  assertStringIncludes(exit.stdout, "(Claude Code)");
});

test("started by the launcher caches the models for its model picker", async () => {
  await using harness = startHarness(textReply("Hello"));
  // The list leaves out targets, which have rows of their own.
  await launch(harness, { args: ["-p", "Say hello"], env: { TARGET_MODEL_BIG: GLM } });
  const path = `${harness.home}/.claude/cache/gateway-models.json`;
  assertStringIncludes(await Deno.readTextFile(path), SONNET);
});

test("started by the launcher accepts the user's settings, --resume and subcommands", async () => {
  await using harness = startHarness(textReply("Hello"));
  const settings = '{"env":{"ANTHROPIC_DEFAULT_OPUS_MODEL":"vendor/own"}}';
  const first = await runLauncher(harness, "--settings", settings, "-p", "One");
  const second = await runLauncher(harness, "-p", "--continue", "Two");
  assertEquals([first.code, second.code], [0, 0], second.stderr);
  const [one, two] = harness.upstream.requests;
  assertEquals([one?.body["model"], two?.body["model"]], ["vendor/own", GLM]);
  assertStringIncludes(two?.text ?? "", "One");
  const list = await runLauncher(harness, "mcp", "list");
  assertEquals([list.code, readOwnLines(list)], [0, ["claudeproxy: no requests"]]);
});

/**
 * A model of 131,072 tokens: each tool result adds a sixth of its window, and it rejects requests that do not fit.
 * It is done after twelve calls.
 */
function simulateSmallWindow() {
  const compactedAt: number[] = [];
  const counts = { rejected: 0, calls: 0, compactedAt };
  let tokens = 0;
  const reply: ChatReply = (request) => {
    if (readTexts(request, "user").includes("create a detailed summary")) {
      counts.compactedAt.push(tokens);
      return textReply("<summary>It ran echo.</summary>")(request);
    }
    const results = request.messages.filter(({ role }) => role === "tool").length;
    tokens = 30_000 + 20_000 * results;
    if (tokens > WINDOW) {
      counts.rejected++;
      return errorReply(400, OVERFLOW)(request);
    }
    if (counts.calls++ >= 12) return textReply("Done")(request);
    const usage = { prompt_tokens: tokens, completion_tokens: 100 };
    const call = { name: "Bash", input: { command: `echo ${counts.calls}` } };
    return messageReply({ calls: [call], usage })(request);
  };
  return { counts, reply };
}

const LONG_RUN = ["-p", "--allowedTools", "Bash", "--", "Run echo"];

test("started by the launcher compacts before the overflow of a model of 131,072 tokens", async () => {
  const { counts, reply } = simulateSmallWindow();
  await using harness = startHarness(reply, CONFLICTING);
  const exit = await runLauncher(harness, ...LONG_RUN);
  assertEquals([exit.code, exit.stdout], [0, "Done\n"], exit.stderr);
  assertEquals(counts.rejected, 0);
  assert(counts.compactedAt.length >= 1, "no compaction");
  assert(
    counts.compactedAt.every((tokens) => tokens <= WINDOW),
    `compacted at ${counts.compactedAt}`,
  );
  const last = harness.upstream.requests.map(toChatRequest).at(-1);
  assertStringIncludes(readTexts(last), "It ran echo.");
});

test("started by the launcher with a larger auto-compact window from the user overflows (control for the case above)", async () => {
  const { counts, reply } = simulateSmallWindow();
  await using harness = startHarness(reply);
  const settings = '{"env":{"CLAUDE_CODE_AUTO_COMPACT_WINDOW":"1000000"}}';
  await runLauncher(harness, "--settings", settings, ...LONG_RUN);
  assert(counts.rejected > 0);
});
