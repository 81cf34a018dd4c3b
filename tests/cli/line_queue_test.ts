/** The queue before standard output, in front of a function that writes as the test says. */

import { assert, assertEquals } from "@std/assert";
import { LineQueue } from "../../lib/cli/line_queue.ts";
import { withTimeout as soon } from "../helpers/timeout.ts";

const MIB = 1024 * 1024;

/** An output that takes bytes when the test lets it. */
function createOutput() {
  let text = "";
  const open = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const output = {
    writes: 0,
    /** At most so many bytes a write. */
    most: Infinity,
    /** What the next write fails with. */
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
      const taken = bytes.subarray(0, output.most);
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

Deno.test("lines leave in their order, and those that wait in one write", async () => {
  const { output, queue } = createQueue();
  for (const line of ["one", "two", "three"]) assertEquals(queue.push(line), true);
  output.release();
  await queue.flush();
  assertEquals([output.text, output.writes], ["one\ntwo\nthree\n", 2]);
});

Deno.test("a write that takes only a part is gone on with", async () => {
  const { output, queue } = createQueue();
  output.most = 3;
  output.release();
  queue.push("one — two");
  await queue.flush();
  assertEquals(output.text, "one — two\n");
});

Deno.test("at most 1 MiB waits, and after a loss nothing is taken before all of it is out", async () => {
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

Deno.test("a single line is taken however long it is", async () => {
  const { output, queue } = createQueue();
  output.release();
  assertEquals(queue.push("x".repeat(2 * MIB)), true);
  await queue.flush();
  assertEquals(output.text.length, 2 * MIB + 1);
});

Deno.test("an output that fails loses what it was given, and the next line is tried again", async () => {
  const { output, queue } = createQueue();
  output.release();
  output.error = new Deno.errors.BrokenPipe("gone");
  queue.push("one");
  await queue.flush();
  queue.push("two");
  await queue.flush();
  assertEquals(output.text, "two\n");
});

Deno.test("a full non-blocking pipe is tried again, and loses nothing", async () => {
  const { output, queue } = createQueue();
  output.release();
  output.error = new Deno.errors.WouldBlock("full");
  queue.push("one");
  await soon(queue.flush(), "the line");
  assertEquals(output.text, "one\n");
});

Deno.test("flush waits for a reader as long as it is told", async () => {
  const { output, queue } = createQueue();
  await queue.flush();
  queue.push("one");
  await queue.flush(1);
  assertEquals(output.text, "");
  output.release();
  await queue.flush();
  assertEquals(output.text, "one\n");
});
