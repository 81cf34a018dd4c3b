// Reading bodies that are not event streams: lib/stream/read_text.ts.

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import type { ByteStream } from "../../lib/stream/body_reader.ts";
import { readErrorText, readText, readUpstreamText } from "../../lib/stream/read_text.ts";
import { FakeTimers } from "../helpers/fake_timers.ts";
import { createOpenBody } from "../helpers/upstream.ts";

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

Deno.test("readErrorText stops at 256 KiB exactly, or soon after", async () => {
  const pieces = [256 * 1024 - 1, 1, 1].map((length) => encode("x".repeat(length)));
  const { body } = send(pieces, { ends: false });
  assertEquals((await readErrorText(body, 60_000)).length, 256 * 1024);
});

Deno.test("readErrorText joins a character that is cut between two pieces", async () => {
  const bytes = encode("a€b");
  const { body } = send([bytes.slice(0, 2), bytes.slice(2)], { ends: true });
  assertEquals(await readErrorText(body, 60_000), "a€b");
});

Deno.test("readErrorText and readText leave no timer", async () => {
  using timers = new FakeTimers();
  await readErrorText(send([encode("a")], { ends: true }).body, 1000);
  await readText(send([encode("a")], { ends: true }).body, options);
  assertEquals([timers.waits, timers.pending], [[1000, 60_000, 60_000], 0]);
});

Deno.test("readText starts the idle timeout anew with each piece", async () => {
  using timers = new FakeTimers();
  const held = createOpenBody();
  const reading = readText(held.body, {
    idleMs: 100,
    onRead: ({ reads }) => {
      if (reads === 3) held.close();
      // Each piece comes late, but in time.
      else queueMicrotask(sendLater);
    },
  });
  const sendLater = () => {
    timers.advance(149);
    held.send("x");
  };
  sendLater();
  assertEquals(await reading, "xxx");
});

Deno.test("readText reports the bytes and the number of reads so far", async () => {
  const progress: unknown[] = [];
  const { body } = send(["ab", "€", "c"].map(encode), { ends: true });
  await readText(body, { idleMs: 60_000, onRead: (read) => progress.push(read) });
  assertEquals(progress, [
    { bytes: 2, reads: 1 },
    { bytes: 5, reads: 2 },
    { bytes: 6, reads: 3 },
  ]);
});

Deno.test("readText reads at most 64 KiB at once, and not more than the declared length", async () => {
  for (
    const [expectedBytes, size] of [
      [undefined, 16 * 1024],
      [0, 16 * 1024],
      [10, 10],
      [1_000_000, 64 * 1024],
    ] as const
  ) {
    const sizes: (number | undefined)[] = [];
    const body: ByteStream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        sizes.push(controller.byobRequest?.view?.byteLength);
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
    const declared = expectedBytes === undefined ? {} : { expectedBytes };
    assertEquals(await readText(body, { ...options, ...declared }), "");
    assertEquals(sizes, [size]);
  }
});

const MAX_BYTES = 20 * 1024 * 1024;
const readBytes = (...lengths: number[]) =>
  readUpstreamText(send(lengths.map((length) => new Uint8Array(length)), { ends: true }).body, {
    timeoutMs: 60_000,
  });

Deno.test("readUpstreamText refuses a response of one byte more than 20 MiB", async () => {
  for (const lengths of [[MAX_BYTES + 1], [1, MAX_BYTES]]) {
    const error = await assertRejects(() => readBytes(...lengths), ApiError);
    assertEquals([error.type, error.status, error.message], [
      "api_error",
      502,
      "Upstream sent a response of more than 20 MiB",
    ]);
  }
});

Deno.test("readUpstreamText takes a response of 20 MiB", async () => {
  assertEquals((await readBytes(MAX_BYTES)).length, MAX_BYTES);
});

Deno.test("readUpstreamText reserves memory for what it has read, and gives it back at the end", async () => {
  for (const ends of [true, false]) {
    const calls: unknown[] = [];
    const share = {
      resize: (bytes: number) => calls.push(bytes),
      release: () => calls.push("release"),
    };
    const { body } = send([encode("abc"), encode("de")], { ends });
    const reading = readUpstreamText(body, { timeoutMs: ends ? 60_000 : 5, share });
    if (ends) assertEquals(await reading, "abcde");
    else await assertRejects(() => reading, ApiError);
    assertEquals(calls, [3, 5, "release"]);
  }
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
