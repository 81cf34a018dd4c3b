/**
 * The context window: the proxy counts the tokens of `/context`, and a session compacts before it overflows.
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { answers } from "../model.ts";
import { startSession, test } from "../session.ts";

const COUNT = "/v1/messages/count_tokens";

test("shows /context without an upstream request", async () => {
  await using session = await startSession({ args: ["--model", "opus"] });
  const run = await session.ask("/context", []);
  assertEquals([run.isError, run.code], [false, 0], run.text);
  const counts = session.visits.filter(({ path }) => path.startsWith(COUNT));
  assert(counts.length >= 10, `${counts.length} counts`);
  assertEquals(counts.filter(({ status }) => status !== 200), []);
  // Where it cannot count, it asks the model for one token each time, which costs money.
  assertEquals([session.asked.length, session.upstream.length], [0, 0]);
  assertMatch(run.text, /System tools \| [\d.]+k/);
});

test("shows the model's last token count in /context, and calibrates estimates with it", async () => {
  await using session = await startSession({ args: ["--model", "opus"] });
  const guess = readSystemTools((await session.ask("/context", [])).text);
  const usage = { prompt_tokens: 45_678, completion_tokens: 12 };
  const { sessionId } = await session.ask("Hello", [answers({ text: "Hello", usage })]);
  const { text } = await session.ask("/context", [], { args: ["--resume", sessionId] });
  assertMatch(text, /\*\*Tokens:\*\* 45\.7k /);
  assertEquals(session.upstream.length, 1);
  // The model counts more than four characters a token would have it; so do the counts from now on.
  const learned = readSystemTools(text);
  assert(learned > 1.5 * guess, `${guess}k, then ${learned}k`);
});

/** Thousands of tokens on the line of the tools. */
function readSystemTools(text: string): number {
  const thousands = /System tools \| ([\d.]+)k/.exec(text)?.[1];
  assertNotEquals(thousands, undefined, text);
  return Number(thousands);
}
