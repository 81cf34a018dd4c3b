/**
 * Anthropic tools that the proxy may not support: a session continues with each of them.
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { textReply, toolCallReply } from "../replies.ts";
import { type Session, startSession, test } from "../claude_session.ts";

const ADVISOR = {
  args: ["--allowedTools", "Bash", "--model", "sonnet", "--settings", '{"advisorModel":"opus"}'],
  env: { CLAUDE_CODE_ENABLE_EXPERIMENTAL_ADVISOR_TOOL: "1" },
};

function listTools({ clientRequests }: Session): JsonObject[] {
  const tools = clientRequests[0]?.body["tools"];
  return Array.isArray(tools) ? tools.filter(isJsonObject) : [];
}

test("works with an advisor, which is sent as OpenRouter's tool or dropped", async () => {
  await using session = await startSession(ADVISOR);
  const run = await session.prompt("Work", [
    toolCallReply({ name: "Bash", input: { command: "echo x > ran" } }),
    textReply("Ran"),
  ]);
  assertEquals([run.text, run.isError], ["Ran", false]);
  assertEquals(session.clientRequests.map(({ status }) => status), [200, 200]);
  assert(listTools(session).some(({ type }) => type === "advisor_20260301"));
  for (const { tools = [] } of session.upstreamRequests) {
    const serverTools = tools.map(({ type }) => type).filter((type) => type !== "function");
    for (const type of serverTools) assertEquals<string>(type, "openrouter:advisor");
    assert(!tools.some((tool) => tool.type === "function" && tool.function.name === "advisor"));
  }
});

const TOOLS: JsonObject[] = [
  { type: "web_fetch_20250910", name: "web_fetch", max_uses: 3 },
  { type: "code_execution_20250825", name: "code_execution" },
  { type: "tool_search_tool_regex_20251119", name: "tool_search_tool_regex" },
  { type: "memory_20250818", name: "memory" },
  { type: "something_20991231", name: "something" },
];

for (const tool of TOOLS) {
  test(`works with ${tool["type"]} among its tools`, async () => {
    const extra = { tools: [tool, { name: "own", input_schema: { type: "object" } }] };
    const env = { CLAUDE_CODE_EXTRA_BODY: JSON.stringify(extra) };
    await using session = await startSession({ env });
    const run = await session.prompt("Hello", [textReply("Hello")]);
    assertEquals([run.text, run.isError], ["Hello", false]);
    assert(
      listTools(session).some(({ type }) => type === tool["type"]),
      "the client did not send it",
    );
    assertEquals(session.clientRequests.map(({ status }) => status), [200]);
  });
}
