/** Metrics, TimeSeries and CappedMap, and `GET /stats` through the handler. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Stats } from "../../lib/metrics/types.ts";
import { addRequest, CappedMap, TimeSeries } from "../../lib/metrics/aggregates.ts";
import { createHandler } from "../../lib/server.ts";
import {
  countRequest,
  createMetrics,
  createRecord,
  createTimeline,
  NOON,
} from "../helpers/metrics.ts";
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

type Proxy = ReturnType<typeof createProxy>;

async function readStats({ handler }: Pick<Proxy, "handler">, query = ""): Promise<Stats> {
  const response = await call(handler, get(`/stats${query}`));
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  return await response.json();
}

const PRICES = { promptPrice: 3, completionPrice: 15, cacheReadPrice: 0.3, cacheWritePrice: 3.75 };

// --- totals ---

Deno.test("Metrics adds up requests, and ignores those that were not started", () => {
  const metrics = createMetrics();
  const usage = { inputTokens: 10, outputTokens: 5, cachedTokens: 100, writtenTokens: 7 };
  countRequest(
    metrics,
    createTimeline(createRecord({ ...usage, costUsd: 0.5, upstreamModel: "a/x" })),
  );
  assertEquals(metrics.finish(createTimeline(createRecord())), null);
  countRequest(
    metrics,
    createTimeline(createRecord({ status: 402, outcome: "billing_error", error: "No credit" })),
  );
  countRequest(metrics, createTimeline(createRecord({ upstreamModel: "a/x" })));
  const totals = { requests: 3, failed: 1, ...usage, costUsd: 0.5, unpriced: 1, savedUsd: null };
  assertEquals(metrics.totals, totals);
  const stats = metrics.read(0);
  assertEquals(stats.models, [
    { ...totals, model: "a/x", requests: 2, failed: 0 },
  ]);
  assertEquals(stats.outcomes, [{ end: "complete", count: 2 }, { end: "billing_error", count: 1 }]);
  assertEquals(stats.requests.map(({ number }) => number), [1, 2, 3]);
  assertEquals(stats.requests[0]?.time, NOON - 1000);
  assertEquals(metrics.read(2).requests.map(({ number }) => number), [3]);
});

for (const cost of [NaN, Infinity, -1]) {
  Deno.test(`Metrics does not count a reported cost of ${cost}`, () => {
    const metrics = createMetrics();
    countRequest(metrics, createTimeline(createRecord({ costUsd: cost })));
    assertEquals([metrics.totals.costUsd, metrics.totals.unpriced], [null, 1]);
    assertEquals(metrics.budget.read().costUsd, 0);
  });
}

const SAVINGS: [about: string, usage: object, prices: object, saved: number | null][] = [
  ["reads at the catalog's price", { cachedTokens: 1e6 }, {}, 2.7],
  ["reads less the extra cost of writes", { cachedTokens: 1e6, writtenTokens: 1e6 }, {}, 1.95],
  ["writes alone are a loss", { writtenTokens: 1e6 }, {}, -0.75],
  ["unknown without a read price", { cachedTokens: 1e6 }, { cacheReadPrice: undefined }, null],
  ["unknown without a prompt price", { cachedTokens: 1e6 }, { promptPrice: undefined }, null],
  [
    "unknown without a write price",
    { cachedTokens: 1, writtenTokens: 1 },
    { cacheWritePrice: undefined },
    null,
  ],
  ["a write price is not needed without writes", { cachedTokens: 1e6 }, {
    cacheWritePrice: undefined,
  }, 2.7],
  ["unknown without cached tokens", {}, {}, null],
];

for (const [about, usage, prices, saved] of SAVINGS) {
  Deno.test(`Metrics reports what caching saved: ${about}`, () => {
    const findPrices = (model: string) => model === "a/x" ? { ...PRICES, ...prices } : undefined;
    const metrics = createMetrics({ findPrices });
    countRequest(metrics, createTimeline(createRecord({ upstreamModel: "a/x", ...usage })));
    const { savedUsd } = metrics.totals;
    assertEquals(savedUsd === null ? null : Number(savedUsd.toFixed(9)), saved);
  });
}

Deno.test("Metrics uses the prices of the sent model if the catalog does not list the reported name", () => {
  const metrics = createMetrics({ findPrices: (model) => model === "a/x" ? PRICES : undefined });
  const timeline = createTimeline(
    createRecord({ upstreamModel: "a/x-20250101", cachedTokens: 1e6 }),
  );
  timeline.sentModel = "a/x";
  countRequest(metrics, timeline);
  assertEquals(metrics.totals.savedUsd?.toFixed(6), "2.700000");
});

// --- limits ---

Deno.test("Metrics reports the last 200 requests", () => {
  const metrics = createMetrics();
  for (let i = 0; i < 250; i++) countRequest(metrics, createTimeline(createRecord()));
  const { requests, totals } = metrics.read(0);
  assertEquals([requests.length, requests[0]?.number, requests.at(-1)?.number], [200, 51, 250]);
  assertEquals(totals.requests, 250);
});

Deno.test("Metrics limits the number and length of names", () => {
  const metrics = createMetrics();
  for (let i = 0; i < 300; i++) {
    const model = `${i}/${"x".repeat(10_000)}`;
    const dropped = Array.from({ length: 1000 }, (_, n) => `field${i}.${n}`);
    const timeline = createTimeline(createRecord({ model, upstreamModel: model, dropped }));
    for (let n = 0; n < 1000; n++) timeline.add("block", "tool_use ".repeat(1000));
    countRequest(metrics, timeline);
  }
  const stats = metrics.read(0);
  assertEquals([stats.models.length, stats.dropped.length], [101, 101]);
  assertEquals(stats.models.at(-1)?.model, "(others)");
  assertEquals(stats.models.at(-1)?.requests, 200);
  const [first] = stats.requests;
  assertEquals([first?.events.length, first?.dropped?.length, first?.model?.length], [40, 40, 300]);
  assert(JSON.stringify(stats).length < 4e6);
});

Deno.test("CappedMap still finds known names when it is full", () => {
  const map = new CappedMap(2, () => ({ count: 0 }));
  for (const name of ["a", "b", "c", "a", "d"]) map.getOrCreate(name).count++;
  assertEquals(map.list(), [["a", { count: 2 }], ["b", { count: 1 }], ["(others)", {
    count: 2,
  }]]);
});

Deno.test("TimeSeries drops buckets in the future after the clock was set back", () => {
  const series = new TimeSeries(60_000, 3);
  const record = createRecord({ costUsd: 1 });
  for (const time of [NOON, NOON + 86_400_000, NOON]) addRequest(series.bucketAt(time), record);
  assertEquals(series.read(NOON).buckets.map(({ time }) => time - NOON), [0]);
});

Deno.test("TimeSeries starts buckets at whole minutes, and drops old ones", () => {
  const series = new TimeSeries(60_000, 3);
  const record = createRecord({ costUsd: 1 });
  for (const second of [0, 59, 60, 200]) addRequest(series.bucketAt(NOON + second * 1000), record);
  const { buckets, ...rest } = series.read(NOON + 200_000);
  assertEquals(rest, { widthMs: 60_000, length: 3 });
  assertEquals(buckets.map(({ time, costUsd }) => [(time - NOON) / 1000, costUsd]), [
    [60, 1],
    [180, 1],
  ]);
  assertEquals(series.read(NOON + 86_400_000).buckets, []);
});

Deno.test("Metrics counts today's cost by the day in UTC", () => {
  let now = NOON;
  const metrics = createMetrics({ date: () => new Date(now) });
  const addCost = () => countRequest(metrics, createTimeline(createRecord({ costUsd: 2 })));
  addCost();
  addCost();
  assertEquals(metrics.budget.read().costUsd, 4);
  now = Date.UTC(2026, 10, 23);
  assertEquals(metrics.budget.read().costUsd, 0);
  addCost();
  assertEquals([metrics.budget.read().costUsd, metrics.totals.costUsd], [2, 6]);
});

Deno.test("Metrics keeps no secret, complete or cut", () => {
  const metrics = createMetrics();
  const redact = (text: string) => text.replaceAll(SERVER_KEY, "[redacted]");
  const error = `${"x".repeat(290)}${SERVER_KEY}`;
  const timeline = createTimeline(
    createRecord({ model: SERVER_KEY, upstreamModel: SERVER_KEY, error, dropped: [SERVER_KEY] }),
    { redact },
  );
  timeline.add("block", SERVER_KEY);
  metrics.start(timeline);
  assertEquals(JSON.stringify(metrics.read(0)).includes("sk-or"), false);
  metrics.finish(timeline);
  assertEquals(JSON.stringify(metrics.read(0)).includes("sk-or"), false);
});

// --- through the proxy ---

Deno.test("GET /stats reports a completed request", async () => {
  const models = [{ id: "anthropic/claude-4-sonnet", pricing: { prompt: "0.000003" } }];
  await using upstream = startUpstream(
    () => eventStream(sseAnswer("Hello you")),
    { models },
  );
  const proxy = createProxy({ upstream });
  const response = await call(proxy.handler, post(requestBody({ stream: true })));
  await response.text();
  await proxy.services.recorded();
  const stats = await readStats(proxy);
  const [request] = stats.requests;
  assertEquals(
    [request?.model, request?.upstreamModel, request?.provider, request?.status, request?.outcome],
    ["claude-sonnet-4-5", "anthropic/claude-4-sonnet", "Anthropic", 200, "complete"],
  );
  assertEquals(
    [request?.inputTokens, request?.cachedTokens, request?.outputTokens, request?.costUsd],
    [20, 100, 7, 0.00125],
  );
  assertEquals(request?.events.map(({ kind, note }) => [kind, note]), [
    ["sent", "anthropic/claude-sonnet-4-20250514"],
    ["headers", ""],
    ["block", "text"],
  ]);
  const times = request?.events.map(({ at }) => at) ?? [];
  assertEquals(times, times.toSorted((a, b) => a - b));
  assert((times.at(-1) ?? 0) <= (request?.totalMs ?? 0));
  assertEquals(stats.inFlight, []);
  assertEquals(stats.totals.requests, 1);
  assertEquals(stats.series.hour.buckets.map(({ costUsd }) => costUsd), [0.00125]);
  assertEquals((await readStats(proxy, "?after=1")).requests, []);
});

Deno.test("GET /stats reports the output tokens of a request in flight, until it has ended", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("x".repeat(40))));
  await using upstream = startUpstream(() => source.response);
  const proxy = createProxy({ upstream });
  const response = await call(proxy.handler, post(requestBody({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  const [first] = (await readStats(proxy)).inFlight;
  assertEquals([first?.model, first?.outputTokens], ["claude-sonnet-4-5", 10]);
  source.send(sse(textChunk("y".repeat(400))));
  await reader?.read();
  const [later] = (await readStats(proxy)).inFlight;
  assertEquals([later?.requestId, later?.outputTokens], [first?.requestId ?? "", 110]);
  source.send(sse(finishChunk(), usageChunk(), "[DONE]"));
  source.close();
  while (!(await reader?.read())?.done);
  await proxy.services.recorded();
  assertEquals((await readStats(proxy)).inFlight, []);
});

Deno.test("GET /stats reports the timeline of a passed-through request", async () => {
  const events = [
    { type: "message_start", message: { model: "a/x", usage: { input_tokens: 9 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
    { type: "message_stop" },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  await using upstream = startUpstream(() => eventStream(body.join("")));
  const proxy = createProxy({ upstream, env: { UPSTREAM_DIALECT: "anthropic" } });
  await (await call(proxy.handler, post(requestBody({ stream: true })))).text();
  await proxy.services.recorded();
  const [request] = (await readStats(proxy)).requests;
  assertEquals(request?.events.map(({ kind, note }) => [kind, note]), [
    ["sent", "anthropic/claude-sonnet-4-20250514"],
    ["headers", ""],
    ["block", "text"],
  ]);
  assertEquals([request?.inputTokens, request?.outputTokens], [9, 3]);
});

Deno.test("GET /stats distinguishes client disconnects from broken responses", async () => {
  const source = createOpenStream(sse(roleChunk(), textChunk("Hello")));
  const cut = sse(roleChunk(), textChunk("Hello"));
  await using upstream = startUpstream([() => source.response, () => eventStream(cut)]);
  const proxy = createProxy({ upstream });
  const disconnected = await call(proxy.handler, post(requestBody({ stream: true })));
  await disconnected.body?.cancel();
  await proxy.services.recorded();
  await (await call(proxy.handler, post(requestBody({ stream: true })))).text();
  await proxy.services.recorded(1);
  const stats = await readStats(proxy);
  assertEquals(stats.outcomes, [{ end: "client_gone", count: 1 }, { end: "api_error", count: 1 }]);
  assertEquals([stats.totals.failed, stats.totals.unpriced, stats.inFlight.length], [1, 2, 0]);
});

Deno.test("GET /stats reports invalid requests and upstream's errors", async () => {
  await using upstream = startUpstream(() => errorBody(429, "Slow down"));
  const proxy = createProxy({ upstream });
  await (await call(proxy.handler, post("{"))).text();
  await (await call(proxy.handler, post(requestBody()))).text();
  const stats = await readStats(proxy);
  assertEquals(stats.requests.map(({ status, outcome }) => [status, outcome]), [
    [400, "invalid_request_error"],
    [429, "rate_limit_error"],
  ]);
  assertMatch(stats.requests[1]?.error ?? "", /Slow down/);
  assertEquals(stats.inFlight, []);
});

Deno.test("GET /stats reports both attempts after an unavailable default, and the model that a fallback replaced", async () => {
  const fallback = { ...completion("Hi"), model: "b/y" };
  await using upstream = startUpstream([replyInvalidModel, () => Response.json(fallback)]);
  const proxy = createProxy({ upstream });
  await (await call(proxy.handler, post(requestBody()))).text();
  const { services: _, handler } = createProxy({
    upstream,
    env: { TARGET_MODEL_BIG: "a/x,b/y" },
  });
  await (await call(handler, post(requestBody()))).text();
  const [retried] = (await readStats(proxy)).requests;
  assertEquals(retried?.events.map(({ kind }) => kind), ["sent", "sent", "headers", "block"]);
  const [replaced] = (await readStats({ handler })).requests;
  assertEquals([replaced?.replaced, replaced?.upstreamModel], ["a/x", "b/y"]);
});

Deno.test("unauthorized clients and preflights appear neither in the metrics nor as spans", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const page = "https://listed.page";
  const { services } = createProxy({
    upstream,
    env: { PROXY_API_KEYS: "of-a-team-0123456789", ALLOWED_ORIGINS: page },
  });
  const spans: string[] = [];
  const handler = createHandler({ ...services, reportSpan: ({ outcome }) => spans.push(outcome) });
  const headersWithKey = { "x-api-key": "of-a-team-0123456789" };
  await (await call(handler, post(requestBody(), headersWithKey))).text();
  await services.recorded();
  for (let i = 0; i < 210; i++) {
    const refused = await call(handler, post(requestBody(), { "x-api-key": "guessed" }));
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
  }
  const preflightHeaders = { origin: page, "access-control-request-method": "POST" };
  await call(handler, get("/v1/messages", { method: "OPTIONS", headers: preflightHeaders }));
  for (const path of ["/health", "/v1/models"]) {
    await (await call(handler, get(path, { headers: headersWithKey }))).body?.cancel();
  }
  await services.recorded(213);
  const stats: Stats = await (await call(handler, get("/stats", { headers: headersWithKey })))
    .json();
  assertEquals([stats.totals.requests, stats.totals.failed], [1, 0]);
  assertEquals(stats.requests.map(({ status }) => status), [200]);
  assertEquals(stats.outcomes, [{ end: "complete", count: 1 }]);
  assertEquals(spans, ["complete"]);
});

Deno.test("a client without any key is rejected before its body is read, and is not counted", async () => {
  const { services, handler } = createProxy({ env: { OPENROUTER_API_KEY: undefined } });
  let read = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: () => void read++,
  }, { highWaterMark: 0 });
  const headers = { "content-type": "application/json" };
  const response = await call(handler, get("/v1/messages", { method: "POST", headers, body }));
  assertEquals([response.status, read], [401, 0]);
  await response.body?.cancel();
  assertEquals(services.metrics.read(0).totals.requests, 0);
});

for (const after of ["-1", "x", "1.5", "1e3", ""]) {
  Deno.test(`GET /stats rejects ?after=${after}`, async () => {
    const response = await call(createProxy().handler, get(`/stats?after=${after}`));
    assertEquals(response.status, 400);
    assertMatch((await response.json()).error.message, /^after: /);
  });
}
