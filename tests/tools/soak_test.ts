// The verdict of the soak test (tools/soak/): it must fail on a leak.

import { assertEquals } from "@std/assert";
import { type Findings, isLevel, isWarm, listFaults } from "../../tools/soak/verdict.ts";

const MB = 1024 * 1024;
const GOOD: Findings = {
  whole: 700,
  lost: 0,
  open: 0,
  memory: { start: 200 * MB, end: 240 * MB },
};

const VERDICTS: [about: string, change: Partial<Findings>, faults: string[]][] = [
  ["memory that grew by exactly a fifth", {}, []],
  ["memory that shrank", { memory: { start: 200 * MB, end: 90 * MB } }, []],
  ["memory that grew by more", { memory: { start: 200 * MB, end: 242 * MB } }, [
    "memory grew to 1.21 of its start, more than 1.2",
  ]],
  ["memory that could not be read", { memory: { start: 0, end: 0 } }, [
    "memory grew to NaN of its start, more than 1.2",
  ]],
  ["memory that was nothing at the start", { memory: { start: 0, end: MB } }, [
    "memory grew to Infinity of its start, more than 1.2",
  ]],
  ["one lost character", { lost: 1 }, ["1 characters lost"]],
  ["one open connection", { open: 1 }, ["1 upstream connections left open"]],
  ["no stream at all", { whole: 0 }, ["no stream came whole"]],
  ["all at once", { whole: 0, lost: 2, open: 3, memory: { start: MB, end: 2 * MB } }, [
    "no stream came whole",
    "2 characters lost",
    "3 upstream connections left open",
    "memory grew to 2.00 of its start, more than 1.2",
  ]],
];

for (const [about, change, faults] of VERDICTS) {
  Deno.test(`the soak's verdict on ${about}: ${faults.length} faults`, () => {
    assertEquals(listFaults({ ...GOOD, ...change }), faults);
  });
}

const SERIES: [about: string, samples: number[], level: boolean][] = [
  ["nothing yet", [], false],
  ["fewer samples than asked for", [100, 100], false],
  ["three alike", [100, 100, 100], true],
  ["within 2 %", [100, 102, 101], true],
  ["more than 2 %", [100, 103, 101], false],
  ["a step down just now", [366, 366, 366, 202], false],
  ["a step down long ago", [366, 202, 202, 202], true],
  ["a slow climb", [100, 102, 104, 106], false],
];

for (const [about, samples, level] of SERIES) {
  Deno.test(`memory is ${level ? "" : "not "}level: ${about}`, () => {
    assertEquals(isLevel(samples, 3), level);
  });
}

const WARM_UPS: [about: string, rests: number[], warm: boolean][] = [
  ["none", [], false],
  ["one", [170], false],
  ["two alike", [170, 178], true],
  ["a step up", [170, 185], false],
  ["a step up and then level", [170, 185, 190], true],
  ["a steady climb, which is a leak's", [170, 185, 200, 215], false],
  ["less than before", [200, 150], true],
];

for (const [about, rests, warm] of WARM_UPS) {
  Deno.test(`the soak is ${warm ? "" : "not "}warm after ${about}`, () => {
    assertEquals(isWarm(rests), warm);
  });
}
