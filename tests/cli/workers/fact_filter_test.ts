// Which learned facts a worker tells the others.

import { assertEquals } from "@std/assert";
import { createFactFilter } from "../../../lib/cli/workers/fact_filter.ts";
import type { Fact } from "../../../lib/learned.ts";

const toMean = (model: string, value: number): Fact => ({
  type: "mean",
  of: "costUsd",
  model,
  value,
});

Deno.test("a mean of a model is told a few times a second, the first value always", () => {
  const told: Fact[] = [];
  let time = 0;
  const learn = createFactFilter((fact) => told.push(fact), () => time);
  for (time = 0; time < 1000; time += 10) learn(toMean("a/x", time));
  assertEquals(told, [0, 250, 500, 750].map((value) => toMean("a/x", value)));
  learn(toMean("a/y", 1));
  assertEquals(told.length, 5);
});

Deno.test("a limit is always told", () => {
  const told: Fact[] = [];
  const learn = createFactFilter((fact) => told.push(fact), () => 0);
  for (const target of ["a/x", "a/y"]) learn({ type: "target", of: "textOnly", target });
  assertEquals(told.length, 2);
});
