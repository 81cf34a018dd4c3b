/** The lent buffer: the same text, whatever the buffer was used for since, read only when asked for. */

import { assertEquals, assertRejects } from "@std/assert";
import { type ByteStream, createBodyReader, Utf8Reader } from "../../lib/stream/body_reader.ts";
import { holdBody, startUpstream } from "../helpers/upstream.ts";

/** The sum of sizes that matter: below, at and above the buffer of 16 KiB. */
const SIZES = [1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3, 100_000];

/** Pieces of a text in which every place tells where it belongs, cut without regard to characters. */
function makePieces(): { text: string; pieces: Uint8Array<ArrayBuffer>[] } {
  const length = SIZES.reduce((sum, size) => sum + size, 0);
  let text = "";
  for (let place = 0; text.length < length; place++) text += `${place}é€𝄞`;
  const bytes = new TextEncoder().encode(text);
  let start = 0;
  const pieces = SIZES.map((size) => bytes.slice(start, start += size));
  return { text, pieces: [...pieces, bytes.slice(start)] };
}

/** A source that counts what is asked of it. */
function countPulls(isBytes: boolean): { body: ByteStream; pulls: () => number } {
  let pulls = 0;
  const pull = (controller: { enqueue(chunk: Uint8Array<ArrayBuffer>): void }) => {
    controller.enqueue(new TextEncoder().encode(`${++pulls}`));
  };
  const body: ByteStream = isBytes
    ? new ReadableStream({ type: "bytes", pull })
    : new ReadableStream({ pull }, { highWaterMark: 0 });
  return { body, pulls: () => pulls };
}

async function readAll(lent: Utf8Reader): Promise<string> {
  let text = "";
  for (let read = await lent.read(); read !== null; read = await lent.read()) text += read;
  return text;
}

for (const isBytes of [true, false]) {
  const kind = isBytes ? "a byte stream" : "another stream";

  Deno.test(`LentText passes on that ${kind} broke off`, async () => {
    const held = holdBody("begun", { isBytes });
    const lent = new Utf8Reader(held.body);
    assertEquals(await lent.read(), "begun");
    held.cut();
    await assertRejects(() => lent.read(), Error, "cut by the test");
  });

  Deno.test(`LentText lets ${kind} go, also in the middle of a read`, async () => {
    const held = holdBody("", { isBytes });
    const lent = new Utf8Reader(held.body);
    const waiting = lent.read();
    await lent.cancel();
    await held.cancelled;
    assertEquals(await waiting, null);
  });

  Deno.test(`LentText lets ${kind} go inside a character`, async () => {
    const held = holdBody("", { isBytes });
    const lent = new Utf8Reader(held.body);
    held.send(new Uint8Array([0xe2, 0x82]));
    assertEquals(await lent.read(), "");
    const waiting = lent.read();
    await lent.cancel();
    assertEquals(await waiting, null);
  });

  Deno.test(`LentText reads nothing of ${kind} ahead of demand`, async () => {
    const { body, pulls } = countPulls(isBytes);
    const lent = new Utf8Reader(body);
    await nextTurn();
    assertEquals(pulls(), 0);
    for (const expected of [1, 2, 3]) {
      assertEquals(await lent.read(), `${expected}`);
      await nextTurn();
      assertEquals(pulls(), expected);
    }
    await lent.cancel();
  });

  Deno.test(`LentText gives every character of ${kind}, wherever it is cut`, async () => {
    const held = holdBody("", { isBytes });
    const { text, pieces } = makePieces();
    for (const piece of pieces) held.send(piece);
    held.close();
    assertEquals(await readAll(new Utf8Reader(held.body)), text);
  });

  Deno.test(`LentText gives the characters of ${kind} read by read, byte for byte`, async () => {
    const held = holdBody("", { isBytes });
    const lent = new Utf8Reader(held.body);
    const reads: (string | null)[] = [];
    for (const byte of new TextEncoder().encode("a€𝄞b")) {
      held.send(new Uint8Array([byte]));
      reads.push(await lent.read());
    }
    assertEquals(reads, ["a", "", "", "€", "", "", "", "𝄞", "b"]);
    held.close();
    assertEquals(await lent.read(), null);
  });

  Deno.test(`LentText rejects bytes of ${kind} that are no UTF-8, and an end inside a character`, async () => {
    for (const bytes of [[0x61, 0xff], [0xe2, 0x82]]) {
      const held = holdBody("", { isBytes });
      held.send(new Uint8Array(bytes));
      held.close();
      await assertRejects(() => readAll(new Utf8Reader(held.body)), TypeError);
    }
  });
}

Deno.test("LentText gives every character of a real answer, read slowly", async () => {
  const { text, pieces } = makePieces();
  const held = holdBody();
  await using upstream = startUpstream(() => new Response(held.body));
  const response = await fetch(upstream.baseUrl);
  if (response.body === null) throw new Error("An answer without a body");
  const lent = new Utf8Reader(response.body);
  let found = "";
  for (const piece of pieces) {
    held.send(piece);
    found += await lent.read();
  }
  held.close();
  for (let read = await lent.read(); read !== null; read = await lent.read()) {
    found += read;
    await nextTurn();
  }
  assertEquals(found, text);
});

/** Lets everything that is due happen first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("openReader reads a byte stream into a buffer of its own", async () => {
  let isLent = false;
  const body: ByteStream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      isLent = controller.byobRequest !== null;
      controller.enqueue(new TextEncoder().encode("a"));
    },
  });
  const reader = createBodyReader(body);
  await reader.read();
  assertEquals(isLent, true);
  await reader.cancel();
});
