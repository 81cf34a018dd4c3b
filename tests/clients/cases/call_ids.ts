/**
 * Tool call ids of different vendors: reused in each turn, or containing the tool's name. Each result is sent with
 * its own call, under the id that the model used.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { listCommandResults, textReply, toolCallReply } from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

const ALLOW = { args: ["--allowedTools", "Bash"] };
const MISSING_RESULT = "[Tool result missing due to internal error]";

const echo = (word: string, id: string) =>
  toolCallReply({ name: "Bash", id, input: { command: `echo ${word}`, description: word } });

const REUSED: [about: string, ids: (turn: number) => string[]][] = [
  ["call_0 in each response", () => ["call_0"]],
  ["call_0 and call_1 in each response", () => ["call_0", "call_1"]],
  ["functions.Bash:0 in each response", () => ["functions.Bash:0"]],
  ["tool_0_Bash in each response", () => ["tool_0_Bash"]],
  [
    "an earlier id with a numeric suffix",
    (turn) => [turn === 0 ? "call_0" : `call_0_${turn + 1}`],
  ],
  ["one id for both calls of a response", () => ["call_0", "call_0"]],
];

for (const [about, toIds] of REUSED) {
  test(`sends each command's result with its own call if upstream uses ${about}`, async () => {
    await using session = await startSession(ALLOW);
    const turns = [0, 1, 2].map((turn) =>
      toIds(turn).map((id, index) => ({ id, word: `word-${turn}-${index}` }))
    );
    const run = await session.prompt("Echo", [
      ...turns.map((turn) =>
        toolCallReply(...turn.map(({ id, word }) => ({
          name: "Bash",
          id,
          input: { command: `echo ${word}`, description: word },
        })))
      ),
      textReply("Echoed"),
    ]);
    assertEquals([run.text, run.isError], ["Echoed", false]);
    for (const [index, request] of session.upstreamRequests.entries()) {
      const words = turns.slice(0, index).flat().map(({ word }) => word);
      assertEquals(
        listCommandResults(request).map(([, command, result]) => [command, result]),
        words.map((word) => [`echo ${word}`, word]),
      );
    }
    assertFalse(
      JSON.stringify(session.clientRequests.map(({ body }) => body)).includes(MISSING_RESULT),
    );
  });
}

const ID_FORMATS: [model: string, ids: string[]][] = [
  ["moonshotai/kimi-k2", ["functions.Bash:0", "functions.Bash:1", "functions.Bash:2"]],
  ["google/gemini-3-pro", ["tool_0_Bash", "tool_1_Bash", "tool_2_Bash"]],
  ["vendor/dots-and-spaces", ["Bash 1.a", "Bash 2.b", "Bash/3+c="]],
];

for (const [model, ids] of ID_FORMATS) {
  test(`sends calls back to ${model} under their original ids`, async () => {
    await using session = await startSession({ args: [...ALLOW.args, "--model", model] });
    const run = await session.prompt("Echo", [
      ...ids.map((id, turn) => echo(`word-${turn}`, id)),
      textReply("Echoed"),
    ]);
    assertEquals([run.text, run.isError], ["Echoed", false]);
    const last = session.upstreamRequests.at(-1);
    assert(last !== undefined);
    assertEquals(listCommandResults(last).map(([id]) => id), ids);
  });
}

test("sends calls back to Kimi under their original ids in a resumed session", async () => {
  const args = [...ALLOW.args, "--model", "moonshotai/kimi-k2"];
  await using session = await startSession({ args });
  const first = await session.prompt("One", [
    echo("one", "functions.Bash:0"),
    textReply("One done"),
  ]);
  await session.prompt("Two", [echo("two", "functions.Bash:1"), textReply("Two done")], {
    args: ["--resume", first.sessionId],
  });
  const last = session.upstreamRequests.at(-1);
  assert(last !== undefined);
  assertEquals(listCommandResults(last), [
    ["functions.Bash:0", "echo one", "one"],
    ["functions.Bash:1", "echo two", "two"],
  ]);
});
