/** The model catalog: lookup, invalid lists, refetching, suggestions. @module */

import { assertEquals } from "@std/assert";
import { Catalog, type CatalogModel } from "../../lib/openrouter/catalog.ts";
import { call, createProxy, get } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

const IDS = ["a/x", "a/x:free", "a/y", "~a/newest", "a/z:thinking", "qwen3:8b"];

async function load(ids: readonly string[]): Promise<Catalog> {
  const data = ids.map((id) => ({ id, context_length: 1000 }));
  const catalog = new Catalog({ fetchModels: () => Promise.resolve({ data }), now: () => 0 });
  await catalog.list(1000);
  return catalog;
}

/** Requested id → found entry. */
const LOOKUPS: readonly (readonly [string, string | undefined])[] = [
  ["a/x", "a/x"],
  ["a/x:free", "a/x:free"],
  ...["nitro", "floor", "online", "exacto", "thinking", "extended", "beta", "batch"].map((suffix) =>
    [`a/x:${suffix}`, "a/x"] as const
  ),
  ["a/y:free", "a/y"],
  ["a/x:free:online", "a/x:free"],
  ["a/x:nitro:online", "a/x"],
  ["a/y:free:nitro", "a/y"],
  ["a/z:thinking", "a/z:thinking"],
  ["a/z:thinking:nitro", "a/z:thinking"],
  ["a/x@preset/mine", "a/x"],
  ["a/x:free@preset/mine", "a/x:free"],
  ["a/y:nitro@preset/mine", "a/y"],
  ["~a/newest", "~a/newest"],
  ["~a/newest:nitro", "~a/newest"],
  ["~a/x", "a/x"],
  ["qwen3:8b", "qwen3:8b"],
  ["a/x:8b", undefined],
  ["a/x:freely", undefined],
  ["a/nitro", undefined],
  ["a/z", undefined],
  ["@preset/mine", undefined],
  ["", undefined],
];

for (const [id, found] of LOOKUPS) {
  Deno.test(`Catalog.find finds ${found ?? "nothing"} for ${id || "an empty id"}`, async () => {
    assertEquals((await load(IDS)).find(id)?.id, found);
  });
}

Deno.test("Catalog.find takes less than a second for long ids", async () => {
  const catalog = await load(IDS);
  const started = performance.now();
  for (const part of [":nitro", "@preset/", ":free", "~", ":"]) catalog.find(part.repeat(100_000));
  assertEquals(performance.now() - started < 1000, true);
});

// --- invalid, long and missing lists ---

/** Invalid entries → the resulting model. */
const INVALID_ENTRIES:
  readonly (readonly [string, Record<string, unknown>, Partial<CatalogModel>])[] = [
    ["a date in microseconds", { created: 1_700_000_000_000_000 }, { created: 0 }],
    ["a date that is too large", { created: 1e300 }, { created: 0 }],
    ["a date as a string", { created: "2026-01-01" }, { created: 0 }],
    ["a context window that is too large", { context_length: 1e300 }, { contextLength: undefined }],
    ["a price that is too high", { pricing: { prompt: "1e999" } }, { promptPrice: undefined }],
    ["a name that is an object", { name: {} }, { name: "a/x" }],
    ["a name of 1,000,000 characters", { name: "n".repeat(1e6) }, { name: "n".repeat(256) }],
  ];

for (const [about, entry, expected] of INVALID_ENTRIES) {
  Deno.test(`an entry of the model list with ${about} does not affect the others`, async () => {
    const data = [{ id: "a/x", ...entry }, { id: "a/y", created: 1_700_000_000 }, null, { id: 7 }, {
      id: "i".repeat(257),
    }];
    await using upstream = startUpstream(() => new Response(), {
      models: () => new Response(JSON.stringify({ data })),
    });
    const { handler, services } = createProxy({ upstream });
    const list = await call(handler, get("/v1/models?limit=1000"));
    assertEquals(list.status, 200);
    const ids = (await list.json()).data.map(({ id }: { id: string }) => id);
    assertEquals(ids.slice(4), ["a/y", "a/x"]);
    for (const id of ["a/x", "a/y"]) {
      const one = await call(handler, get(`/v1/models/${id}`));
      await one.text();
      assertEquals(one.status, 200);
    }
    assertEquals({ ...services.catalog.find("a/x"), ...expected }, services.catalog.find("a/x"));
  });
}

Deno.test("Catalog.list retries a failed fetch once in five seconds", async () => {
  let now = 0;
  let fetches = 0;
  const fetchModels = () => {
    fetches++;
    return Promise.reject(new Error("down"));
  };
  const catalog = new Catalog({ fetchModels, now: () => now });
  for (let i = 0; i < 20; i++) assertEquals(await catalog.list(1000), []);
  assertEquals(fetches, 1);
  now += 5000;
  for (let i = 0; i < 20; i++) await catalog.list(1000);
  assertEquals(fetches, 2);
});

Deno.test("Catalog keeps the first 20,000 models of a long list, and suggests ids quickly", async () => {
  const ids = Array.from({ length: 100_000 }, (_, i) => `vendor-${i % 97}/model-${i}-instruct`);
  const catalog = await load(ids);
  assertEquals((await catalog.list(0)).length, 20_000);
  assertEquals(catalog.suggestModels("vendor-7/model-7-instruct")[0], "vendor-7/model-7-instruct");
  const started = performance.now();
  for (let i = 0; i < 10; i++) catalog.suggestModels(`vendor-7/model-${i}-instrukt`);
  // About 10 ms each; 300 ms each without an index.
  assertEquals(performance.now() - started < 1000, true);
});

Deno.test("Catalog.suggestModels finds the ids with most trigrams in common, in any order", async () => {
  const catalog = await load(["z-ai/glm-5", "openai/gpt-6", "openai/gpt-6-mini", "openai/gpt-5"]);
  assertEquals(catalog.suggestModels("openai/gpt6"), [
    "openai/gpt-6",
    "openai/gpt-5",
    "openai/gpt-6-mini",
  ]);
  assertEquals(catalog.suggestModels("OPENAI/GPT-6")[0], "openai/gpt-6");
  assertEquals(catalog.suggestModels("nothing like it"), []);
  assertEquals(catalog.suggestModels(""), []);
  assertEquals(catalog.suggestModels(`openai/gpt-6${"x".repeat(1e7)}`)[0], "openai/gpt-6");
});
