/**
 * Tool calls with invalid or truncated arguments: no tool runs with arguments that the model did not write, and the
 * client recovers.
 * @module
 */

import { assertEquals } from "@std/assert";
import { listMcpArgs, PING_TOOL } from "../mcp.ts";
import {
  type ChatReply,
  malformedCallReply,
  memoizedReplies,
  textReply,
  toolCallReply,
} from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

const OPTIONS = {
  args: ["--allowedTools", "Bash,Write"],
  env: { CLAUDE_CODE_MAX_RETRIES: "1" },
};

const WRONG = "echo wrong > wrong";
const CORRECTED = toolCallReply({ name: "Bash", input: { command: "echo right > right" } });

const MALFORMED: [about: string, reply: ChatReply][] = [
  ["closed but not JSON", malformedCallReply("Bash", `{"command": ${WRONG}}`, "tool_calls")],
  [
    "closed with a trailing comma",
    malformedCallReply("Bash", `{"command": "${WRONG}",}`, "tool_calls"),
  ],
  ["a list", malformedCallReply("Bash", `["${WRONG}"]`, "tool_calls")],
  ["a number", malformedCallReply("Bash", "42", "tool_calls")],
  ["a string", malformedCallReply("Bash", `"${WRONG}"`, "tool_calls")],
  [
    "not closed despite the finish reason tool_calls",
    malformedCallReply("Bash", `{"command": "${WRONG}`, "tool_calls"),
  ],
  ["truncated by the token limit", malformedCallReply("Bash", `{"command": "${WRONG}`, "length")],
  [
    "truncated by the token limit, which only the native finish reason reports",
    malformedCallReply("Bash", `{"command": "${WRONG}`, "tool_calls", "max_output_tokens"),
  ],
  ["truncated between two fields", malformedCallReply("Bash", `{"command": "${WRONG}"`, "length")],
];

for (const [about, malformed] of MALFORMED) {
  test(`recovers from a call whose arguments are ${about}`, async () => {
    await using session = await startSession(OPTIONS);
    const run = await session.prompt(
      "Work",
      memoizedReplies(malformed, CORRECTED, textReply("Recovered")),
    );
    assertEquals([run.text, run.isError], ["Recovered", false]);
    assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
    assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
    assertEquals(session.clientRequests.map(({ status }) => status), [200, 200, 200]);
    assertEquals(session.upstreamRequests.length, 3);
  });
}

test("recovers from an invalid call beside a valid one, which runs once", async () => {
  await using session = await startSession(OPTIONS);
  const valid = { name: "Bash", id: "call_a", input: { command: "echo valid >> valid" } };
  const invalid = { name: "Bash", id: "call_b", input: `{"command": ${WRONG}}` };
  const run = await session.prompt(
    "Work",
    memoizedReplies(toolCallReply(valid, invalid), CORRECTED, textReply("Recovered")),
  );
  assertEquals([run.text, run.isError], ["Recovered", false]);
  assertEquals(await Deno.readTextFile(session.path("valid")), "valid\n");
  assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
  assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
  assertEquals(session.upstreamRequests.length, 3);
});

test("continues a resumed session after a call whose arguments were a list", async () => {
  await using session = await startSession(OPTIONS);
  const malformed = malformedCallReply("Bash", `["${WRONG}"]`, "tool_calls");
  const first = await session.prompt("Work", memoizedReplies(malformed, textReply("Recovered")));
  assertEquals([first.text, first.isError], ["Recovered", false]);
  const second = await session.prompt("More", [textReply("More done")], {
    args: ["--resume", first.sessionId],
  });
  assertEquals([second.text, second.isError], ["More done", false]);
});

test("runs a tool without parameters whose arguments are null", async () => {
  await using session = await startSession({ ...OPTIONS, env: { ENABLE_TOOL_SEARCH: "false" } });
  const log = session.path("mcp.log");
  const run = await session.prompt("Ping", [
    toolCallReply({ name: PING_TOOL, input: "null" }),
    textReply("Pinged"),
  ], { args: listMcpArgs(log) });
  assertEquals([run.text, run.isError], ["Pinged", false]);
  assertEquals(await Deno.readTextFile(log), "nothing");
});
