// The servers of tests stop by themselves: a bug that leaves an upstream request open fails a test within seconds
// instead of hanging it.

import { assertEquals, assertRejects } from "@std/assert";
import { serveBounded } from "./bounded_server.ts";
import { startRawUpstream } from "./raw_upstream.ts";
import { createOpenStream } from "./upstream.ts";

Deno.test("a bounded server waits for an open response", async () => {
  const source = createOpenStream("one ");
  const server = serveBounded("Upstream", () => source.response);
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  const stopped = server.stop();
  source.send("two");
  source.close();
  assertEquals(await response.text(), "one two");
  await stopped;
});

Deno.test("a bounded server aborts a response that stays open and reports it", async () => {
  const source = createOpenStream("one ");
  const server = serveBounded("Upstream", () => source.response, 50);
  const response = await fetch(`http://127.0.0.1:${server.port}/path`);
  const error = await assertRejects(() => server.stop(), Error);
  assertEquals(error.message, "Upstream did not stop: still open after 0.05 s: GET /path");
  await assertRejects(() => response.text(), TypeError);
});

Deno.test("a bounded server aborts a request without a response", async () => {
  const never = Promise.withResolvers<Response>();
  const arrived = Promise.withResolvers<void>();
  const server = serveBounded("Upstream", () => {
    arrived.resolve();
    return never.promise;
  }, 50);
  const response = fetch(`http://127.0.0.1:${server.port}/`, { method: "POST", body: "x" });
  const failed = assertRejects(() => response, TypeError);
  await arrived.promise;
  await assertRejects(() => server.stop(), Error, "POST /");
  await failed;
});

Deno.test("a bounded server without connected clients stops at once", async () => {
  const source = createOpenStream("one ");
  const server = serveBounded("Upstream", () => source.response);
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  await response.body?.cancel();
  await source.cancelled;
  await server.stop();
});

Deno.test("a raw upstream whose script waits for a disconnect stops with its test", async () => {
  const upstream = startRawUpstream(({ disconnected }) => disconnected);
  const { hostname, port } = new URL(upstream.baseUrl);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await upstream.arrived(1);
  await upstream[Symbol.asyncDispose]();
  assertEquals(upstream.open, 0);
});
