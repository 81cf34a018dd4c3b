/** The bounded cache whose callers share loads: lib/shared_cache.ts. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { type Load, SharedCache } from "../lib/shared_cache.ts";

const FOREVER = new AbortController().signal;

function createCache(limits: { maxEntries?: number; maxSize?: number } = {}) {
  const clock = { now: 0 };
  const options = { maxEntries: 3, maxSize: 100, ...limits, now: () => clock.now };
  return { cache: new SharedCache<string>(options), clock };
}

/** A load that returns its value at once, and counts. */
function createLoad(value: string, { size = 1, keepMs = Infinity } = {}) {
  const counts = { loads: 0 };
  const load: Load<string> = () => {
    counts.loads++;
    return Promise.resolve({ value, size, keepMs });
  };
  return { counts, load };
}

Deno.test("a value is loaded once", async () => {
  const { cache } = createCache();
  const { load, counts } = createLoad("v");
  assertEquals(await cache.get("k", FOREVER, load), "v");
  assertEquals(await cache.get("k", FOREVER, load), "v");
  assertEquals([counts.loads, cache.size], [1, 1]);
});

Deno.test("a value is loaded again after its time, and one with no time only serves those who wait", async () => {
  const { cache, clock } = createCache();
  const timed = createLoad("v", { keepMs: 10 });
  await cache.get("k", FOREVER, timed.load);
  clock.now = 9;
  await cache.get("k", FOREVER, timed.load);
  assertEquals(timed.counts.loads, 1);
  clock.now = 10;
  await cache.get("k", FOREVER, timed.load);
  assertEquals([timed.counts.loads, cache.size], [2, 1]);
  const passing = createLoad("p", { keepMs: 0 });
  await Promise.all([1, 2].map(() => cache.get("p", FOREVER, passing.load)));
  assertEquals(passing.counts.loads, 1);
  await cache.get("p", FOREVER, passing.load);
  assertEquals([passing.counts.loads, cache.size], [2, 1]);
});

Deno.test("the entry that was not used for the longest time is dropped", async () => {
  const { cache } = createCache({ maxEntries: 2 });
  const loads = ["a", "b", "c"].map((key) => ({ key, ...createLoad(key) }));
  const [a, b, c] = loads;
  for (const one of [a, b, a, c, a, b]) await cache.get(one?.key ?? "", FOREVER, one?.load ?? fail);
  assertEquals(loads.map(({ counts }) => counts.loads), [1, 2, 1]);
  assertEquals(cache.size, 2);
});

const fail: Load<string> = () => Promise.reject(new Error("no load"));

Deno.test("the sizes together stay below the maximum", async () => {
  const { cache } = createCache({ maxSize: 10 });
  await cache.get("a", FOREVER, createLoad("a", { size: 6 }).load);
  await cache.get("b", FOREVER, createLoad("b", { size: 5 }).load);
  assertEquals(cache.size, 5);
  await cache.get("huge", FOREVER, createLoad("huge", { size: 11 }).load);
  assertEquals(cache.size, 5);
});

Deno.test("a load that fails is not kept", async () => {
  const { cache } = createCache();
  await assertRejects(() => cache.get("k", FOREVER, fail), Error, "no load");
  assertEquals(await cache.get("k", FOREVER, createLoad("v").load), "v");
});

Deno.test("a load is aborted when the last caller leaves, with its reason", async () => {
  const { cache } = createCache();
  const loads: AbortSignal[] = [];
  const load: Load<string> = (signal) => {
    loads.push(signal);
    return new Promise(() => {});
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const results = [first, second].map(({ signal }) => cache.get("k", signal, load));
  first.abort(new Error("first"));
  await assertRejects(() => results[0] ?? Promise.resolve(), Error, "first");
  assertEquals([loads.length, loads[0]?.aborted], [1, false]);
  second.abort(new Error("second"));
  await assertRejects(() => results[1] ?? Promise.resolve(), Error, "second");
  assertEquals(loads[0]?.reason.message, "second");
  // The next caller must not wait for the aborted load.
  assertEquals(await cache.get("k", FOREVER, createLoad("v").load), "v");
});

Deno.test("after an abort a kept value is still returned, but nothing is loaded", async () => {
  const { cache } = createCache();
  const { load, counts } = createLoad("v");
  await cache.get("k", FOREVER, load);
  const signal = AbortSignal.abort(new Error("left"));
  assertEquals(await cache.get("k", signal, load), "v");
  await assertRejects(() => cache.get("other", signal, load), Error, "left");
  assertEquals(counts.loads, 1);
});
