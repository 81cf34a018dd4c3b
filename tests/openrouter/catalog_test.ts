/** Looking a model up in the catalog: lib/openrouter/catalog.ts. @module */

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

/** An id that is asked for → the entry that answers. */
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
  Deno.test(`Catalog.find takes ${id || "nothing"} for ${found ?? "an unknown model"}`, async () => {
    assertEquals((await load(IDS)).find(id)?.id, found);
  });
}

Deno.test("Catalog.find reads a long id in no time", async () => {
  const catalog = await load(IDS);
  const started = performance.now();
  for (const part of [":nitro", "@preset/", ":free", "~", ":"]) catalog.find(part.repeat(100_000));
  assertEquals(performance.now() - started < 1000, true);
});

// --- odd, long and missing lists ---

/** Entries with a mistake → what is known of them. */
const ODD_ENTRIES: readonly (readonly [string, Record<string, unknown>, Partial<CatalogModel>])[] =
  [
    ["a date in microseconds", { created: 1_700_000_000_000_000 }, { created: 0 }],
    ["a date beyond all dates", { created: 1e300 }, { created: 0 }],
    ["a date as text", { created: "2026-01-01" }, { created: 0 }],
    ["a window beyond all windows", { context_length: 1e300 }, { contextLength: undefined }],
    ["a price beyond all prices", { pricing: { prompt: "1e999" } }, { promptPrice: undefined }],
    ["a name that is an object", { name: {} }, { name: "a/x" }],
    ["a name without end", { name: "n".repeat(1e6) }, { name: "n".repeat(256) }],
  ];

for (const [about, entry, facts] of ODD_ENTRIES) {
  Deno.test(`an entry of the model list with ${about} does not harm the others`, async () => {
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
    assertEquals({ ...services.catalog.find("a/x"), ...facts }, services.catalog.find("a/x"));
  });
}

Deno.test("a model list that cannot be had is asked for once in five seconds", async () => {
  let now = 0;
  let asked = 0;
  const fetchModels = () => {
    asked++;
    return Promise.reject(new Error("down"));
  };
  const catalog = new Catalog({ fetchModels, now: () => now });
  for (let i = 0; i < 20; i++) assertEquals(await catalog.list(1000), []);
  assertEquals(asked, 1);
  now += 5000;
  for (let i = 0; i < 20; i++) await catalog.list(1000);
  assertEquals(asked, 2);
});

Deno.test("of a model list without end the first 20,000 are taken, and a question is quick", async () => {
  const ids = Array.from({ length: 100_000 }, (_, i) => `vendor-${i % 97}/model-${i}-instruct`);
  const catalog = await load(ids);
  assertEquals((await catalog.list(0)).length, 20_000);
  assertEquals(catalog.suggestModels("vendor-7/model-7-instruct")[0], "vendor-7/model-7-instruct");
  const started = performance.now();
  for (let i = 0; i < 10; i++) catalog.suggestModels(`vendor-7/model-${i}-instrukt`);
  // Some 10 ms each; 300 ms each without an index.
  assertEquals(performance.now() - started < 1000, true);
});

Deno.test("the nearest ids are those with most trigrams in common, whatever their order", async () => {
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
