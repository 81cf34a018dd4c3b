/**
 * The Claude Agent SDK, which drives Claude Code: text, streams, tools and errors, and tools of the program itself.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { AGENT_SDK, CLAUDE_CODE, findBinary, findLibrary, testWithClient } from "../binary.ts";
import { toEnvironment } from "../claude_cli.ts";
import { type ChatReplies, type Harness, startHarness } from "../harness.ts";
import { errorReply, readTexts, textReply, toolCallReply } from "../replies.ts";

const CLAUDE = await findBinary(CLAUDE_CODE);
const LIBRARY = await findLibrary(AGENT_SDK);
const TIMEOUT_MS = 30_000;

/** The part of the library that the cases use. */
interface AgentSdk {
  query(options: { prompt: string; options: JsonObject }): AsyncIterable<JsonObject>;
}

function toFileUrl(path: string): URL {
  return new URL(path.replaceAll("\\", "/").replace(/^(?=[A-Za-z]:)/, "/"), "file:///");
}

function test(name: string, body: () => Promise<void>): void {
  testWithClient(AGENT_SDK, "missing" in CLAUDE ? CLAUDE : LIBRARY, { name, body });
}

/** Runs a query and returns its messages. */
async function query(
  { baseUrl, folder, model }: Harness,
  replies: ChatReplies,
  options: JsonObject = {},
): Promise<JsonObject[]> {
  if ("missing" in CLAUDE || "missing" in LIBRARY) throw new Error("missing");
  model.setReplies(replies);
  const { query }: AgentSdk = await import(toFileUrl(LIBRARY.path).href);
  const { cwd, env } = toEnvironment({
    ...{ path: CLAUDE.path, baseUrl, folder, args: [], timeoutMs: TIMEOUT_MS },
  });
  const abortController = new AbortController();
  const timer = setTimeout(() => abortController.abort(), TIMEOUT_MS);
  const messages: JsonObject[] = [];
  try {
    const shared = { pathToClaudeCodeExecutable: CLAUDE.path, cwd, env, settingSources: [] };
    const query_ = query({ prompt: "Work", options: { ...shared, abortController, ...options } });
    for await (const message of query_) messages.push(message);
  } finally {
    clearTimeout(timer);
  }
  assertEquals(model.listViolations(), []);
  return messages;
}

function findResult(messages: readonly JsonObject[]): JsonObject {
  return messages.find(({ type }) => type === "result") ?? {};
}

test("reads a response with its usage", async () => {
  await using harness = await startHarness();
  const result = findResult(await query(harness, [textReply("Noted")]));
  assertEquals([result["subtype"], result["result"], result["is_error"]], [
    "success",
    "Noted",
    false,
  ]);
  assert(JSON.stringify(result["usage"]).includes('"output_tokens":7'));
});

test("reads a response as a stream of events", async () => {
  await using harness = await startHarness();
  const options = { includePartialMessages: true };
  const messages = await query(harness, [textReply("Piece by piece")], options);
  const events = messages.filter(({ type }) => type === "stream_event")
    .map(({ event }) => event as JsonObject);
  assertEquals([events.at(0)?.["type"], events.at(-1)?.["type"]], [
    "message_start",
    "message_stop",
  ]);
  const text = events.map(({ delta }) => (delta as JsonObject | undefined)?.["text"] ?? "");
  assertEquals(text.join(""), "Piece by piece");
});

test("runs a tool and sends its result back", async () => {
  await using harness = await startHarness();
  const call = { name: "Bash", input: { command: "echo from-the-tool", description: "Echo" } };
  const messages = await query(harness, [toolCallReply(call), textReply("Ran")], {
    allowedTools: ["Bash"],
  });
  assertEquals(findResult(messages)["result"], "Ran");
  const results = harness.upstreamRequests[1]?.messages.filter(({ role }) => role === "tool");
  assertStringIncludes(JSON.stringify(results), "from-the-tool");
});

test("reports an error of upstream", async () => {
  await using harness = await startHarness();
  const messages: JsonObject[] = [];
  // It reports the error as a result, and then fails.
  const failure = await query(harness, errorReply(402, "No credits left"))
    .then((all) => void messages.push(...all), String);
  const text = `${failure ?? ""} ${JSON.stringify(findResult(messages))}`;
  assertMatch(text, /No credits left/);
});

test("sends the system prompt of the program", async () => {
  await using harness = await startHarness();
  await query(harness, [textReply("Aye")], { systemPrompt: "You are a pirate." });
  assertMatch(readTexts(harness.upstreamRequests[0], "system"), /You are a pirate\./);
});
