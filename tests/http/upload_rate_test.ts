// A request body that comes too slowly, or in too many pieces, is given up: it would hold its place, or take a core.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { inPieces, repeat } from "../helpers/pieces.ts";

const MB = 1024 * 1024;

Deno.test("a body in pieces of one byte is given up after some thousand reads", async () => {
  let reads = 0;
  const pieces = {
    *[Symbol.iterator]() {
      for (;; reads++) yield " ";
    },
  };
  const error = await assertRejects(() => readJson(inPieces(pieces), { maxBytes: MB }), ApiError);
  assertEquals(error.message, "The request body arrived in too many small chunks");
  assert(reads < 25_000, `${reads}`);
});

Deno.test("a body in many pieces of some bytes is read", async () => {
  const pieces = ["[", ...repeat("1234567890123456,", 30_000), "1]"];
  const value = await readJson(inPieces(pieces), { maxBytes: MB });
  assert(Array.isArray(value) && value.length === 30_001);
});

for (
  const [about, waitMs, pieces, passes] of [
    ["a byte in twenty-nine seconds", 29_000, [..."[1,2,3]"], false],
    ["64 KB a second", 1000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], true],
    ["half of that", 2000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], false],
    ["one stop of this process", 600_000, ["[1]"], true],
  ] as const
) {
  Deno.test(`a body that comes at ${about} is ${passes ? "read" : "given up"}`, async () => {
    let time = 0;
    const now = () => time;
    const slow = {
      *[Symbol.iterator]() {
        for (const piece of pieces) {
          time += waitMs;
          yield piece;
        }
      },
    };
    const reading = readJson(inPieces(slow), { maxBytes: 32 * MB, now });
    if (passes) return assert(Array.isArray(await reading));
    const error = await assertRejects(() => reading, ApiError);
    assertEquals([error.type, error.status], ["timeout_error", 408]);
    assertEquals(error.message, "The request body arrived at less than 64 kB/s");
  });
}
