/** The model list: order, names and aliases; and the models of a request's fallbacks. */

import { assertEquals } from "@std/assert";
import { loadConfig } from "../../lib/config.ts";
import type { CatalogModel } from "../../lib/openrouter/catalog.ts";
import { resolveModel, toAlias, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";
import { listModels } from "../../lib/routes/models.ts";
import { createCatalogModel } from "../helpers/catalog_model.ts";
import { createProxy, post } from "../helpers/proxy.ts";
import { type Reply, startUpstream } from "../helpers/upstream.ts";

const model = (id: string, fields: Partial<CatalogModel> = {}): CatalogModel =>
  createCatalogModel({ id, ...fields });
const config = (env: Record<string, string> = {}) => loadConfig((name) => env[name]);

Deno.test("listModels puts tool-capable models before others, and adds aliases for them", () => {
  const models = [
    model("a/new-text", { toolCapable: false }),
    model("b/tools", { toolCapable: true }),
    model("anthropic/claude-opus-5", { toolCapable: true }),
    model("c/old", {}),
  ];
  const ids = listModels(models, config()).map(({ id }) => id);
  assertEquals(ids.slice(4), [
    "b/tools",
    "anthropic/claude-opus-5",
    "c/old",
    "a/new-text",
    "claude-via-openrouter/b/tools",
  ]);
});

Deno.test("resolveModel resolves an alias, with the suffix [1m] too", () => {
  for (const name of [toAlias("openai/gpt-6"), `${toAlias("openai/gpt-6")}[1m]`]) {
    const resolved = resolveModel(name, config(), new UnavailableDefaults());
    assertEquals(resolved, { models: ["openai/gpt-6"], fallback: null });
  }
});

Deno.test("listModels gives each family a name that resolveModel maps to its target", () => {
  const env = {
    TARGET_MODEL_OPUS: "a/opus",
    TARGET_MODEL_BIG: "a/big",
    TARGET_MODEL_SMALL: "a/small",
    TARGET_MODEL_FABLE: "a/tale",
  };
  const names = listModels([], config(env)).map(({ id }) => id);
  const found = names.map((name) =>
    resolveModel(name, config(env), new UnavailableDefaults()).models
  );
  assertEquals(found, [["a/opus"], ["a/big"], ["a/small"], ["a/tale"]]);
});

/** Catalog entry → display name. */
const NAMES: [Partial<CatalogModel>, string][] = [
  [
    { name: "Z.AI: GLM 5.2", contextLength: 200_000, promptPrice: 0.6, completionPrice: 2.2 },
    "GLM 5.2 · 200k · $0.60/2.20",
  ],
  [
    { name: "Gemini 3", contextLength: 1_048_576, promptPrice: 2, completionPrice: 12 },
    "Gemini 3 · 1M · $2.00/12.00",
  ],
  [
    { name: "Free one", contextLength: 32_768, promptPrice: 0, completionPrice: 0 },
    "Free one · 33k · free",
  ],
  [{ name: "Tiny", promptPrice: 0.004, completionPrice: 0.05 }, "Tiny · $0.004/0.05"],
  [{ name: "Router" }, "Router"],
];

for (const [fields, name] of NAMES) {
  Deno.test(`listModels shows a model as "${name}"`, () => {
    const shown = listModels([model("a/x", fields)], config()).find(({ id }) => id === "a/x");
    assertEquals(shown?.display_name, name);
  });
}

Deno.test("listModels shows the target of a family", () => {
  const models = [model("a/x", { name: "A: X", contextLength: 128_000 })];
  const [opus] = listModels(models, config({ TARGET_MODEL_OPUS: "a/x,b/y" }));
  assertEquals(opus?.display_name, "Opus → X · 128k");
  assertEquals(opus?.max_input_tokens, 128_000);
});

Deno.test("a request's fallbacks follow its own model, resolved like any name, each once", async () => {
  const reply: Reply = () =>
    Response.json({ choices: [{ message: { content: "x" }, finish_reason: "stop" }] });
  await using upstream = startUpstream(reply);
  const { handler } = createProxy({ upstream, env: { TARGET_MODEL_OPUS: "a/o,b/o" } });
  const fallbacks = [{ model: "claude-opus-4-8" }, { model: "z/y" }, { model: "a/x" }];
  const messages = [{ role: "user", content: "Hello" }];
  const body = { model: "a/x", max_tokens: 5, messages, fallbacks };
  const response = await handler(post(body), { transport: "unix" });
  await response.body?.cancel();
  const [sent] = upstream.requests;
  assertEquals([sent?.body["model"], sent?.body["models"]], ["a/x", ["a/o", "b/o", "z/y"]]);
});
