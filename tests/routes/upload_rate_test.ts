// A request body that is sent too slowly, or in too many small chunks, is cancelled: it would block a place under
// MAX_INFLIGHT, or use up a core.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { inPieces, repeat } from "../helpers/pieces.ts";

const MB = 1024 * 1024;

Deno.test("a body in chunks of one byte is cancelled after some thousand reads", async () => {
  let reads = 0;
  const chunks = {
    *[Symbol.iterator]() {
      for (;; reads++) yield " ";
    },
  };
  const error = await assertRejects(
    () => readJson(inPieces(chunks), { maxBytes: MB }),
    ApiError,
  );
  assertEquals(error.message, "The request body arrived in too many small chunks");
  assert(reads < 25_000, `${reads}`);
});

Deno.test("a body in many chunks of several bytes is read", async () => {
  const chunks = ["[", ...repeat("1234567890123456,", 30_000), "1]"];
  const value = await readJson(inPieces(chunks), { maxBytes: MB });
  assert(Array.isArray(value) && value.length === 30_001);
});

for (
  const [about, waitMs, chunks, passes] of [
    ["a byte per 29 seconds", 29_000, [..."[1,2,3]"], false],
    ["64 KB per second", 1000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], true],
    ["32 KB per second", 2000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], false],
    ["the full rate after a pause of the process", 600_000, ["[1]"], true],
  ] as const
) {
  Deno.test(`a body that is sent at ${about} is ${passes ? "read" : "cancelled"}`, async () => {
    let time = 0;
    const now = () => time;
    const slow = {
      *[Symbol.iterator]() {
        for (const chunk of chunks) {
          time += waitMs;
          yield chunk;
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
