// What a server has learned, told to another one.

import { assertEquals } from "@std/assert";
import { applyFact, createLearned, type Fact, type Learned, listFacts } from "../lib/learned.ts";

const now = () => 0;
const IMAGE = { value: { model: "a/x", text: "A cat" }, size: 5, keepMs: 1000 };

/** Learns one of everything. */
async function learnAll({ means, targets, descriptions }: Learned): Promise<void> {
  means.tokenRatio.learn("a/x", 2);
  means.outputTokens.learn("a/x", 100);
  means.costUsd.learn("a/x", 0.5);
  targets.plainSchemas.add("a/x");
  targets.textOnly.add("a/y");
  targets.unavailableDefaults.add("a/z");
  await descriptions.get("hash", new AbortController().signal, () => Promise.resolve(IMAGE));
}

Deno.test("each learned fact is reported once, and applying it teaches another server the same", async () => {
  const facts: Fact[] = [];
  const learned = createLearned(now, (fact) => facts.push(fact));
  await learnAll(learned);
  assertEquals(facts.length, 7);
  learned.targets.textOnly.add("a/y");
  assertEquals(facts.length, 7);
  const echoes: Fact[] = [];
  const other = createLearned(now, (fact) => echoes.push(fact));
  for (const fact of structuredClone(facts)) applyFact(other, fact);
  assertEquals(listFacts(other), listFacts(learned));
  // What was told is not told again: otherwise it would go round for ever.
  assertEquals(echoes, []);
});

Deno.test("the list of facts teaches a new server means and the time that a description is kept", () => {
  let time = 0;
  const learned = createLearned(() => time);
  for (const value of [1, 2, 3]) learned.means.costUsd.learn("a/x", value);
  learned.descriptions.apply("hash", IMAGE);
  time = 400;
  const other = createLearned(() => time);
  for (const fact of listFacts(learned)) applyFact(other, fact);
  assertEquals(other.means.costUsd.find("a/x"), learned.means.costUsd.find("a/x"));
  assertEquals(other.descriptions.list(), [["hash", { ...IMAGE, keepMs: 600 }]]);
});
