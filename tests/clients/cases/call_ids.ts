/**
 * Tool call ids of different vendors: reused in each turn, or with the tool's name inside. Each result is sent with
 * its own call, under the id that the model used.
 * @module
 */

import { assert, assertEquals, assertFalse } from "@std/assert";
import { calls, listEchoes, says } from "../model.ts";
import { startSession, test } from "../session.ts";

const ALLOW = { args: ["--allowedTools", "Bash"] };
const LOST = "[Tool result missing due to internal error]";

const echo = (word: string, id: string) =>
  calls({ name: "Bash", id, input: { command: `echo ${word}`, description: word } });

const REUSED: [what: string, ids: (turn: number) => string[]][] = [
  ["call_0 in each answer", () => ["call_0"]],
  ["call_0 and call_1 in each answer", () => ["call_0", "call_1"]],
  ["functions.Bash:0 in each answer", () => ["functions.Bash:0"]],
  ["tool_0_Bash in each answer", () => ["tool_0_Bash"]],
  [
    "an id that is another's with a number",
    (turn) => [turn === 0 ? "call_0" : `call_0_${turn + 1}`],
  ],
  ["one id for both calls of an answer", () => ["call_0", "call_0"]],
];

for (const [what, toIds] of REUSED) {
  test(`sends the model each command's own result where upstream gives ${what}`, async () => {
    await using session = await startSession(ALLOW);
    const turns = [0, 1, 2].map((turn) =>
      toIds(turn).map((id, at) => ({ id, word: `word-${turn}-${at}` }))
    );
    const run = await session.ask("Echo", [
      ...turns.map((turn) =>
        calls(...turn.map(({ id, word }) => ({
          name: "Bash",
          id,
          input: { command: `echo ${word}`, description: word },
        })))
      ),
      says("Echoed"),
    ]);
    assertEquals([run.text, run.isError], ["Echoed", false]);
    for (const [index, request] of session.upstream.entries()) {
      const words = turns.slice(0, index).flat().map(({ word }) => word);
      assertEquals(
        listEchoes(request).map(([, command, result]) => [command, result]),
        words.map((word) => [`echo ${word}`, word]),
      );
    }
    assertFalse(JSON.stringify(session.asked.map(({ body }) => body)).includes(LOST));
  });
}

const FORMS: [model: string, ids: string[]][] = [
  ["moonshotai/kimi-k2", ["functions.Bash:0", "functions.Bash:1", "functions.Bash:2"]],
  ["google/gemini-3-pro", ["tool_0_Bash", "tool_1_Bash", "tool_2_Bash"]],
  ["vendor/of-dots-and-spaces", ["Bash 1.a", "Bash 2.b", "Bash/3+c="]],
];

for (const [model, ids] of FORMS) {
  test(`sends ${model} its calls back under the ids that it gave`, async () => {
    await using session = await startSession({ args: [...ALLOW.args, "--model", model] });
    const run = await session.ask("Echo", [
      ...ids.map((id, turn) => echo(`word-${turn}`, id)),
      says("Echoed"),
    ]);
    assertEquals([run.text, run.isError], ["Echoed", false]);
    const last = session.upstream.at(-1);
    assert(last !== undefined);
    assertEquals(listEchoes(last).map(([id]) => id), ids);
  });
}

test("sends Kimi's calls back under their ids in a resumed session", async () => {
  const args = [...ALLOW.args, "--model", "moonshotai/kimi-k2"];
  await using session = await startSession({ args });
  const first = await session.ask("One", [echo("one", "functions.Bash:0"), says("One done")]);
  await session.ask("Two", [echo("two", "functions.Bash:1"), says("Two done")], {
    args: ["--resume", first.sessionId],
  });
  const last = session.upstream.at(-1);
  assert(last !== undefined);
  assertEquals(listEchoes(last), [
    ["functions.Bash:0", "echo one", "one"],
    ["functions.Bash:1", "echo two", "two"],
  ]);
});
