/** BodyCapture, and INSPECT=1 through the handler. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { BodyCapture } from "../../lib/metrics/body_capture.ts";
import type { Bodies } from "../../lib/metrics/types.ts";
import { call, createProxy, get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import {
  completion,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  replyInvalidModel,
  startUpstream,
} from "../helpers/upstream.ts";

const INSPECT = { INSPECT: "1" };
const keepText = (text: string) => text;

type Handler = ReturnType<typeof createProxy>["handler"];

async function readBodies(handler: Handler, id = "req_1"): Promise<Bodies> {
  const response = await call(handler, get(`/stats?request=${id}`));
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  return await response.json();
}

// --- INSPECT ---

Deno.test("INSPECT=1 captures the four bodies of a stream as they were sent", async () => {
  const answer = sseAnswer("Hello you — ✓");
  await using upstream = startUpstream(() => eventStream(answer));
  const { handler, services } = createProxy({ upstream, env: INSPECT });
  const request = requestBody({ stream: true });
  const text = await (await call(handler, post(request))).text();
  await services.recorded();
  const bodies = await readBodies(handler);
  assertEquals(JSON.parse(bodies.request), request);
  assertEquals(JSON.parse(bodies.sent), upstream.requests[0]?.body);
  assertEquals([bodies.received, bodies.answer], [answer, text]);
});

Deno.test("INSPECT=1 does not change responses", async () => {
  const answers = () => [eventStream(sseAnswer("Hi ✓")), Response.json(completion("Hi ✓"))];
  const seen: unknown[] = [];
  for (const env of [{}, INSPECT]) {
    await using upstream = startUpstream(answers().map((answer) => () => answer));
    const { handler } = createProxy({ upstream, env });
    const stream = await call(handler, post(requestBody({ stream: true })));
    const whole = await call(handler, post(requestBody()));
    const bad = await call(handler, post("{"));
    seen.push([
      await Promise.all([stream, whole, bad].map(async (response) => [
        response.status,
        [...response.headers],
        await response.text(),
      ])),
    ]);
  }
  assertEquals(seen[1], seen[0]);
});

Deno.test("INSPECT=1 captures upstream's error, and the last of two attempts", async () => {
  const rejectRequest = () => errorBody(429, "Slow down");
  await using upstream = startUpstream([
    rejectRequest,
    replyInvalidModel,
    () => Response.json(completion("Hi")),
  ]);
  const { handler } = createProxy({ upstream, env: INSPECT });
  const refused = await (await call(handler, post(requestBody()))).text();
  const bodies = await readBodies(handler);
  assertMatch(bodies.received, /"message":"Slow down"/);
  assertEquals(bodies.answer, refused);
  await (await call(handler, post(requestBody()))).text();
  // Reads of /stats have request IDs too.
  const again = await readBodies(handler, "req_3");
  assertEquals(JSON.parse(again.sent), upstream.requests[2]?.body);
  assertEquals(JSON.parse(again.received), completion("Hi"));
});

Deno.test("INSPECT=1 does not delay the upstream cancellation after a client disconnects", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("Hello")));
  await using upstream = startUpstream(() => source.response);
  const { handler, services } = createProxy({ upstream, env: INSPECT });
  const response = await call(handler, post(requestBody({ stream: true })));
  await response.body?.cancel();
  await source.cancelled;
  assertEquals((await services.recorded()).outcome, "client_gone");
  assertMatch((await readBodies(handler)).received, /Hello/);
});

Deno.test("INSPECT=1 does not delay a stream", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("Hello")));
  await using upstream = startUpstream(() => source.response);
  const { handler } = createProxy({ upstream, env: INSPECT });
  const response = await call(handler, post(requestBody({ stream: true })));
  const reader = response.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  assertMatch(first, /Hello/);
  source.send(sse(finishChunk(), usageChunk(), "[DONE]"));
  source.close();
  while (!(await reader?.read())?.done);
});

Deno.test("INSPECT=1 redacts keys", async () => {
  const clientKey = "sk-or-v1-clients-own-key";
  await using upstream = startUpstream(() =>
    Response.json(completion(`${SERVER_KEY} ${clientKey}`))
  );
  const { handler } = createProxy({ upstream, env: INSPECT });
  const request = requestBody({ system: `${SERVER_KEY} ${clientKey}` });
  await (await call(handler, post(request, { "x-api-key": clientKey }))).text();
  const bodies = await readBodies(handler);
  assertEquals(JSON.stringify(bodies).includes("sk-or"), false);
  assertEquals(Object.values(bodies).map((text) => text.includes("[redacted] [redacted]")), [
    true,
    true,
    true,
    true,
  ]);
});

Deno.test("CapturedBodies does not show half of a key at the cut", () => {
  const redact = (text: string) => text.replaceAll(SERVER_KEY, "[redacted]");
  const bodies = new BodyCapture().open("req_1", redact);
  // Around every cut, with characters of one and of three bytes.
  for (const letter of ["x", "世"]) {
    const size = new TextEncoder().encode(letter).length;
    for (const back of [-20, -10, 0, 4080, 4090, 4096, 4100]) {
      const before = letter.repeat(Math.floor((1024 * 1024 + back) / size));
      bodies.set("request", `${before}${SERVER_KEY}${"y".repeat(9000)}`);
      const { request } = bodies.read();
      assertEquals(request.includes(SERVER_KEY.slice(0, 8)), false, `${letter} ${back}`);
      assert(request.endsWith("…") && request.length > 1_000_000 / size, `${request.length}`);
    }
  }
});

Deno.test("CapturedBodies stores nothing more after it was dropped", async () => {
  const capture = new BodyCapture();
  const first = capture.open("req_0", keepText);
  const piece = new Uint8Array(1024);
  const { readable, writable } = new TransformStream<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >();
  const reader = first.capture("answer", readable).getReader();
  const writer = writable.getWriter();
  const pass = async () => {
    const [, { value }] = await Promise.all([writer.write(piece), reader.read()]);
    assertEquals(value, piece);
  };
  await pass();
  assertEquals(first.size, 1024);
  for (let i = 1; i <= 50; i++) capture.open(`req_${i}`, keepText);
  assertEquals([capture.find("req_0"), first.size], [undefined, 0]);
  await pass();
  assertEquals(first.size, 0);
});

Deno.test("CapturedBodies does not keep a long text in memory", () => {
  const bodies = new BodyCapture().open("req_1", keepText);
  for (let i = 0; i < 100; i++) bodies.set("request", "世".repeat(5_000_000));
  assert(bodies.size <= 1024 * 1024 + 4096, `${bodies.size}`);
});

Deno.test("CapturedBodies decodes a character that is split between chunks", async () => {
  const bytes = new TextEncoder().encode("Hello ✓");
  const halves = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, -1));
      controller.enqueue(bytes.slice(-1));
      controller.close();
    },
  });
  const bodies = new BodyCapture().open("req_1", keepText);
  assertEquals(await new Response(bodies.capture("answer", halves)).text(), "Hello ✓");
  assertEquals(bodies.read().answer, "Hello ✓");
});

Deno.test("BodyCapture limits the size of each body, their total size and the number of requests", () => {
  const capture = new BodyCapture();
  const places = ["request", "sent", "received", "answer"] as const;
  for (let i = 0; i < 60; i++) {
    const bodies = capture.open(`req_${i}`, keepText);
    for (const place of places) bodies.set(place, "x".repeat(3 * 1024 * 1024));
    assert(bodies.size < 4.1 * 1024 * 1024);
  }
  const kept = Array.from({ length: 60 }, (_, i) => capture.find(`req_${i}`))
    .filter((one) => one !== undefined);
  assertEquals(kept.length, 5);
  assertEquals(capture.find("req_54"), undefined);
  for (let i = 60; i < 200; i++) capture.open(`req_${i}`, keepText);
  assertEquals([capture.find("req_149"), capture.find("req_150")?.size], [undefined, 0]);
});

Deno.test("GET /stats?request= explains INSPECT if it is off", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream });
  await (await call(handler, post(requestBody()))).text();
  const response = await call(handler, get("/stats?request=req_1"));
  assertEquals(response.status, 404);
  assertMatch((await response.json()).error.message, /^Set INSPECT=1 to capture bodies, or/);
});

Deno.test("GET /stats?request= responds 404 for a request whose bodies are no longer kept", async () => {
  const { handler } = createProxy({ env: INSPECT });
  const response = await call(handler, get("/stats?request=req_9"));
  assertEquals(response.status, 404);
  assertMatch((await response.json()).error.message, /no longer kept/);
});

Deno.test("INSPECT=1 and MAX_COST_USD apply to passed-through requests", async () => {
  const message = { type: "message", model: "a/x", content: [], usage: { cost: 0.01 } };
  await using upstream = startUpstream([
    () => errorBody(429, "Slow down"),
    () => Response.json(message),
  ]);
  const env = { ...INSPECT, UPSTREAM_DIALECT: "anthropic", MAX_COST_USD: "0.01" };
  const { handler } = createProxy({ upstream, env });
  await (await call(handler, post(requestBody()))).text();
  assertMatch((await readBodies(handler)).received, /"message":"Slow down"/);
  await (await call(handler, post(requestBody()))).text();
  const bodies = await readBodies(handler, "req_3");
  assertEquals(JSON.parse(bodies.request), requestBody());
  assertEquals(JSON.parse(bodies.sent), upstream.requests[1]?.body);
  assertEquals([JSON.parse(bodies.received), JSON.parse(bodies.answer)], [message, message]);
  const spent = await call(handler, post(requestBody()));
  assertEquals([spent.status, (await spent.json()).error.type], [429, "billing_error"]);
  assertEquals(upstream.requests.length, 2);
});
