// The memory budget of all bodies: allocation, rejection and release.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ByteBudget } from "../../lib/byte_budget.ts";
import { ByteBuffer } from "../../lib/stream/byte_buffer.ts";
import { ApiError } from "../../lib/errors.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { completion, sse, textChunk } from "../helpers/chunks.ts";
import { inPieces, repeat } from "../helpers/pieces.ts";
import { call, createProxy, get, post, requestBody } from "../helpers/proxy.ts";
import { createOpenStream, errorBody, startUpstream } from "../helpers/upstream.ts";

const MB = 1024 * 1024;

Deno.test("a body may allocate at most half of the free bytes", () => {
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

Deno.test("a share can grow to its own size plus half of the rest, shrink, and be released once", () => {
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

Deno.test("ByteBuffer joins chunks of any size in one buffer", () => {
  const collected = new ByteBuffer();
  for (let i = 0; i < 100_000; i++) collected.push(new Uint8Array([i]));
  assertEquals(collected.length, 100_000);
  assert(collected.capacity <= 150_000, `${collected.capacity}`);
  assertEquals(collected.bytes().every((byte, i) => byte === i % 256), true);
  const expected = new ByteBuffer(3);
  expected.push(new Uint8Array([1, 2, 3]));
  assertEquals([expected.capacity, [...expected.bytes()]], [3, [1, 2, 3]]);
});

Deno.test("a content-length is allocated at once and rejected before the body is read", async () => {
  const budget = new ByteBudget(MB);
  let read = 0;
  const chunks = {
    *[Symbol.iterator]() {
      for (;; read++) yield "x";
    },
  };
  const request = inPieces(chunks, { "content-length": `${600_000}` });
  const share = budget.open();
  const error = await assertRejects(
    () => readJson(request, { maxBytes: 32 * MB, share }),
    ApiError,
  );
  // The stream itself reads one chunk ahead.
  assertEquals([error.status, budget.used, read <= 1], [529, 0, true]);
});

Deno.test("a chunked body is allocated as it is read", async () => {
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

Deno.test("the bytes of a body are released however its request ends", async () => {
  const source = createOpenStream(sse(textChunk("Hello")));
  await using upstream = startUpstream([
    () => Response.json(completion("Hi")),
    () => errorBody(429, "Slow down"),
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    () => source.response,
  ]);
  const { handler, services } = createProxy({ upstream });
  const { byteBudget } = services;
  const requests = [
    post(requestBody()),
    post(requestBody()),
    post(requestBody()),
    post("{"),
    post({ model: "" }),
    post(requestBody(), { "content-type": "text/plain" }),
    new Request("http://localhost:8000/v1/messages/count_tokens", post(requestBody())),
    get("/health"),
  ];
  for (const request of requests) {
    await (await call(handler, request)).text();
    assertEquals(byteBudget.used, 0);
  }
  // During a stream the request body is not kept.
  const response = await call(handler, post(requestBody({ stream: true })));
  assertEquals([response.status, byteBudget.used], [200, 0]);
  await response.body?.cancel();
});

Deno.test("the bytes of a body stay allocated until upstream responds", async () => {
  const upstreamResponse = Promise.withResolvers<Response>();
  await using upstream = startUpstream(() => upstreamResponse.promise);
  const { handler, services } = createProxy({ upstream });
  const body = JSON.stringify(requestBody());
  const request = post(body, { "content-length": `${body.length}` });
  const response = call(handler, request);
  await upstream.arrival(0);
  assertEquals(services.byteBudget.used, body.length);
  upstreamResponse.resolve(Response.json(completion("Hi")));
  await (await response).text();
  assertEquals(services.byteBudget.used, 0);
});

Deno.test("buffered tool arguments of a response are allocated until they are complete", async () => {
  const argumentsChunk = (args: string) =>
    sse({
      choices: [{
        delta: { tool_calls: [{ index: 0, id: "a", function: { name: "b", arguments: args } }] },
      }],
    });
  const source = createOpenStream(argumentsChunk('{"a":"') + argumentsChunk("x".repeat(5000)));
  await using upstream = startUpstream(() => source.response);
  const { handler, services } = createProxy({ upstream });
  const response = await call(handler, post(requestBody({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  assertEquals(services.byteBudget.used, 5006);
  await reader?.cancel();
  await source.cancelled;
  assertEquals(services.byteBudget.used, 0);
});
