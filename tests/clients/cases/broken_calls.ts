/**
 * Tool calls with invalid or truncated arguments: no tool runs with arguments that the model did not write, and the
 * client recovers.
 * @module
 */

import { assertEquals } from "@std/assert";
import { listMcpArgs, PING_TOOL } from "../mcp.ts";
import { calls, callsBadly, repeats, says, type Step } from "../model.ts";
import { startSession, test } from "../session.ts";

const OPTIONS = {
  args: ["--allowedTools", "Bash,Write"],
  env: { CLAUDE_CODE_MAX_RETRIES: "1" },
};

const WRONG = "echo wrong > wrong";
const RIGHT = calls({ name: "Bash", input: { command: "echo right > right" } });

const BROKEN: [what: string, step: Step][] = [
  ["closed but not JSON", callsBadly("Bash", `{"command": ${WRONG}}`, "tool_calls")],
  ["closed with a comma too many", callsBadly("Bash", `{"command": "${WRONG}",}`, "tool_calls")],
  ["a list", callsBadly("Bash", `["${WRONG}"]`, "tool_calls")],
  ["a number", callsBadly("Bash", "42", "tool_calls")],
  ["a string", callsBadly("Bash", `"${WRONG}"`, "tool_calls")],
  [
    "not closed, and upstream calls it finished",
    callsBadly("Bash", `{"command": "${WRONG}`, "tool_calls"),
  ],
  ["cut by the token limit", callsBadly("Bash", `{"command": "${WRONG}`, "length")],
  [
    "cut by the token limit, which only the vendor's own word says",
    callsBadly("Bash", `{"command": "${WRONG}`, "tool_calls", "max_output_tokens"),
  ],
  ["cut between two fields", callsBadly("Bash", `{"command": "${WRONG}"`, "length")],
];

for (const [what, breaks] of BROKEN) {
  test(`mends a call whose arguments are ${what}`, async () => {
    await using session = await startSession(OPTIONS);
    const run = await session.ask("Work", repeats(breaks, RIGHT, says("Mended")));
    assertEquals([run.text, run.isError], ["Mended", false]);
    assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
    assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
    assertEquals(session.asked.map(({ status }) => status), [200, 200, 200]);
    assertEquals(session.upstream.length, 3);
  });
}

test("recovers from an invalid call beside a valid one, which runs once", async () => {
  await using session = await startSession(OPTIONS);
  const good = { name: "Bash", id: "call_a", input: { command: "echo good >> good" } };
  const bad = { name: "Bash", id: "call_b", input: `{"command": ${WRONG}}` };
  const run = await session.ask("Work", repeats(calls(good, bad), RIGHT, says("Mended")));
  assertEquals([run.text, run.isError], ["Mended", false]);
  assertEquals(await Deno.readTextFile(session.path("good")), "good\n");
  assertEquals(await Deno.readTextFile(session.path("right")), "right\n");
  assertEquals(await Deno.readTextFile(session.path("wrong")).catch(() => null), null);
  assertEquals(session.upstream.length, 3);
});

test("continues a resumed session after a call whose arguments were a list", async () => {
  await using session = await startSession(OPTIONS);
  const breaks = callsBadly("Bash", `["${WRONG}"]`, "tool_calls");
  const first = await session.ask("Work", repeats(breaks, says("Mended")));
  assertEquals([first.text, first.isError], ["Mended", false]);
  const second = await session.ask("More", [says("More done")], {
    args: ["--resume", first.sessionId],
  });
  assertEquals([second.text, second.isError], ["More done", false]);
});

test("runs a tool without parameters whose arguments are null", async () => {
  await using session = await startSession({ ...OPTIONS, env: { ENABLE_TOOL_SEARCH: "false" } });
  const log = session.path("mcp.log");
  const run = await session.ask("Ping", [
    calls({ name: PING_TOOL, input: "null" }),
    says("Pinged"),
  ], { args: listMcpArgs(log) });
  assertEquals([run.text, run.isError], ["Pinged", false]);
  assertEquals(await Deno.readTextFile(log), "nothing");
});
