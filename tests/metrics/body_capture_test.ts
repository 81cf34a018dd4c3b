/** INSPECT and MAX_COST_USD: what is kept of bodies, how much, and when a day is over. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { BodyCapture } from "../../lib/metrics/body_capture.ts";
import type { Bodies } from "../../lib/metrics/types.ts";
import { ask, call, createProxy, get, HELD_KEY, post } from "../helpers/proxy.ts";
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
  errorBody,
  eventStream,
  holdStream,
  refuseModel,
  startUpstream,
} from "../helpers/upstream.ts";

const INSPECT = { INSPECT: "1" };
const keep = (text: string) => text;

type Handler = ReturnType<typeof createProxy>["handler"];

async function readBodies(handler: Handler, id = "req_1"): Promise<Bodies> {
  const response = await call(handler, get(`/stats?request=${id}`));
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  return await response.json();
}

// --- INSPECT ---

Deno.test("INSPECT=1 keeps a stream's four bodies as they travelled", async () => {
  const answer = sseAnswer("Hello you — ✓");
  await using upstream = startUpstream(() => eventStream(answer));
  const { handler, services } = createProxy({ upstream, env: INSPECT });
  const request = ask({ stream: true });
  const text = await (await call(handler, post(request))).text();
  await services.recorded();
  const bodies = await readBodies(handler);
  assertEquals(JSON.parse(bodies.request), request);
  assertEquals(JSON.parse(bodies.sent), upstream.requests[0]?.body);
  assertEquals([bodies.received, bodies.answer], [answer, text]);
});

Deno.test("INSPECT=1 changes nothing that the client gets", async () => {
  const answers = () => [eventStream(sseAnswer("Hi ✓")), Response.json(completion("Hi ✓"))];
  const seen: unknown[] = [];
  for (const env of [{}, INSPECT]) {
    await using upstream = startUpstream(answers().map((answer) => () => answer));
    const { handler } = createProxy({ upstream, env });
    const stream = await call(handler, post(ask({ stream: true })));
    const whole = await call(handler, post(ask()));
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

Deno.test("INSPECT=1 keeps upstream's refusal, and the last of two questions", async () => {
  const refuse = () => errorBody(429, "Slow down");
  await using upstream = startUpstream([
    refuse,
    refuseModel,
    () => Response.json(completion("Hi")),
  ]);
  const { handler } = createProxy({ upstream, env: INSPECT });
  const refused = await (await call(handler, post(ask()))).text();
  const bodies = await readBodies(handler);
  assertMatch(bodies.received, /"message":"Slow down"/);
  assertEquals(bodies.answer, refused);
  await (await call(handler, post(ask()))).text();
  // The list of numbers counts reads of /stats too.
  const again = await readBodies(handler, "req_3");
  assertEquals(JSON.parse(again.sent), upstream.requests[2]?.body);
  assertEquals(JSON.parse(again.received), completion("Hi"));
});

Deno.test("under INSPECT=1 a client that leaves still ends upstream at once", async () => {
  const held = holdStream(sse(roleChunk(), textChunk("Hello")));
  await using upstream = startUpstream(() => held.response);
  const { handler, services } = createProxy({ upstream, env: INSPECT });
  const response = await call(handler, post(ask({ stream: true })));
  await response.body?.cancel();
  await held.cancelled;
  assertEquals((await services.recorded()).outcome, "client_gone");
  assertMatch((await readBodies(handler)).received, /Hello/);
});

Deno.test("under INSPECT=1 a stream still comes while upstream is writing", async () => {
  const held = holdStream(sse(roleChunk(), textChunk("Hello")));
  await using upstream = startUpstream(() => held.response);
  const { handler } = createProxy({ upstream, env: INSPECT });
  const response = await call(handler, post(ask({ stream: true })));
  const reader = response.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  assertMatch(first, /Hello/);
  held.send(sse(finishChunk(), usageChunk(), "[DONE]"));
  held.close();
  while (!(await reader?.read())?.done);
});

Deno.test("no key is kept where it can be read", async () => {
  const own = "sk-or-v1-clients-own-key";
  await using upstream = startUpstream(() => Response.json(completion(`${HELD_KEY} ${own}`)));
  const { handler } = createProxy({ upstream, env: INSPECT });
  const request = ask({ system: `${HELD_KEY} ${own}` });
  await (await call(handler, post(request, { "x-api-key": own }))).text();
  const bodies = await readBodies(handler);
  assertEquals(JSON.stringify(bodies).includes("sk-or"), false);
  assertEquals(Object.values(bodies).map((text) => text.includes("[redacted] [redacted]")), [
    true,
    true,
    true,
    true,
  ]);
});

Deno.test("a key that stands where a body is cut is not shown in half", () => {
  const redact = (text: string) => text.replaceAll(HELD_KEY, "[redacted]");
  const inspection = new BodyCapture().open("req_1", redact);
  // At every place, with letters of one byte and of three.
  for (const letter of ["x", "世"]) {
    const size = new TextEncoder().encode(letter).length;
    for (const back of [-20, -10, 0, 4080, 4090, 4096, 4100]) {
      const before = letter.repeat(Math.floor((1024 * 1024 + back) / size));
      inspection.set("request", `${before}${HELD_KEY}${"y".repeat(9000)}`);
      const { request } = inspection.read();
      assertEquals(request.includes(HELD_KEY.slice(0, 8)), false, `${letter} ${back}`);
      assert(request.endsWith("…") && request.length > 1_000_000 / size, `${request.length}`);
    }
  }
});

Deno.test("a request that is forgotten while it is answered takes no more memory", async () => {
  const inspections = new BodyCapture();
  const first = inspections.open("req_0", keep);
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
  for (let i = 1; i <= 50; i++) inspections.open(`req_${i}`, keep);
  assertEquals([inspections.find("req_0"), first.size], [undefined, 0]);
  await pass();
  assertEquals(first.size, 0);
});

Deno.test("what is kept of a long body is no part of its text", () => {
  const inspection = new BodyCapture().open("req_1", keep);
  for (let i = 0; i < 100; i++) inspection.set("request", "世".repeat(5_000_000));
  // All that it takes: the heap has nothing of it.
  assert(inspection.size <= 1024 * 1024 + 4096, `${inspection.size}`);
});

Deno.test("a letter that two reads share is kept whole", async () => {
  const bytes = new TextEncoder().encode("Hello ✓");
  const halves = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, -1));
      controller.enqueue(bytes.slice(-1));
      controller.close();
    },
  });
  const inspection = new BodyCapture().open("req_1", keep);
  assertEquals(await new Response(inspection.capture("answer", halves)).text(), "Hello ✓");
  assertEquals(inspection.read().answer, "Hello ✓");
});

Deno.test("bodies are bounded, each and together; the oldest go first", () => {
  const inspections = new BodyCapture();
  const places = ["request", "sent", "received", "answer"] as const;
  for (let i = 0; i < 60; i++) {
    const inspection = inspections.open(`req_${i}`, keep);
    for (const place of places) inspection.set(place, "x".repeat(3 * 1024 * 1024));
    assert(inspection.size < 4.1 * 1024 * 1024);
  }
  const kept = Array.from({ length: 60 }, (_, i) => inspections.find(`req_${i}`))
    .filter((one) => one !== undefined);
  assertEquals(kept.length, 5);
  assertEquals(inspections.find("req_54"), undefined);
  for (let i = 60; i < 200; i++) inspections.open(`req_${i}`, keep);
  assertEquals([inspections.find("req_149"), inspections.find("req_150")?.size], [undefined, 0]);
});

Deno.test("without INSPECT nothing is kept, and /stats says what to set", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream });
  await (await call(handler, post(ask()))).text();
  const response = await call(handler, get("/stats?request=req_1"));
  assertEquals(response.status, 404);
  assertEquals((await response.json()).error.message, "Set INSPECT=1 to capture bodies");
});

Deno.test("with INSPECT a request that is not kept is a 404", async () => {
  const { handler } = createProxy({ env: INSPECT });
  const response = await call(handler, get("/stats?request=req_9"));
  assertEquals(response.status, 404);
  assertMatch((await response.json()).error.message, /no longer kept/);
});

// --- MAX_COST_USD ---

Deno.test("once the day's cost reaches MAX_COST_USD, requests get a 402 that says so", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream, env: { MAX_COST_USD: "0.0025" } });
  for (const status of [200, 200, 402, 402]) {
    const response = await call(handler, post(ask()));
    const body = await response.json();
    assertEquals(response.status, status);
    if (status === 200) continue;
    assertEquals(body.error, {
      type: "billing_error",
      message: "Today's limit is reached: $0.0025 of $0.0025 (MAX_COST_USD). " +
        "Raise it, or wait until midnight UTC",
    });
    assertEquals(response.headers.get("x-should-retry"), "false");
  }
  assertEquals(upstream.requests.length, 2);
  const { today } = await (await call(handler, get("/stats"))).json();
  assertEquals(today, {
    costUsd: 0.0025,
    estimatedUsd: 0,
    reservedUsd: 0,
    uncounted: 0,
    maxCostUsd: 0.0025,
  });
});

Deno.test("the native route keeps bodies and the day's limit too", async () => {
  const message = { type: "message", model: "a/x", content: [], usage: { cost: 0.01 } };
  await using upstream = startUpstream([
    () => errorBody(429, "Slow down"),
    () => Response.json(message),
  ]);
  const env = { ...INSPECT, UPSTREAM_DIALECT: "anthropic", MAX_COST_USD: "0.01" };
  const { handler } = createProxy({ upstream, env });
  await (await call(handler, post(ask()))).text();
  assertMatch((await readBodies(handler)).received, /"message":"Slow down"/);
  await (await call(handler, post(ask()))).text();
  const bodies = await readBodies(handler, "req_3");
  assertEquals(JSON.parse(bodies.request), ask());
  assertEquals(JSON.parse(bodies.sent), upstream.requests[1]?.body);
  assertEquals([JSON.parse(bodies.received), JSON.parse(bodies.answer)], [message, message]);
  const spent = await call(handler, post(ask()));
  assertEquals([spent.status, (await spent.json()).error.type], [402, "billing_error"]);
  assertEquals(upstream.requests.length, 2);
});

Deno.test("the day's limit leaves alone what costs nothing", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream, env: { MAX_COST_USD: "0.001" } });
  await (await call(handler, post(ask()))).text();
  for (const path of ["/v1/models", "/health", "/"]) {
    const response = await call(handler, get(path));
    await response.text();
    assertEquals(response.status, 200, path);
  }
});
