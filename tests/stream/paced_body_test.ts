// Long bodies that are sent piece by piece: lib/stream/paced_body.ts.

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { createPacedBody, toJsonResponse } from "../../lib/stream/paced_body.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";

const KIB = 1024;
const PIECE = 64 * KIB;

/** A body of five pieces, the last one shorter by `missing` bytes. */
function open({ missing = 0 } = {}): ReadableStreamDefaultReader<Uint8Array> {
  const body = createPacedBody("x".repeat(5 * PIECE - missing), 1000);
  assertInstanceOf(body, ReadableStream<Uint8Array>);
  return body.getReader();
}

Deno.test("createPacedBody leaves a text of up to 256 KiB as it is", () => {
  const text = "x".repeat(256 * KIB);
  // Not assertEquals: a failure would print the text.
  assertEquals(createPacedBody(text, 1000) === text, true);
});

Deno.test("createPacedBody makes a stream of a text that is one character longer", async () => {
  const body = createPacedBody("x".repeat(256 * KIB + 1), 1000);
  assertInstanceOf(body, ReadableStream);
  await body.cancel();
});

Deno.test("createPacedBody sends a longer text in pieces of 64 KiB", async () => {
  using timers = new FakeTimers();
  for (const missing of [0, 1]) {
    const reader = open({ missing });
    const lengths: number[] = [];
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      lengths.push(read.value.length);
    }
    assertEquals(lengths, [PIECE, PIECE, PIECE, PIECE, PIECE - missing]);
    assertEquals(timers.pending, 0);
  }
  const text = `${"x".repeat(256 * KIB)}€`;
  assertEquals(await new Response(createPacedBody(text, 1000)).text() === text, true);
});

Deno.test("createPacedBody aborts the response of a client that reads nothing within the timeout", async () => {
  // Also before the last piece: what is not read must not stay in memory.
  for (const reads of [0, 1, 4]) {
    using timers = new FakeTimers();
    const reader = open();
    for (let n = 0; n < reads; n++) {
      timers.advance(900);
      assertEquals((await reader.read()).value?.length, PIECE);
    }
    timers.advance(1049);
    assertEquals(timers.pending, 1);
    timers.advance(1);
    await assertRejects(() => reader.read(), Error, "The client read nothing within TIMEOUT_S");
  }
});

Deno.test("createPacedBody leaves no timer when the client disconnects", async () => {
  using timers = new FakeTimers();
  const reader = open();
  await reader.read();
  await reader.cancel();
  assertEquals(timers.pending, 0);
});

Deno.test("toJsonResponse sends JSON of any length, with additional headers", async () => {
  for (const text of ["x", "x".repeat(300 * KIB)]) {
    const response = toJsonResponse({ text }, { timeoutMs: 1000, headers: { "x-more": "1" } });
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(response.headers.get("x-more"), "1");
    assertEquals((await response.json()).text === text, true);
  }
});
