/** The queue in front of standard output, with a fake write function. */

import { assert, assertEquals } from "@std/assert";
import { LineQueue } from "../../lib/cli/line_queue.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";
import { withTimeout } from "../helpers/timeout.ts";

const MIB = 1024 * 1024;

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An output that accepts bytes once it is released. */
function createOutput() {
  let text = "";
  const open = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const output = {
    writes: 0,
    /** Maximum bytes of a write. */
    maxBytes: Infinity,
    /** The error of the next write. */
    error: null as Error | null,
    get text() {
      return text;
    },
    release: () => open.resolve(),
    async write(bytes: Uint8Array): Promise<number> {
      output.writes++;
      await open.promise;
      const { error } = output;
      output.error = null;
      if (error !== null) throw error;
      const taken = bytes.subarray(0, output.maxBytes);
      text += decoder.decode(taken, { stream: true });
      return taken.length;
    },
  };
  return output;
}

function createQueue() {
  const output = createOutput();
  return { output, queue: new LineQueue((bytes) => output.write(bytes)) };
}

Deno.test("LineQueue writes lines in order, and queued lines in one write", async () => {
  const { output, queue } = createQueue();
  for (const line of ["one", "two", "three"]) assertEquals(queue.push(line), true);
  output.release();
  await queue.flush();
  assertEquals([output.text, output.writes], ["one\ntwo\nthree\n", 2]);
});

Deno.test("LineQueue writes a line at once, and those that follow it soon in one write", async () => {
  const { output, queue } = createQueue();
  output.release();
  queue.push("one");
  await delay(0);
  assertEquals(output.text, "one\n");
  for (let i = 0; i < 4; i++) {
    queue.push("more");
    await delay(0);
  }
  // Without a flush too.
  while (output.writes < 2) await delay(1);
  await queue.flush();
  assertEquals([output.text, output.writes], [`one\n${"more\n".repeat(4)}`, 2]);
});

Deno.test("flush does not wait for the pause between two writes", async () => {
  const { output, queue } = createQueue();
  output.release();
  using timers = new FakeTimers();
  queue.push("one");
  await queue.flush();
  queue.push("two");
  await queue.flush();
  assertEquals([output.text, timers.pending], ["one\ntwo\n", 0]);
});

Deno.test("LineQueue writes the rest after a partial write", async () => {
  const { output, queue } = createQueue();
  output.maxBytes = 3;
  output.release();
  queue.push("one — two");
  await queue.flush();
  assertEquals(output.text, "one — two\n");
});

Deno.test("LineQueue holds at most 1 MiB, and after a loss accepts nothing until it is empty", async () => {
  const { output, queue } = createQueue();
  const line = "x".repeat(1023);
  let taken = 0;
  while (queue.push(line)) taken++;
  assertEquals(taken, 1024);
  assertEquals(queue.push("short"), false);
  output.release();
  await queue.flush();
  assertEquals(output.text.length, MIB);
  assertEquals(queue.push("short"), true);
  await queue.flush();
  assert(output.text.endsWith("x\nshort\n"));
});

Deno.test("LineQueue accepts a single line of any length", async () => {
  const { output, queue } = createQueue();
  output.release();
  assertEquals(queue.push("x".repeat(2 * MIB)), true);
  await queue.flush();
  assertEquals(output.text.length, 2 * MIB + 1);
});

Deno.test("LineQueue loses the lines of a failed write and tries the next one", async () => {
  const { output, queue } = createQueue();
  output.release();
  output.error = new Deno.errors.BrokenPipe("gone");
  queue.push("one");
  await queue.flush();
  queue.push("two");
  await queue.flush();
  assertEquals(output.text, "two\n");
});

Deno.test("LineQueue retries a full non-blocking pipe without losing lines", async () => {
  const { output, queue } = createQueue();
  output.release();
  output.error = new Deno.errors.WouldBlock("full");
  queue.push("one");
  await withTimeout(queue.flush(), "the line");
  assertEquals(output.text, "one\n");
});

Deno.test("flush waits for a slow reader up to its time limit", async () => {
  const { output, queue } = createQueue();
  await queue.flush();
  queue.push("one");
  await queue.flush(1);
  assertEquals(output.text, "");
  output.release();
  await queue.flush();
  assertEquals(output.text, "one\n");
});
