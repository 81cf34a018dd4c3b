// Clients that disconnect, or read slowly or not at all. Client and upstream are raw TCP connections.

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { readResponse, replyHi, sendTo, startHarness, STREAM } from "../helpers/end_to_end.ts";
import { MODES, requestBody } from "../helpers/proxy.ts";
import {
  connect,
  type RawClient,
  rawPost,
  reportsDisconnect,
  unframe,
} from "../helpers/raw_client.ts";
import {
  LAST_CHUNK,
  type RawScript,
  type RawUpstream,
  STREAM_HEADERS,
} from "../helpers/raw_upstream.ts";
import { roleChunk, sse, sseEnd, textChunk } from "../helpers/chunks.ts";
import { withTimeout } from "../helpers/timeout.ts";

const START = sse(roleChunk(), textChunk("Hello"));
const END = sseEnd();

/** Sends text once, then waits for the proxy to close the connection. */
const sendOnce: RawScript = async ({ send, chunk, disconnected }) => {
  await send(STREAM_HEADERS);
  await chunk(START);
  await disconnected;
};
/** Sends text until the proxy closes the connection. */
const sendForever: RawScript = async ({ send, chunk }) => {
  await send(STREAM_HEADERS);
  while (await chunk(sse(textChunk("word ")))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** Resolves when the proxy has closed the upstream connection of this index. */
function closed(upstream: RawUpstream, number = 0): Promise<void> {
  const { disconnected } = upstream.calls[number] ??
    { disconnected: Promise.reject(new Error("no such request")) };
  return withTimeout(disconnected, `upstream connection ${number} to be closed`);
}

/** A client that has read the first delta of its stream. */
async function startReading(url: string): Promise<RawClient> {
  const client = await connect(url);
  await client.send(rawPost(url, STREAM));
  await client.readText("content_block_delta");
  return client;
}

// ── Disconnects ───────────────────────────────────────────────────────────────────────────────────────────────

for (
  const [where, script] of [["in the middle of a stream", sendForever], [
    "while upstream is idle",
    sendOnce,
  ]] as const
) {
  Deno.test(`a client that disconnects ${where} aborts the upstream request`, async () => {
    await using harness = startHarness(script);
    const client = await startReading(harness.proxy.url);
    client.disconnect();
    await closed(harness.upstream);
    assertEquals(
      (await withTimeout(harness.proxy.services.recorded(), "the record")).outcome,
      "client_gone",
    );
    assertEquals((await sendTo(harness.proxy, "{}")).status, 400);
  });
}

Deno.test("a client that disconnects between pings aborts the upstream request", async () => {
  await using harness = startHarness(async ({ send, chunk, disconnected }) => {
    await send(STREAM_HEADERS);
    await chunk(sse(roleChunk()));
    await disconnected;
  }, { PING_S: "0.02" });
  using client = await connect(harness.proxy.url);
  await client.send(rawPost(harness.proxy.url, STREAM));
  await client.readText("event: ping");
  client.disconnect();
  await closed(harness.upstream);
});

for (const { mode, request } of MODES) {
  Deno.test(`${mode} in one packet is aborted upstream if the client disconnects before the headers`, async () => {
    await using harness = startHarness(({ disconnected }) => disconnected);
    using client = await connect(harness.proxy.url);
    await client.send(rawPost(harness.proxy.url, request));
    await withTimeout(harness.upstream.arrived(1), "the request");
    client.disconnect();
    await closed(harness.upstream);
    const { outcome, status } = await withTimeout(harness.proxy.services.recorded(), "the record");
    assertEquals([outcome, status], ["client_gone", 499]);
  });
}

const REPORTS = await reportsDisconnect();

Deno.test({
  name:
    `a request in several packets is aborted upstream if the client disconnects before the headers${
      REPORTS ? "" : " (not run: this Deno does not report it)"
    }`,
  ignore: !REPORTS,
  fn: async () => {
    await using harness = startHarness(({ disconnected }) => disconnected);
    using client = await connect(harness.proxy.url);
    await client.send(
      rawPost(harness.proxy.url, requestBody({ stream: true, system: "x".repeat(100_000) })),
    );
    await withTimeout(harness.upstream.arrived(1), "the request");
    client.disconnect();
    await closed(harness.upstream);
  },
});

Deno.test("a client that disconnects during the upstream JSON body aborts the upstream request", async () => {
  await using harness = startHarness(async ({ send, disconnected }) => {
    await send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    await disconnected;
  });
  using client = await connect(harness.proxy.url);
  await client.send(rawPost(harness.proxy.url, requestBody()));
  await withTimeout(harness.upstream.arrived(1), "the request");
  client.disconnect();
  await closed(harness.upstream);
  const { outcome, status } = await withTimeout(harness.proxy.services.recorded(), "the record");
  assertEquals([outcome, status], ["client_gone", 499]);
});

Deno.test("100 clients that disconnect together close 100 upstream connections", async () => {
  let isOver = false;
  await using harness = startHarness((call) => isOver ? replyHi(call) : sendOnce(call));
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => startReading(harness.proxy.url)),
  );
  assertEquals(harness.upstream.open, 100);
  for (const client of clients) client.disconnect();
  await Promise.all(harness.upstream.calls.map((_, number) => closed(harness.upstream, number)));
  await withTimeout(harness.proxy.services.recorded(99), "the record");
  assertEquals(harness.upstream.open, 0);
  isOver = true;
  assertEquals((await sendTo(harness.proxy, STREAM)).content, "Hi");
});

Deno.test("a client that disconnects within its request causes no upstream request", async () => {
  await using harness = startHarness(replyHi);
  const request = rawPost(harness.proxy.url, STREAM);
  for (const length of [10, 40, request.length - 10]) {
    using client = await connect(harness.proxy.url);
    await client.send(request.slice(0, length));
  }
  assertEquals((await sendTo(harness.proxy, requestBody())).content, "Hi");
  assertEquals(harness.upstream.calls.length, 1);
});

// ── Reading slowly, or not at all ───────────────────────────────────────────────────────────────────────────

Deno.test("a client that reads slowly receives every byte", async () => {
  const words = Array.from({ length: 20_000 }, (_, n) => `w${n} `);
  await using harness = startHarness(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    for (let at = 0; at < words.length; at += 20) {
      await chunk(sse(...words.slice(at, at + 20).map(textChunk)));
    }
    await chunk(END);
    await send(LAST_CHUNK);
  });
  using client = await connect(harness.proxy.url);
  await client.send(rawPost(harness.proxy.url, STREAM, { connection: "close" }));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  // Small reads with pauses, so that upstream is always far ahead.
  for (let n = 0;; n++) {
    const bytes = await client.read(n < 300 ? 700 : 64 * 1024);
    if (bytes === null) break;
    parts.push(bytes.slice() as Uint8Array<ArrayBuffer>);
    if (n < 300) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const text = await new Blob(parts).text();
  const headers = new Headers({ "content-type": "text/event-stream" });
  const outcome = readResponse({ status: 200, headers }, unframe(text));
  assert(outcome.content === words.join(""), `${outcome.content.length} characters`);
  assertEquals(outcome.error, "");
});

Deno.test("a client that stops reading stops the upstream writes, and receives every byte afterwards", async () => {
  const count = 2560;
  const createText = (n: number) => `${n} `.padEnd(16, "-").repeat(1024);
  let written = 0;
  await using harness = startHarness(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    for (; written < count; written++) {
      if (!await chunk(sse(textChunk(createText(written))))) return;
    }
    await chunk(END);
    await send(LAST_CHUNK);
  });
  using client = await connect(harness.proxy.url);
  await client.send(rawPost(harness.proxy.url, STREAM));
  const stuckAt = await settle(() => written);
  assertGreater(stuckAt, 0);
  // The kernel buffers of both connections; the response has 40 MB.
  assertLess(stuckAt * createText(0).length, 20 * 1024 * 1024);
  let got = 0;
  for (const line of (await client.readText("message_stop")).split("\n")) {
    if (!line.startsWith('data: {"type":"content_block_delta"')) continue;
    assert(JSON.parse(line.slice(6)).delta.text === createText(got++), `text ${got - 1} differs`);
  }
  assertEquals([got, written], [count, count]);
});

Deno.test("a client that disconnects without reading closes the upstream connection", async () => {
  await using harness = startHarness(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    while (await chunk(sse(textChunk("x".repeat(16_384)))));
  });
  using client = await startReading(harness.proxy.url);
  client.disconnect();
  await closed(harness.upstream);
});

/** A number that has not changed for 300 ms. */
async function settle(read: () => number): Promise<number> {
  for (let last = -1, now = read();; last = now, now = read()) {
    if (last === now) return now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
