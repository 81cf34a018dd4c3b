/** Looking a model up in the catalog: lib/openrouter/catalog.ts. @module */

import { assertEquals } from "@std/assert";
import { Catalog } from "../lib/openrouter/catalog.ts";

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
