/**
 * Tools that run: their effects on files, and the results that are sent to the model.
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ChatRequest } from "../../../lib/openrouter/types.ts";
import { decodeBase64 } from "../base64.ts";
import {
  answers,
  calls,
  feedCall,
  openCall,
  readLastResult,
  readText,
  says,
  splitInput,
  streams,
} from "../model.ts";
import { listMcpArgs, WORD_TOOL } from "../mcp.ts";
import { type Session, startSession, test } from "../session.ts";
import { finishChunk, roleChunk, sse, usageChunk } from "../../helpers/chunks.ts";
import { PDF, PIXEL } from "../samples.ts";

const ALLOW = { args: ["--allowedTools", "Bash,Edit,Read,Write"] };
const SEARCH = { name: "ToolSearch", input: { query: `select:${WORD_TOOL}`, max_results: 5 } };
const CONTENT = 'Hello 世界\n\tquote " backslash \\ 👋\n\n';

test("writes, edits, runs and reads, and sends the model each result", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("greeting.txt");
  const run = await session.ask("Work", [
    calls({ name: "Write", input: { file_path: path, content: CONTENT } }),
    calls({ name: "Edit", input: { file_path: path, old_string: "世界", new_string: "world" } }),
    calls({
      name: "Bash",
      input: { command: "wc -c < greeting.txt; echo 終", description: "Count" },
    }),
    calls({ name: "Read", input: { file_path: path } }),
    says("All done"),
  ]);
  assertEquals([run.text, run.isError, run.code], ["All done", false, 0]);
  const edited = CONTENT.replace("世界", "world");
  assertEquals(await Deno.readTextFile(path), edited);
  const [, afterWrite, afterEdit, afterBash, afterRead] = session.upstream.map(readLastResult);
  assertStringIncludes(afterWrite ?? "", "greeting.txt");
  assertStringIncludes(afterEdit ?? "", "greeting.txt");
  const bytes = new TextEncoder().encode(edited).length;
  assertMatch(afterBash ?? "", new RegExp(`^\\s*${bytes}\n終`));
  assertStringIncludes(afterRead ?? "", "Hello world");
  assertStringIncludes(afterRead ?? "", '\tquote " backslash \\ 👋');
});

test("writes exactly the bytes that the model gave", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("bytes.txt");
  await session.ask("Write", [
    calls({ name: "Write", input: { file_path: path, content: CONTENT } }),
    says("Written"),
  ]);
  assertEquals(await Deno.readFile(path), new TextEncoder().encode(CONTENT));
});

test("runs two calls whose deltas are interleaved", async () => {
  await using session = await startSession(ALLOW);
  const first = { name: "Bash", id: "call_a", input: { command: "echo one > a; echo out-one" } };
  const second = { name: "Bash", id: "call_b", input: { command: "echo two > b; echo out-two" } };
  const [a1, a2] = splitInput(first.input);
  const [b1, b2] = splitInput(second.input);
  const run = await session.ask("Work", [
    () =>
      streams([
        sse(roleChunk()),
        openCall(first, 0),
        openCall(second, 1),
        feedCall(a1, 0),
        feedCall(b1, 1),
        feedCall(a2, 0),
        feedCall(b2, 1),
        sse(finishChunk("tool_calls"), usageChunk(), "[DONE]"),
      ]),
    says("Both done"),
  ]);
  assertEquals([run.text, run.isError], ["Both done", false]);
  assertEquals(await Deno.readTextFile(session.path("a")), "one\n");
  assertEquals(await Deno.readTextFile(session.path("b")), "two\n");
  assertEquals(listResults(session), [["call_a", "out-one"], ["call_b", "out-two"]]);
});

test("sends results out of order, each with its call", async () => {
  await using session = await startSession(ALLOW);
  await session.ask("Work", [
    calls(
      { name: "Bash", id: "call_1", input: { command: "echo known" } },
      { name: "NoSuchTool", id: "call_2", input: {} },
    ),
    says("Done"),
  ]);
  const sent = JSON.stringify(session.asked.at(-1)?.body["messages"]);
  const at = (id: string) => sent.indexOf(`"tool_use_id":"${id}"`);
  assert(at("call_2") > 0 && at("call_2") < at("call_1"), "the client answered in call order");
  const [known, unknown] = listResults(session);
  assertEquals(known, ["call_1", "known"]);
  assertEquals(unknown?.[0], "call_2");
  assertStringIncludes(unknown?.[1] ?? "", "NoSuchTool");
});

test("reads an image, which is sent as image_url", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("pixel.png");
  await Deno.writeFile(path, decodeBase64(PIXEL));
  const run = await session.ask("Look", [
    calls({ name: "Read", id: "call_1", input: { file_path: path } }),
    says("A pixel"),
  ]);
  assertEquals([run.text, run.isError], ["A pixel", false]);
  const parts = session.upstream[1]?.messages.flatMap(({ content }) =>
    Array.isArray(content) ? content : []
  );
  const images = parts?.filter((part) => part.type === "image_url") ?? [];
  assertEquals(images.length, 1);
  const [, type, data] = /^data:([^;]+);base64,(.+)$/.exec(images[0]?.image_url.url ?? "") ?? [];
  assertEquals(type, "image/png");
  assertEquals(decodeBase64(data ?? "").slice(1, 4), new TextEncoder().encode("PNG"));
});

test("reads a PDF, which is sent as a file", async () => {
  await using session = await startSession(ALLOW);
  const path = session.path("paper.pdf");
  await Deno.writeTextFile(path, PDF);
  const run = await session.ask("Read", [
    calls({ name: "Read", input: { file_path: path } }),
    says("It is empty"),
  ]);
  assertEquals([run.text, run.isError], ["It is empty", false]);
  const [, after] = session.upstream;
  assertStringIncludes(readLastResult(after), "PDF");
  const parts = (after?.messages ?? []).flatMap(({ content }) =>
    Array.isArray(content) ? content : []
  );
  const files = parts.filter((part) => part.type === "file");
  assertEquals(files.length, 1);
  const data = files[0]?.file.file_data.replace("data:application/pdf;base64,", "") ?? "";
  assertEquals(new TextDecoder().decode(decodeBase64(data)), PDF);
  assertEquals(after?.plugins, [{ id: "file-parser", pdf: { engine: "cloudflare-ai" } }]);
});

test("calls a tool of an MCP server by its name", async () => {
  await using session = await startSession();
  const log = session.path("mcp.log");
  const run = await session.ask("Use the tool", [
    calls(SEARCH),
    calls({ name: WORD_TOOL, input: { word: "世界" } }),
    says("Used it"),
  ], { args: listMcpArgs(log) });
  assertEquals([run.text, run.isError], ["Used it", false]);
  assertEquals(await Deno.readTextFile(log), "世界");
  assertStringIncludes(readLastResult(session.upstream[2]), "heard 世界");
});

test("does not send a deferred tool before a tool search finds it", async () => {
  await using session = await startSession();
  await session.ask("Find the tool", [calls(SEARCH), says("Found it")], {
    args: listMcpArgs(session.path("mcp.log")),
  });
  const [before, after] = session.upstream.map(listTools);
  assert(after?.includes(WORD_TOOL), `no ${WORD_TOOL} among ${after}`);
  for (const { body } of session.asked) {
    const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
    const deferred = tools.filter((tool) => tool.defer_loading).map((tool) => tool.name);
    for (const name of deferred) assert(!before?.includes(name), `${name} is offered at once`);
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
  const run = await session.ask("Count", [calls({ name: "StructuredOutput", input: value })], {
    args: ["--json-schema", JSON.stringify(schema)],
  });
  assertEquals([run.isError, run.result["structured_output"]], [false, value]);
  const tool = listFunctions(session.upstream[0]).find((one) => one.name === "StructuredOutput");
  assertEquals(tool?.parameters["required"], ["city", "count"]);
});

test("runs a call that follows text, and sends both back", async () => {
  await using session = await startSession(ALLOW);
  const run = await session.ask("Work", [
    answers({
      text: "I will run it.",
      calls: [{ name: "Bash", input: { command: "echo x > ran" } }],
    }),
    says("Ran"),
  ]);
  assertEquals(run.isError, false);
  assertEquals(await Deno.readTextFile(session.path("ran")), "x\n");
  const turn = session.upstream[1]?.messages.find((message) => message.role === "assistant");
  assertEquals(turn && readText(turn), "I will run it.");
});

function listTools(request: ChatRequest): string[] {
  return listFunctions(request).map((one) => one.name);
}

function listFunctions({ tools = [] }: Partial<ChatRequest> = {}) {
  return tools.filter((tool) => tool.type === "function").map((tool) => tool.function);
}

/** Call ids with their results, as the last request upstream has them. */
function listResults({ upstream }: Session): [string, string][] {
  return (upstream.at(-1)?.messages ?? []).flatMap((message) =>
    message.role === "tool" ? [[message.tool_call_id, readText(message).trim()]] : []
  );
}
