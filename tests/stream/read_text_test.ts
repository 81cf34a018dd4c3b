// Reading bodies that are not event streams: lib/stream/read_text.ts.

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readErrorText, readText, readUpstreamText } from "../../lib/stream/read_text.ts";

/** A body that sends pieces and then stays open, or ends. */
function send(pieces: readonly Uint8Array<ArrayBuffer>[], { ends }: { ends: boolean }) {
  let isCancelled = false;
  const queue = pieces.values();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const next = queue.next();
      if (!next.done) return controller.enqueue(next.value);
      if (ends) return controller.close();
      return new Promise(() => {});
    },
    cancel() {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, isCancelled: () => isCancelled };
}

const options = { idleMs: 60_000, onRead: () => {} };
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("readText joins a character that is cut between two pieces", async () => {
  const bytes = encode("a€b");
  const { body } = send([bytes.slice(0, 2), bytes.slice(2, 3), bytes.slice(3)], { ends: true });
  assertEquals(await readText(body, options), "a€b");
});

Deno.test("readText cancels a body that is idle for too long, at its start or after a piece", async () => {
  for (const pieces of [[], [encode("begun")]]) {
    const { body, isCancelled } = send(pieces, { ends: false });
    assertEquals(await readText(body, { ...options, idleMs: 5 }), null);
    assertEquals(isCancelled(), true);
  }
});

Deno.test("readText rejects a body that is not UTF-8, and one that ends inside a character", async () => {
  for (const bytes of [[0xff], [0xe2, 0x82]]) {
    const { body } = send([Uint8Array.from(bytes)], { ends: true });
    await assertRejects(() => readText(body, options), TypeError);
  }
});

Deno.test("readText cancels a body when onRead throws", async () => {
  const { body, isCancelled } = send([encode("much")], { ends: false });
  const refuse = () => {
    throw new ApiError("request_too_large", "too much");
  };
  await assertRejects(() => readText(body, { ...options, onRead: refuse }), ApiError);
  assertEquals(isCancelled(), true);
});

Deno.test("readUpstreamText distinguishes an idle body from a broken one", async () => {
  const idle = send([], { ends: false }).body;
  const late = await assertRejects(() => readUpstreamText(idle, { timeoutMs: 5 }), ApiError);
  assertEquals([late.type, late.status], ["timeout_error", 504]);
  const broken = send([Uint8Array.of(0xff)], { ends: true }).body;
  const error = await assertRejects(
    () => readUpstreamText(broken, { timeoutMs: 60_000 }),
    ApiError,
  );
  assertEquals([error.type, error.status], ["api_error", 502]);
});

Deno.test("readErrorText returns what has arrived when a body stays open, breaks or never ends", async () => {
  const open = send([encode("begun")], { ends: false });
  assertEquals([await readErrorText(open.body, 5), open.isCancelled()], ["begun", true]);
  let reads = 0;
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (reads++ === 0) controller.enqueue(encode("begun"));
      else controller.error(new Error("cut"));
    },
  });
  assertEquals(await readErrorText(broken, 60_000), "begun");
  const endless = send(Array(1000).fill(encode("x".repeat(1024))), { ends: false });
  assertEquals((await readErrorText(endless.body, 60_000)).length, 256 * 1024);
  assertEquals(endless.isCancelled(), true);
  assertEquals(await readErrorText(null, 60_000), "");
});

Deno.test("readErrorText limits the whole time, also of a body that trickles in", async () => {
  let timer: ReturnType<typeof setInterval>;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      timer = setInterval(() => controller.enqueue(encode("x")), 5);
    },
    cancel() {
      isCancelled = true;
      clearInterval(timer);
    },
  });
  await readErrorText(body, 50);
  assertEquals(isCancelled, true);
});
