/** Budget, prices and RunningMeans. */

import { assertEquals } from "@std/assert";
import type { BudgetedRequest } from "../../lib/metrics/budget_types.ts";
import type { Metrics, MetricsOptions } from "../../lib/metrics/metrics.ts";
import type { RequestTimeline } from "../../lib/metrics/request_timeline.ts";
import { RunningMeans } from "../../lib/running_mean.ts";
import { findHighest, priceAtMost, type Prices, priceTokens } from "../../lib/metrics/prices.ts";
import type { RequestRecord } from "../../lib/log.ts";
import { createMetrics, createRecord, createTimeline, NOON } from "../helpers/metrics.ts";

/** $1 per million input tokens, $10 per million output tokens. */
const PRICES: Prices = {
  promptPrice: 1,
  completionPrice: 10,
  cacheReadPrice: undefined,
  cacheWritePrice: undefined,
};

const REQUEST: BudgetedRequest = {
  models: ["a/x"],
  inputTokens: 1e6,
  maxTokens: 1e6,
  cacheTtl: "5m",
  isStream: true,
};

function createLimited(more: Partial<MetricsOptions> = {}): Metrics {
  return createMetrics({ maxCostUsd: 100, findPrices: () => PRICES, ...more });
}

function start(
  metrics: Metrics,
  request: Partial<BudgetedRequest> = {},
  keyIndex: number | null = null,
): RequestTimeline {
  const timeline = createTimeline(createRecord());
  timeline.keyIndex = keyIndex;
  metrics.start(timeline);
  metrics.budget.reserve(timeline, { ...REQUEST, ...request });
  return timeline;
}

function finish(
  metrics: Metrics,
  timeline: RequestTimeline,
  fields: Partial<RequestRecord> = {},
): void {
  Object.assign(timeline.record, fields);
  metrics.finish(timeline);
}

/** Reported, estimated and reserved cost. */
function read({ budget }: Metrics): number[] {
  const { costUsd, estimatedUsd, reservedUsd } = budget.read();
  return [costUsd, estimatedUsd, reservedUsd].map((usd) => Number(usd.toFixed(6)));
}

/** Whether costs and reservations have reached a limit that applies to the requests with a key. */
function isReserved({ budget }: Metrics, keyIndex: number | null = null): boolean {
  return budget.listLimits({ keyIndex }).some(({ spentUsd, reservedUsd, maxCostUsd }) =>
    spentUsd + reservedUsd >= maxCostUsd
  );
}

Deno.test("Budget replaces a reservation with the reported cost, once", () => {
  const metrics = createLimited();
  const timeline = start(metrics);
  assertEquals(read(metrics), [0, 0, 11]);
  finish(metrics, timeline, { costUsd: 0.5 });
  finish(metrics, timeline, { costUsd: 0.5 });
  metrics.budget.settle(createTimeline(createRecord()));
  assertEquals(read(metrics), [0.5, 0, 0]);
});

Deno.test("Budget counts a request on the day on which it ends", () => {
  let now = Date.UTC(2026, 10, 22, 23, 59, 59);
  const metrics = createLimited({ date: () => new Date(now), maxCostUsd: 12 });
  const first = start(metrics);
  const second = start(metrics);
  finish(metrics, first, { costUsd: 9 });
  assertEquals([read(metrics), isReserved(metrics)], [[9, 0, 11], true]);
  now += 1000;
  assertEquals([read(metrics), isReserved(metrics)], [[0, 0, 11], false]);
  second.output = { outputTokens: 5e5 };
  finish(metrics, second, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 6, 0]);
});

Deno.test("Budget reserves the output so far of a response that is longer than expected", () => {
  const metrics = createLimited();
  finish(metrics, start(metrics), { costUsd: 2, outputTokens: 1e5 });
  const timeline = start(metrics);
  assertEquals(read(metrics), [2, 0, 2]);
  timeline.output = { outputTokens: 9e5 };
  assertEquals(read(metrics), [2, 0, 10]);
});

Deno.test("Budget reserves the mean output for four concurrent requests, and max_tokens for further ones", () => {
  const metrics = createLimited();
  finish(metrics, start(metrics), { costUsd: 0, outputTokens: 1e5 });
  for (let i = 0; i < 4; i++) start(metrics);
  assertEquals(read(metrics), [0, 0, 8]);
  start(metrics);
  assertEquals(read(metrics), [0, 0, 19]);
});

Deno.test("Budget learns the mean output per model", () => {
  const metrics = createLimited();
  finish(metrics, start(metrics), { costUsd: 0, outputTokens: 1 });
  start(metrics, { models: ["a/y"] });
  assertEquals(read(metrics), [0, 0, 11]);
});

Deno.test("Budget reserves at the highest prices of a list of models", () => {
  const findPrices = (model: string) =>
    model === "a/y" ? { ...PRICES, completionPrice: 50 } : PRICES;
  const metrics = createLimited({ findPrices });
  start(metrics, { models: ["a/x", "a/y"] });
  assertEquals(read(metrics), [0, 0, 51]);
});

Deno.test("Budget uses prices that become known while a request is in flight", () => {
  const list: Prices[] = [];
  const metrics = createLimited({ findPrices: () => list[0] });
  const timeline = start(metrics);
  assertEquals(read(metrics), [0, 0, 12.5]);
  list.push(PRICES);
  finish(metrics, timeline, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 1, 0]);
});

Deno.test("Budget estimates the cost after a disconnect even if upstream has reported a cost before", () => {
  const metrics = createLimited();
  const timeline = start(metrics);
  timeline.output = { outputTokens: 1e5 };
  finish(metrics, timeline, { outcome: "client_gone", costUsd: 0 });
  assertEquals(read(metrics), [0, 2, 0]);
});

Deno.test("Budget ignores reported usage without tokens", () => {
  const metrics = createLimited();
  finish(metrics, start(metrics), { outcome: "client_gone", inputTokens: 0, outputTokens: 0 });
  assertEquals(read(metrics), [0, 1, 0]);
  finish(metrics, start(metrics), { outcome: "client_gone", inputTokens: 2e6, outputTokens: 1 });
  assertEquals(read(metrics), [0, 3.00001, 0]);
});

Deno.test("Budget reserves and estimates nothing without a limit", () => {
  const metrics = createLimited({ maxCostUsd: null });
  const timeline = start(metrics);
  assertEquals([read(metrics), isReserved(metrics)], [[0, 0, 0], false]);
  finish(metrics, timeline, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 0, 0]);
  finish(metrics, start(metrics), { costUsd: 3 });
  assertEquals(read(metrics), [3, 0, 0]);
});

Deno.test("Budget reports the first response that it cannot count", () => {
  const reported: string[] = [];
  const metrics = createLimited({
    findPrices: () => undefined,
    onUncounted: (model) => reported.push(model),
    date: () => new Date(NOON),
  });
  for (let i = 0; i < 3; i++) finish(metrics, start(metrics));
  assertEquals([reported, metrics.budget.read().uncounted], [["a/x"], 3]);
});

// --- prices ---

const TOKENS = { input: 1e6, output: 1e6 };

Deno.test("priceAtMost prices input at the highest cache write price", () => {
  const known = { ...PRICES, promptPrice: 1, completionPrice: 10 };
  assertEquals(priceAtMost(known, TOKENS, "5m"), 11);
  assertEquals(priceAtMost(known, TOKENS, "1h"), 11);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 1.25 }, TOKENS, "5m"), 11.25);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 1.25 }, TOKENS, "1h"), 12);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 0.5 }, TOKENS, "5m"), 11);
});

Deno.test("priceTokens uses the prompt price if no cache price is listed", () => {
  const known = { ...PRICES, promptPrice: 1, completionPrice: 10 };
  assertEquals(priceTokens(known, { ...TOKENS, cached: 1e6, written: 1e6 }), 13);
  const listed = { ...known, cacheReadPrice: 0.1, cacheWritePrice: 2 };
  assertEquals(priceTokens(listed, { ...TOKENS, cached: 1e6, written: 1e6 }), 13.1);
});

Deno.test("findHighest returns the highest prices of the models that have sufficient prices", () => {
  const half = { ...PRICES, completionPrice: undefined };
  assertEquals(findHighest([undefined, half]), undefined);
  assertEquals(findHighest([]), undefined);
  const cached = { ...PRICES, promptPrice: 5, cacheReadPrice: 0.5, cacheWritePrice: 6 };
  assertEquals(findHighest([undefined, half, cached, PRICES]), {
    promptPrice: 5,
    completionPrice: 10,
    cacheReadPrice: undefined,
    cacheWritePrice: 6,
  });
  assertEquals(findHighest([cached])?.cacheReadPrice, 0.5);
});

Deno.test("RunningMeans moves towards new values, and keeps a limited number of names", () => {
  const means = new RunningMeans();
  means.learn("a", 10);
  means.learn("a", 20);
  assertEquals([means.find("a"), means.find("b")], [13, undefined]);
  for (let i = 0; i < 200; i++) means.learn(`m${i}`, 1);
  assertEquals(means.find("a"), undefined);
});

Deno.test("Budget counts restored costs towards the limit, on their day only", () => {
  const spent = [
    { key: null, costUsd: 60, estimatedUsd: 10 },
    { key: "key 1", costUsd: 20, estimatedUsd: 5 },
  ];
  const metrics = createLimited();
  metrics.budget.restore("2026-11-21", spent);
  assertEquals(read(metrics), [0, 0, 0]);
  metrics.budget.restore("2026-11-22", spent);
  assertEquals([read(metrics), isReserved(metrics)], [[80, 15, 0], false]);
  finish(metrics, createTimeline(createRecord()));
  const timeline = start(metrics);
  assertEquals(isReserved(metrics), true);
  finish(metrics, timeline, { costUsd: 5 });
  assertEquals([read(metrics), isReserved(metrics)], [[85, 15, 0], true]);
});

Deno.test("Budget restores the costs of each key, and ignores those of a key that is gone", () => {
  const metrics = createLimited({ maxCostUsd: null, maxCostUsdPerKey: 12, keyCount: 2 });
  metrics.budget.restore("2026-11-22", [
    { key: null, costUsd: 1, estimatedUsd: 0 },
    { key: "key 2", costUsd: 10, estimatedUsd: 3 },
    { key: "key 3", costUsd: 100, estimatedUsd: 0 },
  ]);
  const { costUsd, keys } = metrics.budget.read();
  assertEquals([costUsd, keys.map((key) => key.costUsd)], [111, [0, 10]]);
  assertEquals([0, 1].map((index) => isReserved(metrics, index)), [false, true]);
});

Deno.test("a completed request has the part of its cost that was estimated", () => {
  const metrics = createLimited();
  finish(metrics, start(metrics), { costUsd: 3 });
  finish(metrics, start(metrics), { inputTokens: 1e6, outputTokens: 1e6 });
  finish(metrics, start(metrics), { outcome: "client_gone", inputTokens: 1e6, costUsd: 0.25 });
  const { requests } = metrics.read(0);
  assertEquals(requests.map(({ estimatedUsd }) => estimatedUsd), [undefined, 11, 0.75]);
});

const PER_KEY = { maxCostUsd: null, maxCostUsdPerKey: 12, keyCount: 2 };

Deno.test("Budget counts each key's costs and reservations apart, and all of them together", () => {
  const metrics = createLimited({ ...PER_KEY, maxCostUsd: 30 });
  finish(metrics, start(metrics, {}, 0), { costUsd: 2, outcome: "client_gone" });
  const second = start(metrics, {}, 1);
  assertEquals([0, 1].map((index) => isReserved(metrics, index)), [false, false]);
  finish(metrics, start(metrics, {}, 1), { outcome: "client_gone" });
  assertEquals([0, 1, null].map((index) => isReserved(metrics, index)), [false, true, false]);
  const { keys, ...total } = metrics.budget.read();
  const sums = { costUsd: 0, estimatedUsd: 0, reservedUsd: 0, uncounted: 0 };
  assertEquals(total, {
    costUsd: 2,
    estimatedUsd: 1,
    reservedUsd: 11,
    uncounted: 0,
    maxCostUsd: 30,
  });
  assertEquals(keys, [
    { ...sums, label: "key 1", costUsd: 2, maxCostUsd: 12 },
    { ...sums, label: "key 2", estimatedUsd: 1, reservedUsd: 11, maxCostUsd: 12 },
  ]);
  finish(metrics, second, { costUsd: 0.5 });
  assertEquals(metrics.budget.read().keys.map(({ reservedUsd }) => reservedUsd), [0, 0]);
});

Deno.test("Budget starts the limits of keys again at midnight", () => {
  let now = Date.UTC(2026, 10, 22, 23, 59, 58, 500);
  const metrics = createLimited({ ...PER_KEY, date: () => new Date(now) });
  finish(metrics, start(metrics, {}, 1), { costUsd: 12 });
  const [limit] = metrics.budget.listLimits({ keyIndex: 1 });
  assertEquals(limit, {
    variable: "MAX_COST_USD_PER_KEY",
    key: "key 2",
    spentUsd: 12,
    reservedUsd: 0,
    maxCostUsd: 12,
    resetsAt: Date.UTC(2026, 10, 23),
    resetsInS: 2,
  });
  assertEquals(isReserved(metrics, 1), true);
  now += 1500;
  assertEquals(isReserved(metrics, 1), false);
  assertEquals(metrics.budget.listLimits({ keyIndex: 1 })[0]?.resetsAt, Date.UTC(2026, 10, 24));
  assertEquals(metrics.budget.listLimits({ keyIndex: 1 })[0]?.resetsInS, 86_400);
});

Deno.test("Budget expects less output of a key's few requests, whatever other keys have in flight", () => {
  const metrics = createLimited({ ...PER_KEY, maxCostUsdPerKey: 100 });
  finish(metrics, start(metrics), { costUsd: 2, outputTokens: 1e5 });
  for (let i = 0; i < 5; i++) start(metrics, {}, 0);
  start(metrics, {}, 1);
  const [first, second] = metrics.budget.read().keys;
  assertEquals([first?.reservedUsd, second?.reservedUsd], [4 * 2 + 11, 2]);
});

Deno.test("Budget counts responses without a known cost by key", () => {
  const metrics = createLimited({ ...PER_KEY, findPrices: () => undefined });
  const timeline = start(metrics, {}, 1);
  assertEquals(metrics.budget.read().keys.map(({ reservedUsd }) => reservedUsd), [0, 1.5]);
  finish(metrics, timeline);
  assertEquals(metrics.budget.read().keys.map(({ uncounted }) => uncounted), [0, 1]);
});
