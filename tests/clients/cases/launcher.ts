/**
 * The launcher with the real Claude Code, in a home whose settings have another server.
 * @module
 */

import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { KEY } from "../../helpers/launcher.ts";
import {
  GLM,
  readOwnLines,
  runLauncher,
  SONNET,
  startStage,
  toChatRequest,
  WINDOW,
  writeSettings,
} from "../launcher.ts";
import { answers, calls, fails, readLastResult, readTexts, says, type Step } from "../model.ts";
import { test } from "../session.ts";

const OVERFLOW =
  `This endpoint's maximum context length is ${WINDOW} tokens. However, you requested ` +
  "about 140000 tokens. Please reduce the length.";

/** Everything that could lead requests past the proxy, or a wrong key to it. */
const HOSTILE = {
  apiKeyHelper: "echo sk-ant-of-a-helper",
  autoCompactWindow: 900_000,
  env: {
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
    ANTHROPIC_AUTH_TOKEN: "of-another-proxy",
    ANTHROPIC_API_KEY: "sk-ant-of-the-settings",
    ANTHROPIC_CUSTOM_HEADERS: "authorization: Bearer of-the-headers",
    ANTHROPIC_DEFAULT_OPUS_MODEL: "glm-of-another-proxy",
    CLAUDE_CODE_AUTO_COMPACT_WINDOW: "900000",
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
  },
};

const HOMES: [what: string, settings: JsonObject][] = [
  ["no settings", {}],
  ["hostile settings", HOSTILE],
  ["settings that send loopback through a proxy", {
    env: {
      HTTP_PROXY: "http://127.0.0.1:9",
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "",
      no_proxy: "",
    },
  }],
  // One at a time: the client takes several at once for a mistake.
  ["settings for Bedrock", { env: { CLAUDE_CODE_USE_BEDROCK: "1" } }],
  ["settings for Vertex", { env: { CLAUDE_CODE_USE_VERTEX: "1" } }],
  ["settings for Foundry", { env: { CLAUDE_CODE_USE_FOUNDRY: "1" } }],
];

for (const [what, settings] of HOMES) {
  test(`started by the launcher in a home with ${what}, talks to the mapped model`, async () => {
    await using stage = startStage(says("Hello"), settings);
    const ended = await runLauncher(stage, "-p", "Say hello");
    assertEquals([ended.code, ended.stdout], [0, "Hello\n"], ended.stderr);
    assertEquals(stage.upstream.requests.map(({ body }) => body["model"]), [GLM]);
    assertEquals(stage.upstream.requests[0]?.headers.get("authorization"), `Bearer ${KEY}`);
    const [line, ...more] = readOwnLines(ended);
    assert(
      /^claudeproxy: 1 request, [\d,]+ tokens in, \d+ out, \$0\.\d{4}$/.test(line ?? ""),
      line,
    );
    assertEquals(more, []);
    assertFalse(stage.listTemporary().some((name) => name.startsWith("claudeproxy-")));
  });
}

test("started by the launcher runs commands without the proxy's keys in their environment", async () => {
  const proxyKey = "of-a-team-0123456789";
  const step: Step = (request) =>
    readLastResult(request) === ""
      ? calls({ name: "Bash", input: { command: "env", description: "Show the environment" } })(
        request,
      )
      : says("Done")(request);
  const env = { OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: proxyKey };
  await using stage = startStage(step, { env });
  const args = ["-p", "--allowedTools", "Bash", "--", "Show the environment"];
  const ended = await runLauncher(stage, ...args);
  assertEquals([ended.code, ended.stdout], [0, "Done\n"], ended.stderr);
  const result = readLastResult(stage.upstream.requests.map(toChatRequest).at(-1));
  assertStringIncludes(result, "HOME=");
  for (const key of [KEY, proxyKey]) assertFalse(result.includes(key), result);
});

for (const name of ["settings.json", "settings.local.json"]) {
  test(`started by the launcher in a project with a hostile ${name}, talks to the mapped model`, async () => {
    await using stage = startStage(says("Hello"));
    writeSettings(`${stage.work}/.claude/${name}`, HOSTILE);
    const ended = await runLauncher(stage, "-p", "Say hello");
    assertEquals([ended.code, ended.stdout], [0, "Hello\n"], ended.stderr);
    assertEquals(stage.upstream.requests.map(({ body }) => body["model"]), [GLM]);
    assertEquals(stage.upstream.requests[0]?.headers.get("authorization"), `Bearer ${KEY}`);
  });
}

test("started by the launcher prints its version without a request", async () => {
  await using stage = startStage(says("Hello"));
  const ended = await runLauncher(stage, "--version");
  assertEquals([ended.code, readOwnLines(ended)], [0, ["claudeproxy: no requests"]]);
  assertStringIncludes(ended.stdout, "(Claude Code)");
});

test("started by the launcher lists the models of its picker", async () => {
  await using stage = startStage(says("Hello"));
  await runLauncher(stage, "-p", "Say hello");
  const path = `${stage.home}/.claude/cache/gateway-models.json`;
  assertStringIncludes(await Deno.readTextFile(path), SONNET);
});

test("started by the launcher accepts the user's settings, --resume and subcommands", async () => {
  await using stage = startStage(says("Hello"));
  const settings = '{"env":{"ANTHROPIC_DEFAULT_OPUS_MODEL":"vendor/own"}}';
  const first = await runLauncher(stage, "--settings", settings, "-p", "One");
  const second = await runLauncher(stage, "-p", "--continue", "Two");
  assertEquals([first.code, second.code], [0, 0], second.stderr);
  const [one, two] = stage.upstream.requests;
  assertEquals([one?.body["model"], two?.body["model"]], ["vendor/own", GLM]);
  assertStringIncludes(two?.text ?? "", "One");
  const list = await runLauncher(stage, "mcp", "list");
  assertEquals([list.code, readOwnLines(list)], [0, ["claudeproxy: no requests"]]);
});

/**
 * A model of 131,072 tokens: each call's result fills it by a sixth of its window, and it refuses what does not
 * fit. It has what it wanted after twelve calls.
 */
function playSmallWindow() {
  const compacted: number[] = [];
  const seen = { refused: 0, calls: 0, compacted };
  let tokens = 0;
  const step: Step = (request) => {
    if (readTexts(request, "user").includes("create a detailed summary")) {
      seen.compacted.push(tokens);
      return says("<summary>It ran echo.</summary>")(request);
    }
    const results = request.messages.filter(({ role }) => role === "tool").length;
    tokens = 30_000 + 20_000 * results;
    if (tokens > WINDOW) {
      seen.refused++;
      return fails(400, OVERFLOW)(request);
    }
    if (seen.calls++ >= 12) return says("Done")(request);
    const usage = { prompt_tokens: tokens, completion_tokens: 100 };
    const call = { name: "Bash", input: { command: `echo ${seen.calls}` } };
    return answers({ calls: [call], usage })(request);
  };
  return { seen, step };
}

const COMPACTING = ["-p", "--allowedTools", "Bash", "--", "Run echo"];

test("started by the launcher compacts before the overflow of a model of 131,072 tokens", async () => {
  const { seen, step } = playSmallWindow();
  await using stage = startStage(step, HOSTILE);
  const ended = await runLauncher(stage, ...COMPACTING);
  assertEquals([ended.code, ended.stdout], [0, "Done\n"], ended.stderr);
  assertEquals(seen.refused, 0);
  assert(seen.compacted.length >= 1, "no compaction");
  assert(seen.compacted.every((tokens) => tokens <= WINDOW), `compacted at ${seen.compacted}`);
  const last = stage.upstream.requests.map(toChatRequest).at(-1);
  assertStringIncludes(readTexts(last), "It ran echo.");
});

test("started by the launcher with the user's own window overflows, so that the case above can fail", async () => {
  const { seen, step } = playSmallWindow();
  await using stage = startStage(step);
  const settings = '{"env":{"CLAUDE_CODE_AUTO_COMPACT_WINDOW":"1000000"}}';
  await runLauncher(stage, "--settings", settings, ...COMPACTING);
  assert(seen.refused > 0);
});
