/** The day's limit by itself: what is reserved, what stays of it, and when a day is over. */

import { assertEquals } from "@std/assert";
import type { BudgetedRequest } from "../../lib/metrics/budget.ts";
import type { Metrics, MetricsOptions } from "../../lib/metrics/metrics.ts";
import type { RequestTimeline } from "../../lib/metrics/request_timeline.ts";
import { RunningMeans } from "../../lib/running_mean.ts";
import { findHighest, priceAtMost, type Prices, priceTokens } from "../../lib/metrics/prices.ts";
import type { RequestRecord } from "../../lib/log.ts";
import {
  createMetrics,
  createRecord,
  createTimeline as createJourney,
  NOON,
} from "../helpers/metrics.ts";

/** A dollar for a million tokens of input, ten for as many of output. */
const PRICES: Prices = {
  promptPrice: 1,
  completionPrice: 10,
  cacheReadPrice: undefined,
  cacheWritePrice: undefined,
};

const SENT: BudgetedRequest = {
  models: ["a/x"],
  inputTokens: 1e6,
  maxTokens: 1e6,
  cacheTtl: "5m",
  isStream: true,
};

function limit(more: Partial<MetricsOptions> = {}): Metrics {
  return createMetrics({ maxCostUsd: 100, findPrices: () => PRICES, ...more });
}

function begin(metrics: Metrics, sent: Partial<BudgetedRequest> = {}): RequestTimeline {
  const timeline = createJourney(createRecord());
  metrics.start(timeline);
  metrics.budget.reserve(timeline, { ...SENT, ...sent });
  return timeline;
}

function end(metrics: Metrics, timeline: RequestTimeline, how: Partial<RequestRecord> = {}): void {
  Object.assign(timeline.record, how);
  metrics.finish(timeline);
}

/** Reported, estimated, reserved. */
function read({ budget }: Metrics): number[] {
  const { costUsd, estimatedUsd, reservedUsd } = budget.read();
  return [costUsd, estimatedUsd, reservedUsd].map((usd) => Number(usd.toFixed(6)));
}

Deno.test("a report takes the place of what was reserved, once", () => {
  const metrics = limit();
  const timeline = begin(metrics);
  assertEquals(read(metrics), [0, 0, 11]);
  end(metrics, timeline, { costUsd: 0.5 });
  end(metrics, timeline, { costUsd: 0.5 });
  metrics.budget.settle(createJourney(createRecord()));
  assertEquals(read(metrics), [0.5, 0, 0]);
});

Deno.test("midnight: what is in flight counts on the day on which it ends", () => {
  let now = Date.UTC(2026, 10, 22, 23, 59, 59);
  const metrics = limit({ date: () => new Date(now), maxCostUsd: 12 });
  const first = begin(metrics);
  const second = begin(metrics);
  end(metrics, first, { costUsd: 9 });
  assertEquals([read(metrics), metrics.budget.isOverBudget], [[9, 0, 11], true]);
  now += 1000;
  assertEquals([read(metrics), metrics.budget.isOverBudget], [[0, 0, 11], false]);
  second.countOutput = () => 5e5;
  end(metrics, second, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 6, 0]);
});

Deno.test("an answer longer than expected is reserved as far as it has come", () => {
  const metrics = limit();
  end(metrics, begin(metrics), { costUsd: 2, outputTokens: 1e5 });
  const timeline = begin(metrics);
  assertEquals(read(metrics), [2, 0, 2]);
  timeline.countOutput = () => 9e5;
  assertEquals(read(metrics), [2, 0, 10]);
});

Deno.test("few requests at once are expected to be as long as the last ones, more as long as they may be", () => {
  const metrics = limit();
  end(metrics, begin(metrics), { costUsd: 0, outputTokens: 1e5 });
  for (let i = 0; i < 4; i++) begin(metrics);
  assertEquals(read(metrics), [0, 0, 8]);
  begin(metrics);
  assertEquals(read(metrics), [0, 0, 19]);
});

Deno.test("what was learned of one model says nothing of another's length", () => {
  const metrics = limit();
  end(metrics, begin(metrics), { costUsd: 0, outputTokens: 1 });
  begin(metrics, { models: ["a/y"] });
  assertEquals(read(metrics), [0, 0, 11]);
});

Deno.test("the dearest of a list of models is reserved", () => {
  const findPrices = (model: string) =>
    model === "a/y" ? { ...PRICES, completionPrice: 50 } : PRICES;
  const metrics = limit({ findPrices });
  begin(metrics, { models: ["a/x", "a/y"] });
  assertEquals(read(metrics), [0, 0, 51]);
});

Deno.test("prices that come while a request is under way are used at its end", () => {
  const list: Prices[] = [];
  const metrics = limit({ findPrices: () => list[0] });
  const timeline = begin(metrics);
  assertEquals(read(metrics), [0, 0, 12.5]);
  list.push(PRICES);
  end(metrics, timeline, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 1, 0]);
});

Deno.test("a cost that upstream named before the end is not the last word on who left", () => {
  const metrics = limit();
  const timeline = begin(metrics);
  timeline.countOutput = () => 1e5;
  end(metrics, timeline, { outcome: "client_gone", costUsd: 0 });
  assertEquals(read(metrics), [0, 2, 0]);
});

Deno.test("a first report without tokens says nothing of the input", () => {
  const metrics = limit();
  end(metrics, begin(metrics), { outcome: "client_gone", inputTokens: 0, outputTokens: 0 });
  assertEquals(read(metrics), [0, 1, 0]);
  end(metrics, begin(metrics), { outcome: "client_gone", inputTokens: 2e6, outputTokens: 1 });
  assertEquals(read(metrics), [0, 3.00001, 0]);
});

Deno.test("without a limit nothing is reserved or estimated", () => {
  const metrics = limit({ maxCostUsd: null });
  const timeline = begin(metrics);
  assertEquals([read(metrics), metrics.budget.isOverBudget], [[0, 0, 0], false]);
  end(metrics, timeline, { outcome: "client_gone" });
  assertEquals(read(metrics), [0, 0, 0]);
  end(metrics, begin(metrics), { costUsd: 3 });
  assertEquals(read(metrics), [3, 0, 0]);
});

Deno.test("what is not known of a model is said at its first answer", () => {
  const said: string[] = [];
  const metrics = limit({
    findPrices: () => undefined,
    onUncounted: (model) => said.push(model),
    date: () => new Date(NOON),
  });
  for (let i = 0; i < 3; i++) end(metrics, begin(metrics));
  assertEquals([said, metrics.budget.read().uncounted], [["a/x"], 3]);
});

// --- prices ---

const TOKENS = { input: 1e6, output: 1e6 };

Deno.test("input that may be written to a cache is priced at the dearest it can be", () => {
  const known = { ...PRICES, promptPrice: 1, completionPrice: 10 };
  assertEquals(priceAtMost(known, TOKENS, "5m"), 11);
  assertEquals(priceAtMost(known, TOKENS, "1h"), 11);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 1.25 }, TOKENS, "5m"), 11.25);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 1.25 }, TOKENS, "1h"), 12);
  assertEquals(priceAtMost({ ...known, cacheWritePrice: 0.5 }, TOKENS, "5m"), 11);
});

Deno.test("a cache price that is not listed is the input's", () => {
  const known = { ...PRICES, promptPrice: 1, completionPrice: 10 };
  assertEquals(priceTokens(known, { ...TOKENS, cached: 1e6, written: 1e6 }), 13);
  const listed = { ...known, cacheReadPrice: 0.1, cacheWritePrice: 2 };
  assertEquals(priceTokens(listed, { ...TOKENS, cached: 1e6, written: 1e6 }), 13.1);
});

Deno.test("the highest prices of several models, of those that can be priced", () => {
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

Deno.test("means move towards what is new, and are bounded", () => {
  const means = new RunningMeans();
  means.learn("a", 10);
  means.learn("a", 20);
  assertEquals([means.find("a"), means.find("b")], [13, undefined]);
  for (let i = 0; i < 200; i++) means.learn(`m${i}`, 1);
  assertEquals(means.find("a"), undefined);
});
