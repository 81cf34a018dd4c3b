/** The search of the request list. */

import { assertEquals } from "@std/assert";
import { compileQuery, listTerms, replaceTerm, toggleTerm } from "../../lib/dashboard/search.ts";
import { createCompleted } from "./samples.ts";

const REQUESTS = [
  createCompleted(1, { model: "claude-opus-4-8", upstreamModel: "anthropic/claude-opus-4.8" }),
  createCompleted(2, { model: "claude-haiku", upstreamModel: "z-ai/glm-5.2", kind: "guard" }),
  createCompleted(3, { outcome: "rate_limit_error", error: "Slow DOWN, please", sessionId: "abc" }),
  createCompleted(4, { dropped: ["inference_geo"], preview: "Why does it fail?", kind: "main" }),
  createCompleted(5, { outcome: "client_gone", totalMs: 90_000, costUsd: 0.5 }),
  ...Array.from({ length: 15 }, (_, index) => createCompleted(6 + index, { costUsd: 0.01 })),
];

const QUERIES: [query: string, found: number[]][] = [
  ["opus", [1]],
  ["GLM", [2]],
  ["slow down", [3]],
  ['"down, please"', [3]],
  ["inference_geo", [4]],
  ["why fail", [4]],
  ["req_4", [4]],
  ["model:opus", [1]],
  ["model:z-ai/glm", [2]],
  ["session:abc", [3]],
  ["session:abd", []],
  ["kind:guard", [2]],
  ["is:error", [3, 5]],
  ["is:dropped", [4]],
  ["is:slow", [5]],
  ["is:costly", [5]],
  ["is:error session:abc", [3]],
  ["is:error opus", []],
  ["is:nothing", []],
  ["unknown:term", []],
];

for (const [query, found] of QUERIES) {
  Deno.test(`the search ${query} finds ${found.join(", ") || "nothing"}`, () => {
    const matcher = compileQuery(query, REQUESTS, new WeakMap());
    const matching = REQUESTS.filter((request) => matcher?.(request));
    assertEquals(matching.map(({ number }) => number), found);
  });
}

Deno.test("an empty search matches everything", () => {
  for (const query of ["", "  "]) assertEquals(compileQuery(query, REQUESTS, new WeakMap()), null);
});

Deno.test("nothing is slow or costly where all requests took no time and cost nothing", () => {
  const requests = [createCompleted(1, { totalMs: 0 })];
  for (const query of ["is:slow", "is:costly"]) {
    const matcher = compileQuery(query, requests, new WeakMap());
    assertEquals(requests.filter((request) => matcher?.(request)), []);
  }
});

Deno.test("toggleTerm adds and removes a term, and keeps the others", () => {
  assertEquals(toggleTerm("", "is:error"), "is:error");
  assertEquals(toggleTerm("opus  is:error x", "is:error"), "opus x");
  assertEquals(toggleTerm("opus", "is:slow"), "opus is:slow");
});

Deno.test("replaceTerm changes the term of a kind, and quotes spaces", () => {
  assertEquals(replaceTerm("a model:x b", "model", "y/z"), "a b model:y/z");
  assertEquals(replaceTerm("model:x", "model", ""), "");
  const query = replaceTerm("", "model", 'two "words"');
  assertEquals([query, listTerms(query)], ['model:"two words"', ['model:"two words"']]);
  assertEquals(replaceTerm(query, "model", "x"), "model:x");
});
