/** The lent buffer: the same bytes, in buffers of their own, read only when asked for. */

import { assertEquals, assertStrictEquals } from "@std/assert";
import { type ByteStream, lend } from "../lib/sse/lend.ts";
import { holdBody, startUpstream } from "./helpers/upstream.ts";

/** The sum of sizes that matter: below, at and above the buffer of 16 KiB. */
const SIZES = [1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3, 100_000];

/** Pieces whose every byte tells where it belongs. */
function makePieces(): Uint8Array<ArrayBuffer>[] {
  let place = 0;
  return SIZES.map((size) => Uint8Array.from({ length: size }, () => (place++ * 31) % 251));
}

/** A source that counts what is asked of it. */
function countPulls(isBytes: boolean): { body: ByteStream; pulls: () => number } {
  let pulls = 0;
  const pull = (controller: { enqueue(chunk: Uint8Array<ArrayBuffer>): void }) => {
    controller.enqueue(new Uint8Array([++pulls]));
  };
  const body: ByteStream = isBytes
    ? new ReadableStream({ type: "bytes", pull })
    : new ReadableStream({ pull }, { highWaterMark: 0 });
  return { body, pulls: () => pulls };
}

async function readAll(stream: ByteStream): Promise<Uint8Array<ArrayBuffer>[]> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function join(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}

for (const isBytes of [true, false]) {
  const kind = isBytes ? "a byte stream" : "another stream";

  Deno.test(`lend passes on that ${kind} broke off`, async () => {
    const held = holdBody("begun", { isBytes });
    const reader = lend(held.body).getReader();
    await reader.read();
    held.cut();
    const failure = await reader.read().then(() => null, (error: Error) => error.message);
    assertEquals(failure, "cut by the test");
  });

  Deno.test(`lend cancels ${kind} when its reader leaves, also in the middle of a read`, async () => {
    const held = holdBody("", { isBytes });
    const reader = lend(held.body).getReader();
    const waiting = reader.read();
    await reader.cancel();
    await held.cancelled;
    assertEquals((await waiting).done, true);
  });

  Deno.test(`lend reads nothing of ${kind} ahead of demand`, async () => {
    const { body, pulls } = countPulls(isBytes);
    const reader = lend(body).getReader();
    await nextTurn();
    assertEquals(pulls(), 0);
    for (const expected of [1, 2, 3]) {
      assertEquals((await reader.read()).value, new Uint8Array([expected]));
      await nextTurn();
      assertEquals(pulls(), expected);
    }
    await reader.cancel();
  });

  Deno.test(`lend gives every byte of ${kind} to a reader that looks at the end only`, async () => {
    const held = holdBody("", { isBytes });
    const pieces = makePieces();
    for (const piece of pieces) held.send(piece);
    held.close();
    const chunks = await readAll(lend(held.body));
    assertEquals(join(chunks), join(pieces));
  });

  Deno.test(`lend gives chunks of ${kind} that later reads do not overwrite`, async () => {
    const held = holdBody("first", { isBytes });
    const reader = lend(held.body).getReader();
    const { value: first } = await reader.read();
    held.send("other");
    const { value: second } = await reader.read();
    assertEquals(new TextDecoder().decode(first), "first");
    assertEquals(new TextDecoder().decode(second), "other");
    assertEquals(first?.buffer === second?.buffer, false);
    held.close();
    assertEquals((await reader.read()).done, true);
  });
}

Deno.test("lend returns a stream that is no byte stream as it is", () => {
  const { body } = holdBody("x", { isBytes: false });
  assertStrictEquals(lend(body), body);
});

Deno.test("lend gives every byte of a real answer, read slowly", async () => {
  const pieces = makePieces();
  const held = holdBody();
  await using upstream = startUpstream(() => new Response(held.body));
  const response = await fetch(upstream.baseUrl);
  if (response.body === null) throw new Error("An answer without a body");
  const reader = lend(response.body).getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (const piece of pieces) {
    held.send(piece);
    const { value } = await reader.read();
    if (value !== undefined) chunks.push(value);
  }
  held.close();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    chunks.push(read.value);
    await nextTurn();
  }
  assertEquals(join(chunks), join(pieces));
});

/** Lets everything that is due happen first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
