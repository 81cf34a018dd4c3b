// MAX_INFLIGHT counts a response of any route until it is sent or its client has disconnected.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createPacedBody } from "../../lib/stream/paced_body.ts";
import { completion, finishChunk, sse, textChunk } from "../helpers/chunks.ts";
import { call, createProxy, get, post, requestBody, send, startProxy } from "../helpers/proxy.ts";
import { connect, type RawClient, rawPost } from "../helpers/raw_client.ts";
import { replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { createOpenStream, startUpstream } from "../helpers/upstream.ts";

Deno.test("a response of any route counts until it is sent", async () => {
  const { handler } = createProxy({ env: { MAX_INFLIGHT: "2" } });
  const sent = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
  const request = async (path: string, n?: number) => {
    const completed = n === undefined ? undefined : sent[n]?.promise;
    const response = await handler(get(path), { transport: "unix" }, completed);
    await response.text();
    return response.status;
  };
  assertEquals([await request("/stats", 0), await request("/v1/models", 1)], [200, 200]);
  assertEquals([await request("/v1/models"), await request("/stats")], [529, 200]);
  for (let n = 2; n < 34; n++) assertEquals(await request("/stats", n), 200);
  assertEquals([await request("/stats"), await request("/"), await request("/health")], [
    529,
    529,
    200,
  ]);
  for (const { resolve } of sent) resolve();
  await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([await request("/stats"), await request("/v1/models")], [200, 200]);
});

/** Whether a request is accepted within a second. A response is known to be sent somewhat later than it is. */
async function hasRoom(url: string): Promise<boolean> {
  for (let n = 0; n < 100; n++) {
    const response = await fetch(`${url}/v1/models/claude-opus`);
    await response.body?.cancel();
    if (response.status === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

Deno.test("a client that disconnects before, during or after the response frees its place", async () => {
  const response = Promise.withResolvers<Response>();
  const source = createOpenStream(sse(textChunk("Hello")));
  await using upstream = startUpstream([
    () => response.promise,
    () => source.response,
    () => Response.json(completion("Hi")),
  ]);
  await using proxy = startProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  const ways: ((client: RawClient) => Promise<unknown>)[] = [
    () => upstream.arrival(0),
    (client) => client.readText("Hello"),
    (client) => client.readText('"stop_reason"'),
  ];
  for (const [n, wait] of ways.entries()) {
    const client = await connect(proxy.url);
    await client.send(rawPost(proxy.url, requestBody({ stream: n === 1 })));
    await wait(client);
    client.disconnect();
    if (n === 0) response.resolve(Response.json(completion("Hi")));
    assertEquals(await hasRoom(proxy.url), true, `${n}`);
  }
  await source.cancelled;
});

Deno.test("a place is freed after TIMEOUT_S if the response is not sent", async () => {
  const { handler } = createProxy({ env: { MAX_INFLIGHT: "1", TIMEOUT_S: "0.05" } });
  const never = new Promise<void>(() => {});
  const request = async () => {
    const response = await handler(get("/v1/models"), { transport: "unix" }, never);
    await response.text();
    return response.status;
  };
  assertEquals([await request(), await request()], [200, 529]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(await request(), 200);
  await new Promise((resolve) => setTimeout(resolve, 100));
});

Deno.test("createPacedBody sends a long text in chunks and fails if the client does not read", async () => {
  const text = "世".repeat(300_000);
  assertEquals(await new Response(createPacedBody(text, 1000)).text(), text);
  const body = createPacedBody(text, 20);
  assert(body instanceof ReadableStream);
  const reader = body.getReader();
  const { value } = await reader.read();
  assertEquals(value?.length, 64 * 1024);
  await new Promise((resolve) => setTimeout(resolve, 120));
  await assertRejects(() => reader.read(), Error, "read nothing");
});

Deno.test("createPacedBody returns a short text unchanged and clears its timer when cancelled", async () => {
  assertEquals(createPacedBody("Hi", 1000), "Hi");
  const body = createPacedBody("x".repeat(300_000), 1000);
  assert(body instanceof ReadableStream);
  await body.cancel();
});

Deno.test("a rejected completed promise does not end the process", async () => {
  const source = createOpenStream(sse(textChunk("Hello")));
  await using upstream = startUpstream(() => source.response);
  const { handler, services } = createProxy({ upstream });
  const { promise: disconnected, reject } = Promise.withResolvers<void>();
  const response = await handler(
    post(requestBody({ stream: true })),
    { transport: "unix" },
    disconnected,
  );
  reject(new Error("The response was not sent"));
  // An unhandled rejection would end the process now.
  await new Promise((resolve) => setTimeout(resolve, 10));
  await response.body?.cancel();
  assertEquals((await services.recorded()).outcome, "client_gone");
});

Deno.test("requests over MAX_INFLIGHT get 529 until a response is complete", async () => {
  const source = createOpenStream(sse(textChunk("Hi")));
  await using upstream = startUpstream([() => source.response, replyJson]);
  const { services, handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  const first = await send(handler, requestBody({ stream: true }));
  const second = await send(handler, requestBody());
  assertEquals(second.headers.get("retry-after"), "1");
  const error = await readError(second);
  assertEquals([error.status, error.type], [529, "overloaded_error"]);
  const health = await call(handler, get("/health"));
  await health.body?.cancel();
  assertEquals([health.status, upstream.requests.length], [200, 1]);
  source.send(sse(finishChunk(), "[DONE]"));
  await first.text();
  // The 529 and the health check were recorded before.
  await services.recorded(2);
  await nextTurn();
  const third = await send(handler, requestBody());
  await third.body?.cancel();
  assertEquals(third.status, 200);
});

Deno.test("a client that disconnects frees its place under MAX_INFLIGHT", async () => {
  const source = createOpenStream(sse(textChunk("Hi")));
  await using upstream = startUpstream([() => source.response, replyJson]);
  const { services, handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  const first = await send(handler, requestBody({ stream: true }));
  await first.body?.cancel();
  await services.recorded();
  await nextTurn();
  const second = await send(handler, requestBody());
  await second.body?.cancel();
  assertEquals(second.status, 200);
});

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
