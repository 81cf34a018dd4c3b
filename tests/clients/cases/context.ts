/**
 * The context window: the proxy counts the tokens of `/context`, and a session compacts before it overflows.
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { messageReply } from "../replies.ts";
import { startSession, test } from "../claude_session.ts";

const COUNT = "/v1/messages/count_tokens";

test("shows /context without an upstream request", async () => {
  await using session = await startSession({ args: ["--model", "opus"] });
  const run = await session.prompt("/context", []);
  assertEquals([run.isError, run.code], [false, 0], run.text);
  const counts = session.otherRequests.filter(({ path }) => path.startsWith(COUNT));
  assert(counts.length >= 10, `${counts.length} counts`);
  assertEquals(counts.filter(({ status }) => status !== 200), []);
  // If counting fails, it requests one token from the model for each count, which has a cost.
  assertEquals([session.clientRequests.length, session.upstreamRequests.length], [0, 0]);
  assertMatch(run.text, /System tools \| [\d.]+k/);
});

test("shows the model's last token count in /context, and calibrates estimates with it", async () => {
  await using session = await startSession({ args: ["--model", "opus"] });
  const before = readSystemTools((await session.prompt("/context", [])).text);
  const usage = { prompt_tokens: 45_678, completion_tokens: 12 };
  const { sessionId } = await session.prompt("Hello", [messageReply({ text: "Hello", usage })]);
  const { text } = await session.prompt("/context", [], { args: ["--resume", sessionId] });
  assertMatch(text, /\*\*Tokens:\*\* 45\.7k /);
  assertEquals(session.upstreamRequests.length, 1);
  // The model counted more tokens than the estimate; later estimates are scaled to its count.
  const after = readSystemTools(text);
  assert(after > 1.5 * before, `${before}k, then ${after}k`);
});

/** Thousands of tokens in the row of system tools. */
function readSystemTools(text: string): number {
  const thousands = /System tools \| ([\d.]+)k/.exec(text)?.[1];
  assertNotEquals(thousands, undefined, text);
  return Number(thousands);
}
