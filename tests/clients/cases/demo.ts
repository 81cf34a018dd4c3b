/**
 * The demo with the real client: what a user sees who has no key yet.
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { runDemo } from "../../../lib/cli/demo/demo.ts";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { CLAUDE_CODE, findBinary } from "../binary.ts";
import { type Run, runClaude, toEnvironment } from "../claude_cli.ts";
import { test } from "../claude_session.ts";
import { openTerminal, skipQuestions, testInTerminal } from "../terminal.ts";

interface Demo extends AsyncDisposable {
  baseUrl: string;
  folder: string;
  work: string;
  home: string;
  prompt(prompt: string, args?: string[], env?: Record<string, string>): Promise<Run>;
  /** The demo's requests except its own, from `/stats`. */
  listRequests(): Promise<JsonObject[]>;
}

/** Starts the demo, with a project of two files. */
async function startDemo(): Promise<Demo> {
  const binary = await findBinary(CLAUDE_CODE);
  if ("missing" in binary) throw new Error(binary.missing);
  const folder = Deno.makeTempDirSync({ prefix: "claudeproxy-demo-" });
  const [home, work] = [`${folder}/home`, `${folder}/work`];
  for (const path of [home, work]) Deno.mkdirSync(path);
  for (const name of ["notes-of-mine.md", "program.ts"]) {
    Deno.writeTextFileSync(`${work}/${name}`, "");
  }
  const about = { name: "claudeproxy", version: "0.0.0" };
  const env = (name: string) => ({ PORT: "0", HOST: "127.0.0.1" })[name];
  const server = await runDemo(about, env, { pauseMs: 0, print: () => {} });
  const baseUrl = server.url;
  return {
    ...{ baseUrl, folder, work, home },
    prompt(prompt, args = [], env = {}) {
      const options = { path: binary.path, baseUrl, folder, env, timeoutMs: 30_000 };
      return runClaude({ ...options, args: [...args, "--", prompt] });
    },
    async listRequests() {
      const { requests } = await (await fetch(`${baseUrl}/stats`)).json();
      return requests.slice(1);
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The blocks of the model's messages: `thinking`, `tool_use`, `text`. */
function listBlocks({ messages }: Run): JsonObject[] {
  return messages.filter(({ type }) => type === "assistant").flatMap(({ message }) =>
    isJsonObject(message) && Array.isArray(message["content"]) ? message["content"] : []
  );
}

test("in the demo sees thinking, a tool call on its own project, and a text", async () => {
  await using demo = await startDemo();
  const run = await demo.prompt("What is in this folder?");
  assertFalse(run.isError, run.text);
  assertStringIncludes(run.text, "notes-of-mine.md program.ts");
  const blocks = listBlocks(run);
  const kinds = new Set(blocks.map(({ type }) => type));
  for (const kind of ["thinking", "tool_use", "text"]) assert(kinds.has(kind), `no ${kind}`);
  const calls = blocks.filter(({ type }) => type === "tool_use").map(({ name }) => name);
  assertEquals(calls, ["Bash"]);
  assertFalse(JSON.stringify(blocks).includes("system-reminder"));
  const requests = await demo.listRequests();
  for (const { status, upstreamModel, costUsd } of requests) {
    assertEquals(status, 200);
    // The Claude model that the client asked for.
    assertMatch(String(upstreamModel), /^anthropic\/claude-\w+-\d\.\d$/);
    assert(Number(costUsd) > 0);
  }
});

test("in the demo gets an error for the word error, and does not repeat it", async () => {
  await using demo = await startDemo();
  const failed = await demo.prompt("error");
  assertEquals(failed.isError, true);
  assertStringIncludes(failed.text, "402 Simulated: error 402, as requested");
  const requests = await demo.listRequests();
  assertEquals(requests.filter(({ status }) => status === 402).length, 1, "it was repeated");
});

test("in the demo and auto mode gets a verdict that it accepts", async () => {
  await using demo = await startDemo();
  // Not a command that only looks: those need no verdict.
  const run = await demo.prompt("Hi", ["--permission-mode", "auto", "--tools", "WebFetch"], {
    CLAUDE_CODE_AUTO_MODE_SERVER: "0",
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "127.0.0.1",
  });
  const kinds = (await demo.listRequests()).map(({ kind }) => kind);
  assertEquals(kinds.filter((kind) => kind === "guard").length, 1, kinds.join());
  const denied = run.messages.filter(({ subtype }) => subtype === "permission_denied");
  assertEquals(denied.map(({ message }) => message), []);
});

testInTerminal("in the demo shows in a terminal the call, the response and the error", async () => {
  const binary = await findBinary(CLAUDE_CODE);
  if ("missing" in binary) throw new Error(binary.missing);
  await using demo = await startDemo();
  skipQuestions(demo);
  const { env, cwd } = toEnvironment({ ...demo, path: binary.path, args: [], timeoutMs: 0 });
  await using terminal = await openTerminal({ words: [binary.path], env, cwd }, demo.folder);
  await terminal.enter("What is in this folder?", /“notes-of-mine\.md program\.ts”/);
  const screen = await terminal.read();
  assertFalse(screen.includes("system-reminder"), screen);
  await terminal.enter("error", /API Error: 402 Simulated: error 402, as requested/);
});
