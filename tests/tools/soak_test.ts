// The evaluation of the soak test (tools/soak/verdict.ts): it must fail on a leak.

import { assertEquals } from "@std/assert";
import { type Findings, isStable, isWarm, listProblems } from "../../tools/soak/verdict.ts";

const MB = 1024 * 1024;
const GOOD: Findings = {
  complete: 700,
  lost: 0,
  open: 0,
  memory: { start: 200 * MB, end: 240 * MB },
};

const VERDICTS: [about: string, change: Partial<Findings>, problems: string[]][] = [
  ["memory that grew by exactly a fifth", {}, []],
  ["memory that shrank", { memory: { start: 200 * MB, end: 90 * MB } }, []],
  ["memory that grew by more", { memory: { start: 200 * MB, end: 242 * MB } }, [
    "memory grew by a factor of 1.21, more than 1.2",
  ]],
  ["memory that could not be read", { memory: { start: 0, end: 0 } }, [
    "memory grew by a factor of NaN, more than 1.2",
  ]],
  ["memory of 0 at the start", { memory: { start: 0, end: MB } }, [
    "memory grew by a factor of Infinity, more than 1.2",
  ]],
  ["one lost character", { lost: 1 }, ["1 characters were lost"]],
  ["one open connection", { open: 1 }, ["1 upstream connections are open"]],
  ["no complete stream", { complete: 0 }, ["no stream was complete"]],
  ["all problems", { complete: 0, lost: 2, open: 3, memory: { start: MB, end: 2 * MB } }, [
    "no stream was complete",
    "2 characters were lost",
    "3 upstream connections are open",
    "memory grew by a factor of 2.00, more than 1.2",
  ]],
];

for (const [about, change, problems] of VERDICTS) {
  Deno.test(`the soak's verdict on ${about}: ${problems.length} problems`, () => {
    assertEquals(listProblems({ ...GOOD, ...change }), problems);
  });
}

const SERIES: [about: string, samples: number[], stable: boolean][] = [
  ["no samples", [], false],
  ["fewer samples than required", [100, 100], false],
  ["three equal samples", [100, 100, 100], true],
  ["within 2 %", [100, 102, 101], true],
  ["more than 2 %", [100, 103, 101], false],
  ["a step down at the end", [366, 366, 366, 202], false],
  ["a step down before the last samples", [366, 202, 202, 202], true],
  ["slow growth", [100, 102, 104, 106], false],
];

for (const [about, samples, stable] of SERIES) {
  Deno.test(`memory is ${stable ? "" : "not "}stable: ${about}`, () => {
    assertEquals(isStable(samples, 3), stable);
  });
}

const WARM_UPS: [about: string, levels: number[], warm: boolean][] = [
  ["no load", [], false],
  ["one load", [170], false],
  ["two similar loads", [170, 178], true],
  ["a step up", [170, 185], false],
  ["a step up and then stable memory", [170, 185, 190], true],
  ["steady growth, as from a leak", [170, 185, 200, 215], false],
  ["a decrease", [200, 150], true],
];

for (const [about, levels, warm] of WARM_UPS) {
  Deno.test(`the soak is ${warm ? "" : "not "}warm after ${about}`, () => {
    assertEquals(isWarm(levels), warm);
  });
}
