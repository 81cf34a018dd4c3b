// One reused buffer: the text is intact whatever is read later, and nothing is read ahead.

import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { BodyReader, type ByteStream, Utf8Reader } from "../../lib/stream/body_reader.ts";
import { StreamTimer } from "../../lib/stream/stream_timer.ts";
import { ApiError } from "../../lib/errors.ts";
import { createOpenBody, startUpstream } from "../helpers/upstream.ts";

/** Sizes below, at and above the buffer of 16 KiB. */
const SIZES = [1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3, 100_000];

/** Pieces of a text that differs at every position, cut without regard to characters. */
function makePieces(): { text: string; pieces: Uint8Array<ArrayBuffer>[] } {
  const length = SIZES.reduce((sum, size) => sum + size, 0);
  let text = "";
  for (let position = 0; text.length < length; position++) text += `${position}é€𝄞`;
  const bytes = new TextEncoder().encode(text);
  let start = 0;
  const pieces = SIZES.map((size) => bytes.slice(start, start += size));
  return { text, pieces: [...pieces, bytes.slice(start)] };
}

/** A source that counts its pulls. */
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

function open(stream: ByteStream): { body: BodyReader; reader: Utf8Reader } {
  const body = new BodyReader(stream);
  return { body, reader: new Utf8Reader(body) };
}

async function readAll(reader: Utf8Reader): Promise<string> {
  let text = "";
  for (let read = await reader.read(); read !== null; read = await reader.read()) text += read;
  return text;
}

for (const isBytes of [true, false]) {
  const kind = isBytes ? "a byte stream" : "another stream";

  Deno.test(`Utf8Reader reports that ${kind} broke`, async () => {
    const source = createOpenBody("begun", { isBytes });
    const { body, reader } = open(source.body);
    assertEquals(await reader.read(), "begun");
    source.cut();
    assertEquals(await reader.read(), null);
    assertInstanceOf(body.failure?.cause, Error);
    assertEquals(body.failure.cause.message, "cut by the test");
    const error = body.toError(1000);
    assertEquals([error?.type, error?.status, error?.cause], [
      "api_error",
      502,
      body.failure.cause,
    ]);
  });

  Deno.test(`BodyReader reports that ${kind} broke without a reason`, async () => {
    const body = new BodyReader(
      new ReadableStream({
        ...(isBytes && { type: "bytes" }),
        pull: (controller) => controller.error(undefined),
      }),
    );
    assertEquals(await body.read(), null);
    assertInstanceOf(body.toError(1000), ApiError);
  });

  Deno.test(`BodyReader cancels ${kind} during a read that times out`, async () => {
    const source = createOpenBody("", { isBytes });
    const body = new BodyReader(source.body);
    const waiting = body.read();
    body.timeOut();
    await source.cancelled;
    assertEquals([await waiting, body.failure], [null, null]);
    assertEquals(body.toError(1000)?.message, "No data from upstream for 1 s (TIMEOUT_S)");
  });

  Deno.test(`Utf8Reader ends when ${kind} is cancelled during a read`, async () => {
    const source = createOpenBody("", { isBytes });
    const { body, reader } = open(source.body);
    const waiting = reader.read();
    body.cancel();
    await source.cancelled;
    assertEquals(await waiting, null);
    assertEquals(body.toError(1000), null);
  });

  Deno.test(`Utf8Reader ends when ${kind} is cancelled inside a character`, async () => {
    const source = createOpenBody("", { isBytes });
    const { body, reader } = open(source.body);
    source.send(new Uint8Array([0xe2, 0x82]));
    assertEquals(await reader.read(), "");
    const waiting = reader.read();
    body.cancel();
    assertEquals(await waiting, null);
    assertEquals(body.failure, null);
  });

  Deno.test(`Utf8Reader reads ${kind} only on demand`, async () => {
    const { body: stream, pulls } = countPulls(isBytes);
    const { body, reader } = open(stream);
    await nextTurn();
    assertEquals(pulls(), 0);
    for (const expected of [1, 2, 3]) {
      assertEquals(await reader.read(), `${expected}`);
      await nextTurn();
      assertEquals(pulls(), expected);
    }
    body.cancel();
  });

  Deno.test(`Utf8Reader keeps every character of ${kind}, wherever it is cut`, async () => {
    const source = createOpenBody("", { isBytes });
    const { text, pieces } = makePieces();
    for (const piece of pieces) source.send(piece);
    source.close();
    const { body, reader } = open(source.body);
    assertEquals(await readAll(reader), text);
    assertEquals(body.toError(1000), null);
  });

  Deno.test(`Utf8Reader returns each character of ${kind} with the read of its last byte`, async () => {
    const source = createOpenBody("", { isBytes });
    const { reader } = open(source.body);
    const reads: (string | null)[] = [];
    for (const byte of new TextEncoder().encode("a€𝄞b")) {
      source.send(new Uint8Array([byte]));
      reads.push(await reader.read());
    }
    assertEquals(reads, ["a", "", "", "€", "", "", "", "𝄞", "b"]);
    source.close();
    assertEquals(await reader.read(), null);
  });

  Deno.test(`Utf8Reader reports invalid UTF-8 of ${kind}, and an end inside a character`, async () => {
    for (const bytes of [[0x61, 0xff], [0xe2, 0x82]]) {
      const source = createOpenBody("", { isBytes });
      source.send(new Uint8Array(bytes));
      source.close();
      const { body, reader } = open(source.body);
      await readAll(reader);
      assertInstanceOf(body.failure?.cause, TypeError);
    }
  });
}

Deno.test("Utf8Reader keeps every character of a fetch body that is read slowly", async () => {
  const { text, pieces } = makePieces();
  const source = createOpenBody();
  await using upstream = startUpstream(() => new Response(source.body));
  const response = await fetch(upstream.baseUrl);
  if (response.body === null) throw new Error("A response without a body");
  const { reader } = open(response.body);
  let found = "";
  for (const piece of pieces) {
    source.send(piece);
    found += await reader.read();
  }
  source.close();
  for (let read = await reader.read(); read !== null; read = await reader.read()) {
    found += read;
    await nextTurn();
  }
  assertEquals(found, text);
});

/** Lets everything that is due happen first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The text of reads with these bytes each. */
async function decodeReads(reads: readonly Uint8Array<ArrayBuffer>[]): Promise<string | null> {
  const rest = [...reads];
  const pull = (controller: ReadableByteStreamController) => {
    const read = rest.shift();
    if (read !== undefined) return controller.enqueue(read.slice());
    controller.close();
    controller.byobRequest?.respond(0);
  };
  const { body, reader } = open(new ReadableStream({ type: "bytes", pull }));
  const text = await readAll(reader);
  return body.failure === null ? text : null;
}

Deno.test("Utf8Reader drops a byte order mark at the start only, wherever the reads end", async () => {
  const bytes = new TextEncoder().encode("\ufeff\ufeffa\ufeffé\ufeffb");
  for (let first = 1; first < bytes.length; first++) {
    for (let second = first; second < bytes.length; second++) {
      const cuts = [0, first, second, bytes.length];
      const reads = cuts.slice(1).map((end, index) => bytes.slice(cuts[index], end))
        .filter(({ length }) => length > 0);
      assertEquals(await decodeReads(reads), "\ufeffa\ufeffé\ufeffb", `${cuts}`);
    }
  }
});

Deno.test("Utf8Reader makes a TextDecoderStream when a read ends inside a character, and no earlier", async () => {
  const real = globalThis.TextDecoderStream;
  let made = 0;
  globalThis.TextDecoderStream = class extends real {
    constructor(...options: ConstructorParameters<typeof real>) {
      super(...options);
      made++;
    }
  };
  try {
    const encoder = new TextEncoder();
    const whole = ["data: é\n\n", "data: 😀\n\n"].map((text) => encoder.encode(text));
    assertEquals([await decodeReads(whole), made], ["data: é\n\ndata: 😀\n\n", 0]);
    const [first = new Uint8Array()] = whole;
    const cut = [first.slice(0, 7), first.slice(7), first, first.slice(0, 7), first.slice(7)];
    assertEquals([await decodeReads(cut), made], ["data: é\n\n".repeat(3), 1]);
    assertEquals(await decodeReads([first, first.slice(0, 7)]), null);
    assertEquals(await decodeReads([encoder.encode("a\n"), new Uint8Array([0xff, 0x0a])]), null);
  } finally {
    globalThis.TextDecoderStream = real;
  }
});

Deno.test("BodyReader reads a byte stream into one buffer of 16 KiB, or of the given size", async () => {
  for (const [options, size] of [[{}, 16 * 1024], [{ bufferBytes: 100 }, 100]] as const) {
    const sizes: (number | undefined)[] = [];
    const stream: ByteStream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        sizes.push(controller.byobRequest?.view?.byteLength);
        controller.enqueue(new TextEncoder().encode("a"));
      },
    });
    const body = new BodyReader(stream, options);
    for (let reads = 0; reads < 2; reads++) assertEquals((await body.read())?.length, 1);
    assertEquals(sizes, [size, size]);
    body.cancel();
  }
});

Deno.test("BodyReader is open at first, and informs its timer of each read", async () => {
  for (const isBytes of [true, false]) {
    const calls: string[] = [];
    const timer = new StreamTimer({
      timeoutMs: 1000,
      now: () => 0,
      onUpstreamTimeout() {},
      onClientTimeout() {},
      onPingDue() {},
    });
    timer.startRead = () => calls.push("start");
    timer.endRead = () => calls.push("end");
    const held = createOpenBody("a", { isBytes });
    const body = new BodyReader(held.body, { timer });
    assertEquals([body.failure, body.hasTimedOut, body.isCancelled], [null, false, false]);
    await body.read();
    assertEquals(calls, ["start", "end"]);
    const reading = body.read();
    assertEquals(calls, ["start", "end", "start"]);
    held.cut();
    await reading;
    assertEquals(calls, ["start", "end", "start", "end"]);
  }
});

Deno.test("BodyReader refuses a body that another reader reads", () => {
  for (const isBytes of [true, false]) {
    const { body } = createOpenBody("", { isBytes });
    body.getReader();
    assertThrows(() => new BodyReader(body), TypeError);
  }
});
