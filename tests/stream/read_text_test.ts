/** Bodies that are not streams of events: lib/stream/read_text.ts. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readText, readUpstreamText } from "../../lib/stream/read_text.ts";

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

const patiently = { idleMs: 60_000, onRead: () => {} };
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("readText joins a character that is cut between two pieces", async () => {
  const bytes = encode("a€b");
  const { body } = send([bytes.slice(0, 2), bytes.slice(2, 3), bytes.slice(3)], { ends: true });
  assertEquals(await readText(body, patiently), "a€b");
});

Deno.test("readText gives up on a body that falls silent, at its begin and after a piece, and cancels it", async () => {
  for (const pieces of [[], [encode("begun")]]) {
    const { body, isCancelled } = send(pieces, { ends: false });
    assertEquals(await readText(body, { ...patiently, idleMs: 5 }), null);
    assertEquals(isCancelled(), true);
  }
});

Deno.test("readText refuses a body that is not UTF-8, and one that ends inside a character", async () => {
  for (const bytes of [[0xff], [0xe2, 0x82]]) {
    const { body } = send([Uint8Array.from(bytes)], { ends: true });
    await assertRejects(() => readText(body, patiently), TypeError);
  }
});

Deno.test("readText lets a body go where a read is refused", async () => {
  const { body, isCancelled } = send([encode("much")], { ends: false });
  const refuse = () => {
    throw new ApiError("request_too_large", "too much");
  };
  await assertRejects(() => readText(body, { ...patiently, onRead: refuse }), ApiError);
  assertEquals(isCancelled(), true);
});

Deno.test("readWhole says whether a body was silent or broke off", async () => {
  const silent = send([], { ends: false }).body;
  const late = await assertRejects(() => readUpstreamText(silent, { timeoutMs: 5 }), ApiError);
  assertEquals([late.type, late.status], ["timeout_error", 504]);
  const broken = send([Uint8Array.of(0xff)], { ends: true }).body;
  const error = await assertRejects(
    () => readUpstreamText(broken, { timeoutMs: 60_000 }),
    ApiError,
  );
  assertEquals([error.type, error.status], ["api_error", 502]);
});
