/**
 * Tool calls that run: their effects on files, and the results that are sent to the model.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import {
  callDeltaEvent,
  callStartEvent,
  messageReply,
  readLastResult,
  readText,
  splitArguments,
  streamResponse,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { listMcpArgs, WORD_TOOL } from "../mcp.ts";
import { type Session, startSession, test } from "../claude_session.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import { PIXEL } from "../../helpers/messages.ts";

const ALLOW = { args: ["--allowedTools", "Bash,Edit,Read,Write"] };
const TOOL_SEARCH = { name: "ToolSearch", input: { query: `select:${WORD_TOOL}`, max_results: 5 } };
/** A PDF of one empty page. */
const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`;
const CONTENT = 'Hello 世界\n\tquote " backslash \\ 👋\n\n';

test("writes, edits, runs and reads, and sends the model each result", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("greeting.txt");
  const run = await session.prompt("Work", [
    toolCallReply({ name: "Write", input: { file_path: path, content: CONTENT } }),
    toolCallReply({
      name: "Edit",
      input: { file_path: path, old_string: "世界", new_string: "world" },
    }),
    toolCallReply({
      name: "Bash",
      input: { command: "wc -c < greeting.txt; echo 終", description: "Count" },
    }),
    toolCallReply({ name: "Read", input: { file_path: path } }),
    textReply("All done"),
  ]);
  assertEquals([run.text, run.isError, run.code], ["All done", false, 0]);
  const edited = CONTENT.replace("世界", "world");
  assertEquals(await Deno.readTextFile(path), edited);
  const [, afterWrite, afterEdit, afterBash, afterRead] = session.upstreamRequests.map(
    readLastResult,
  );
  assertStringIncludes(afterWrite ?? "", "greeting.txt");
  assertStringIncludes(afterEdit ?? "", "greeting.txt");
  const bytes = new TextEncoder().encode(edited).length;
  assertMatch(afterBash ?? "", new RegExp(`^\\s*${bytes}\n終`));
  assertStringIncludes(afterRead ?? "", "Hello world");
  assertStringIncludes(afterRead ?? "", '\tquote " backslash \\ 👋');
});

test("writes exactly the bytes of the tool input", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("bytes.txt");
  await session.prompt("Write", [
    toolCallReply({ name: "Write", input: { file_path: path, content: CONTENT } }),
    textReply("Written"),
  ]);
  assertEquals(await Deno.readFile(path), new TextEncoder().encode(CONTENT));
});

test("runs two calls whose deltas are interleaved", async () => {
  await using session = await startSession(ALLOW);
  const first = { name: "Bash", id: "call_a", input: { command: "echo one > a; echo out-one" } };
  const second = { name: "Bash", id: "call_b", input: { command: "echo two > b; echo out-two" } };
  const [a1, a2] = splitArguments(first.input);
  const [b1, b2] = splitArguments(second.input);
  const run = await session.prompt("Work", [
    () =>
      streamResponse([
        sse(roleChunk()),
        callStartEvent(first, 0),
        callStartEvent(second, 1),
        callDeltaEvent(a1, 0),
        callDeltaEvent(b1, 1),
        callDeltaEvent(a2, 0),
        callDeltaEvent(b2, 1),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    textReply("Both done"),
  ]);
  assertEquals([run.text, run.isError], ["Both done", false]);
  assertEquals(await Deno.readTextFile(session.path("a")), "one\n");
  assertEquals(await Deno.readTextFile(session.path("b")), "two\n");
  assertEquals(listResults(session), [["call_a", "out-one"], ["call_b", "out-two"]]);
});

test("sends results that are not in call order with their own calls", async () => {
  await using session = await startSession(ALLOW);
  await session.prompt("Work", [
    toolCallReply(
      { name: "Bash", id: "call_1", input: { command: "echo known" } },
      { name: "NoSuchTool", id: "call_2", input: {} },
    ),
    textReply("Done"),
  ]);
  const messages = JSON.stringify(session.clientRequests.at(-1)?.body["messages"]);
  const positionOf = (id: string) => messages.indexOf(`"tool_use_id":"${id}"`);
  assert(positionOf("call_2") > 0, "no result of call_2");
  assert(positionOf("call_2") < positionOf("call_1"), "the client sent results in call order");
  const [known, unknown] = listResults(session);
  assertEquals(known, ["call_1", "known"]);
  assertEquals(unknown?.[0], "call_2");
  assertStringIncludes(unknown?.[1] ?? "", "NoSuchTool");
});

test("reads an image, which is sent upstream as image_url", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("pixel.png");
  await Deno.writeFile(path, Uint8Array.fromBase64(PIXEL));
  const run = await session.prompt("Look", [
    toolCallReply({ name: "Read", id: "call_1", input: { file_path: path } }),
    textReply("A pixel"),
  ]);
  assertEquals([run.text, run.isError], ["A pixel", false]);
  const parts = session.upstreamRequests[1]?.messages.flatMap(({ content }) =>
    Array.isArray(content) ? content : []
  );
  const images = parts?.filter((part) => part.type === "image_url") ?? [];
  assertEquals(images.length, 1);
  const [, type, data] = /^data:([^;]+);base64,(.+)$/.exec(images[0]?.image_url.url ?? "") ?? [];
  assertEquals(type, "image/png");
  assertEquals(Uint8Array.fromBase64(data ?? "").slice(1, 4), new TextEncoder().encode("PNG"));
});

test("reads a PDF, which is sent upstream as a file", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("paper.pdf");
  await Deno.writeTextFile(path, PDF);
  const run = await session.prompt("Read", [
    toolCallReply({ name: "Read", input: { file_path: path } }),
    textReply("It is empty"),
  ]);
  assertEquals([run.text, run.isError], ["It is empty", false]);
  const [, after] = session.upstreamRequests;
  assertStringIncludes(readLastResult(after), "PDF");
  const parts = (after?.messages ?? []).flatMap(({ content }) =>
    Array.isArray(content) ? content : []
  );
  const files = parts.filter((part) => part.type === "file");
  assertEquals(files.length, 1);
  const data = files[0]?.file.file_data.replace("data:application/pdf;base64,", "") ?? "";
  assertEquals(new TextDecoder().decode(Uint8Array.fromBase64(data)), PDF);
  assertEquals(after?.plugins, [{ id: "file-parser", pdf: { engine: "cloudflare-ai" } }]);
});

test("calls a tool of an MCP server by its name", async () => {
  await using session = await startSession();
  const log = session.path("mcp.log");
  const run = await session.prompt("Use the tool", [
    toolCallReply(TOOL_SEARCH),
    toolCallReply({ name: WORD_TOOL, input: { word: "世界" } }),
    textReply("Used it"),
  ], { args: listMcpArgs(log) });
  assertEquals([run.text, run.isError], ["Used it", false]);
  assertEquals(await Deno.readTextFile(log), "世界");
  assertStringIncludes(readLastResult(session.upstreamRequests[2]), "received 世界");
});

test("does not send a deferred tool before a tool search finds it", async () => {
  await using session = await startSession();
  await session.prompt("Find the tool", [toolCallReply(TOOL_SEARCH), textReply("Found it")], {
    args: listMcpArgs(session.path("mcp.log")),
  });
  const [before, after] = session.upstreamRequests.map(listTools);
  assert(after?.includes(WORD_TOOL), `no ${WORD_TOOL} among ${after}`);
  for (const { body } of session.clientRequests) {
    const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
    const deferred = tools.filter((tool) => tool.defer_loading).map((tool) => tool.name);
    for (const name of deferred) assert(!before?.includes(name), `${name} was sent at once`);
  }
});

test("returns structured output for a schema", async () => {
  await using session = await startSession();
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, count: { type: "integer" } },
    required: ["city", "count"],
    additionalProperties: false,
  };
  const value = { city: "東京", count: 3 };
  const run = await session.prompt("Count", [
    toolCallReply({ name: "StructuredOutput", input: value }),
  ], {
    args: ["--json-schema", JSON.stringify(schema)],
  });
  assertEquals([run.isError, run.result["structured_output"]], [false, value]);
  const tool = listFunctions(session.upstreamRequests[0]).find(({ name }) =>
    name === "StructuredOutput"
  );
  assertEquals(tool?.parameters["required"], ["city", "count"]);
});

test("runs a call that follows text, and sends both back", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.prompt("Work", [
    messageReply({
      text: "I will run it.",
      calls: [{ name: "Bash", input: { command: "echo x > ran" } }],
    }),
    textReply("Ran"),
  ]);
  assertEquals(run.isError, false);
  assertEquals(await Deno.readTextFile(session.path("ran")), "x\n");
  const turn = session.upstreamRequests[1]?.messages.find((message) =>
    message.role === "assistant"
  );
  assertEquals(turn && readText(turn), "I will run it.");
});

function listTools(request: ChatRequest): string[] {
  return listFunctions(request).map(({ name }) => name);
}

function listFunctions({ tools = [] }: Partial<ChatRequest> = {}) {
  return tools.filter((tool) => tool.type === "function").map((tool) => tool.function);
}

/** Call ids and results in the last upstream request. */
function listResults({ upstreamRequests }: Session): [string, string][] {
  return (upstreamRequests.at(-1)?.messages ?? []).flatMap((message) =>
    message.role === "tool" ? [[message.tool_call_id, readText(message).trim()]] : []
  );
}
