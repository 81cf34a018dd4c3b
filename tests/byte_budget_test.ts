// One memory for the bodies of all requests: what is taken of it, when it is refused, and that all of it comes back.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ByteBudget } from "../lib/byte_budget.ts";
import { CollectedBytes } from "../lib/collected_bytes.ts";
import { ApiError } from "../lib/errors.ts";
import { readJson } from "../lib/routes/body.ts";
import { completion, sse, textChunk } from "./helpers/chunks.ts";
import { ask, call, createProxy, get, post } from "./helpers/proxy.ts";
import { connect, rawPost } from "./helpers/raw_client.ts";
import { startProxy } from "./helpers/proxy.ts";
import { errorBody, eventStream, holdStream, startUpstream } from "./helpers/upstream.ts";

const MB = 1024 * 1024;

Deno.test("a body takes at most half of what is free, so that small ones still find room", () => {
  const budget = new ByteBudget(256);
  const shares = Array.from({ length: 7 }, () => budget.open());
  for (const share of shares) share.resize(32);
  const next = budget.open();
  const error = assertThrows(() => next.resize(32), ApiError);
  assertEquals([error.type, error.status], ["overloaded_error", 529]);
  assertEquals(error.headers["retry-after"], "3");
  assertEquals(budget.used, 7 * 32);
  next.resize(16);
  assertEquals(budget.used, 240);
});

Deno.test("a share grows by what it has itself, shrinks always, and is released once", () => {
  const budget = new ByteBudget(100);
  const share = budget.open();
  for (let bytes = 1; bytes <= 50; bytes++) share.resize(bytes);
  assertThrows(() => share.resize(51), ApiError);
  assertEquals(budget.used, 50);
  share.resize(10);
  share.release();
  share.release();
  assertEquals(budget.used, 0);
});

Deno.test("bytes in pieces are one buffer, however small the pieces are", () => {
  const collected = new CollectedBytes();
  for (let i = 0; i < 100_000; i++) collected.push(new Uint8Array([i]));
  assertEquals(collected.length, 100_000);
  assert(collected.capacity <= 150_000, `${collected.capacity}`);
  assertEquals(collected.bytes().every((byte, i) => byte === i % 256), true);
  const expected = new CollectedBytes(3);
  expected.push(new Uint8Array([1, 2, 3]));
  assertEquals([expected.capacity, [...expected.bytes()]], [3, [1, 2, 3]]);
});

/** A request whose body comes in pieces. */
function inPieces(pieces: Iterable<string>, headers: Record<string, string> = {}): Request {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.iterator]();
  const body = new ReadableStream({
    pull(controller) {
      const { value, done } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return new Request("http://a/", { method: "POST", body, headers });
}

function* repeat(piece: string, times: number): Iterable<string> {
  for (let i = 0; i < times; i++) yield piece;
}

Deno.test("a declared length is taken at once, and refused before a byte is read", async () => {
  const budget = new ByteBudget(MB);
  let read = 0;
  const pieces = {
    *[Symbol.iterator]() {
      for (;; read++) yield "x";
    },
  };
  const request = inPieces(pieces, { "content-length": `${600_000}` });
  const share = budget.open();
  const error = await assertRejects(
    () => readJson(request, { maxBytes: 32 * MB, share }),
    ApiError,
  );
  // One that the stream itself has read ahead.
  assertEquals([error.status, budget.used, read <= 1], [529, 0, true]);
});

Deno.test("an undeclared length is taken as it comes", async () => {
  const budget = new ByteBudget(MB);
  const share = budget.open();
  const error = await assertRejects(
    () => readJson(inPieces(repeat("x".repeat(1024), 2000)), { maxBytes: 32 * MB, share }),
    ApiError,
  );
  assertEquals([error.status, budget.used], [529, MB / 2]);
  share.release();
  assertEquals(budget.used, 0);
});

Deno.test("a body in pieces of one byte is given up after some thousand reads", async () => {
  let reads = 0;
  const pieces = {
    *[Symbol.iterator]() {
      for (;; reads++) yield " ";
    },
  };
  const error = await assertRejects(() => readJson(inPieces(pieces), { maxBytes: MB }), ApiError);
  assertEquals(error.message, "The request body came in too many small pieces");
  assert(reads < 25_000, `${reads}`);
});

Deno.test("a body in many pieces of some bytes is read", async () => {
  const pieces = ["[", ...repeat("1234567890123456,", 30_000), "1]"];
  const value = await readJson(inPieces(pieces), { maxBytes: MB });
  assert(Array.isArray(value) && value.length === 30_001);
});

for (
  const [about, waitMs, pieces, passes] of [
    ["a byte in twenty-nine seconds", 29_000, [..."[1,2,3]"], false],
    ["64 KB a second", 1000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], true],
    ["half of that", 2000, ["[0", ...repeat(`,${"1".repeat(65_535)}`, 100), "]"], false],
    ["one stop of this process", 600_000, ["[1]"], true],
  ] as const
) {
  Deno.test(`a body that comes at ${about} is ${passes ? "read" : "given up"}`, async () => {
    let time = 0;
    const now = () => time;
    const slow = {
      *[Symbol.iterator]() {
        for (const piece of pieces) {
          time += waitMs;
          yield piece;
        }
      },
    };
    const reading = readJson(inPieces(slow), { maxBytes: 32 * MB, now });
    if (passes) return assert(Array.isArray(await reading));
    const error = await assertRejects(() => reading, ApiError);
    assertEquals([error.type, error.status], ["timeout_error", 408]);
    assertEquals(error.message, "The request body came at less than 64 kB a second");
  });
}

Deno.test("the memory of a body is free again, however its request ends", async () => {
  const held = holdStream(sse(textChunk("Hello")));
  await using upstream = startUpstream([
    () => Response.json(completion("Hi")),
    () => errorBody(429, "Slow down"),
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    () => held.response,
  ]);
  const { handler, services } = createProxy({ upstream });
  const { byteBudget } = services;
  const requests = [
    post(ask()),
    post(ask()),
    post(ask()),
    post("{"),
    post({ model: "" }),
    post(ask(), { "content-type": "text/plain" }),
    new Request("http://localhost:8000/v1/messages/count_tokens", post(ask())),
    get("/health"),
  ];
  for (const request of requests) {
    await (await call(handler, request)).text();
    assertEquals(byteBudget.used, 0);
  }
  // While a stream is open nothing of its request is kept.
  const response = await call(handler, post(ask({ stream: true })));
  assertEquals([response.status, byteBudget.used], [200, 0]);
  await response.body?.cancel();
});

Deno.test("while upstream has not answered, the memory of the body is taken", async () => {
  const answer = Promise.withResolvers<Response>();
  await using upstream = startUpstream(() => answer.promise);
  const { handler, services } = createProxy({ upstream });
  const body = JSON.stringify(ask());
  const request = post(body, { "content-length": `${body.length}` });
  const answered = call(handler, request);
  await upstream.arrival(0);
  assertEquals(services.byteBudget.used, body.length);
  answer.resolve(Response.json(completion("Hi")));
  await (await answered).text();
  assertEquals(services.byteBudget.used, 0);
});

Deno.test("what is kept of an answer is taken too: a call's arguments until they are whole", async () => {
  const fragment = (args: string) =>
    sse({
      choices: [{
        delta: { tool_calls: [{ index: 0, id: "a", function: { name: "b", arguments: args } }] },
      }],
    });
  const held = holdStream(fragment('{"a":"') + fragment("x".repeat(5000)));
  await using upstream = startUpstream(() => held.response);
  const { handler, services } = createProxy({ upstream });
  const response = await call(handler, post(ask({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  assertEquals(services.byteBudget.used, 5006);
  await reader?.cancel();
  await held.cancelled;
  assertEquals(services.byteBudget.used, 0);
});

// ── Answers of upstream ──

/** The same text again and again, with the type of an answer. */
function endless(
  first: string,
  again: string,
  contentType: string,
): { response: Response; sent: () => number } {
  let sent = 0;
  const piece = new TextEncoder().encode(again.repeat(Math.ceil(65_536 / again.length)));
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
    pull(controller) {
      sent += piece.length;
      controller.enqueue(piece);
    },
  });
  const response = new Response(body, { headers: { "content-type": contentType } });
  return { response, sent: () => sent };
}

const EVENTS = "text/event-stream";
const event = (delta: unknown) => sse({ choices: [{ index: 0, delta }] });

const ENDLESS: readonly [
  about: string,
  first: string,
  again: string,
  type: string,
  words: string,
][] = [
  ["a line", "data: ", "x", EVENTS, "Upstream sent an event of more than 16 MiB"],
  ["an event", "", "data: x\n", EVENTS, "Upstream sent an event of more than 16 MiB"],
  ["JSON", '{"a":"', "x", "application/json", "Upstream sent an answer of more than 32 MiB"],
  [
    "arguments",
    event({ tool_calls: [{ index: 0, id: "a", function: { name: "b", arguments: '{"a":"' } }] }),
    event({ tool_calls: [{ index: 0, function: { arguments: "x".repeat(30_000) } }] }),
    EVENTS,
    "Upstream sent more thinking and arguments than are kept",
  ],
  [
    "encrypted thoughts",
    event({ reasoning: "a" }),
    event({ reasoning_details: [{ type: "reasoning.encrypted", data: "x".repeat(30_000) }] }),
    EVENTS,
    "Upstream sent more thinking and arguments than are kept",
  ],
];

for (const [about, first, again, type, words] of ENDLESS) {
  Deno.test(`${about} of upstream without an end ends in an error that says so`, async () => {
    const { response, sent } = endless(first, again, type);
    await using upstream = startUpstream(() => response);
    const { handler, services } = createProxy({ upstream });
    const answer = await call(handler, post(ask({ stream: type === EVENTS })));
    const text = await answer.text();
    assert(text.slice(-300).includes(`"message":"${words}"`), text.slice(-300));
    assert(answer.status === 502 || text.includes("event: error"));
    assert(sent() < 50 * MB, `${sent()}`);
    assertEquals(services.byteBudget.used, 0);
  });
}

Deno.test("an answer that unpacks to a thousand times its size is given up on the way", async () => {
  const piece = new Uint8Array(64 * 1024).fill("x".charCodeAt(0));
  const source = new Blob(['{"a":"', ...Array.from({ length: 640 }, () => piece)]).stream();
  const packed = await new Response(source.pipeThrough(new CompressionStream("gzip"))).bytes();
  assert(packed.length < 60_000, `${packed.length}`);
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  await using upstream = startUpstream(() => new Response(packed, { headers }));
  const { handler } = createProxy({ upstream });
  const answer = await call(handler, post(ask()));
  assertEquals(answer.status, 502);
  assertEquals((await answer.json()).error.message, "Upstream sent an answer of more than 32 MiB");
});

Deno.test("a model list without an end is given up", async () => {
  const { response, sent } = endless('{"data":["', "x", "application/json");
  await using upstream = startUpstream([], { models: () => response });
  const { services } = createProxy({ upstream });
  await assertRejects(() => services.client.fetchModels(), ApiError, "more than 32 MiB");
  assert(sent() < 50 * MB, `${sent()}`);
});

// ── Places ──

Deno.test("an answer that is not taken keeps its place, whatever route it is of", async () => {
  const { handler } = createProxy({ env: { MAX_INFLIGHT: "2" } });
  const left = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
  const look = async (path: string, n?: number) => {
    const leaving = n === undefined ? undefined : left[n]?.promise;
    const response = await handler(get(path), { transport: "unix" }, leaving);
    await response.text();
    return response.status;
  };
  assertEquals([await look("/stats", 0), await look("/v1/models", 1)], [200, 200]);
  assertEquals([await look("/v1/models"), await look("/stats")], [529, 200]);
  for (let n = 2; n < 34; n++) assertEquals(await look("/stats", n), 200);
  assertEquals([await look("/stats"), await look("/"), await look("/health")], [529, 529, 200]);
  for (const { resolve } of left) resolve();
  await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([await look("/stats"), await look("/v1/models")], [200, 200]);
});

Deno.test("a client that leaves before, in or after its answer gives its place back", async () => {
  const held = [0, 1, 2].map(() => holdStream(sse(textChunk("Hello"))));
  const answer = Promise.withResolvers<Response>();
  await using upstream = startUpstream([
    () => answer.promise,
    ...held.map(({ response }) => () => response),
  ]);
  await using proxy = startProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  {
    using client = await connect(proxy.url);
    await client.send(rawPost(proxy.url, ask({ stream: true })));
    await upstream.arrival(0);
  }
  answer.resolve(eventStream(""));
  for (let n = 0; n < 3; n++) {
    await proxy.services.recorded(proxy.services.records.length - 1);
    let status = 529;
    while (status === 529) {
      using client = await connect(proxy.url);
      await client.send(rawPost(proxy.url, ask({ stream: true })));
      const text = await client.readText("\r\n\r\n");
      status = Number(text.slice(9, 12));
      if (status === 200) await upstream.arrival(n + 1);
    }
    assertEquals(status, 200);
    await held[n]?.cancelled;
  }
});
