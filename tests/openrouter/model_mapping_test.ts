/** Which upstream model a name means. */

import { assertEquals } from "@std/assert";
import { ConfigError, loadConfig } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";

/** Targets that tell the families apart. */
const SET = {
  TARGET_MODEL_OPUS: "t/opus",
  TARGET_MODEL_BIG: "t/sonnet",
  TARGET_MODEL_SMALL: "t/haiku",
  TARGET_MODEL_FABLE: "t/fable",
  TARGET_MODEL_DEFAULT: "t/other",
};

const AUTO = Object.fromEntries(Object.keys(SET).map((name) => [name, "auto"]));

function resolve(name: string, env: Record<string, string> = {}, refused: string[] = []) {
  const remembered = new UnavailableDefaults();
  for (const model of refused) remembered.add(model);
  return resolveModel(name, loadConfig((variable) => env[variable]), remembered);
}

const BY_FAMILY: Record<string, string> = {
  "claude-opus-4-8": "t/opus",
  "opus": "t/opus",
  "OPUS": "t/opus",
  "claude-3-opus-latest": "t/opus",
  "claude-opus-4-8[1m]": "t/opus",
  "opus[1M]": "t/opus",
  "claude-sonnet-4-5-20250929": "t/sonnet",
  "Sonnet": "t/sonnet",
  "SONNET[1m]": "t/sonnet",
  "claude-3-5-haiku-20241022": "t/haiku",
  "HaIkU": "t/haiku",
  "claude-fable-5-2": "t/fable",
  "sonnet-like-opus": "t/opus",
  "haiku-of-sonnet": "t/sonnet",
  "gpt-4": "t/other",
  "anything": "t/other",
  "claude-mythos-1": "t/other",
};

for (const [name, target] of Object.entries(BY_FAMILY)) {
  Deno.test(`resolveModel sends ${name} to ${target}`, () => {
    assertEquals(resolve(name, SET), { models: [target], fallback: null });
  });
}

const AS_IT_IS: Record<string, string> = {
  "openai/gpt-5": "openai/gpt-5",
  "Anthropic/Claude-Opus-4.8": "Anthropic/Claude-Opus-4.8",
  "anthropic/claude-opus-4.8:beta": "anthropic/claude-opus-4.8:beta",
  "anthropic/claude-sonnet-4.5[1m]": "anthropic/claude-sonnet-4.5",
  "openai/gpt-5[1M]": "openai/gpt-5",
  "~anthropic/claude-opus-latest": "~anthropic/claude-opus-latest",
  "~opus": "~opus",
  "@preset/x": "@preset/x",
  "@preset/opus[1m]": "@preset/opus",
};

for (const [name, id] of Object.entries(AS_IT_IS)) {
  Deno.test(`resolveModel passes ${name} through, whatever the targets are`, () => {
    for (const env of [{}, SET, AUTO]) {
      assertEquals(resolve(name, env), { models: [id], fallback: null });
    }
  });
}

const BY_AUTO: Record<string, string> = {
  "claude-opus-4-8": "anthropic/claude-opus-4.8",
  "claude-opus-4-8[1m]": "anthropic/claude-opus-4.8",
  "Claude-Opus-4-8": "anthropic/claude-opus-4.8",
  "claude-sonnet-4-5-20250929": "anthropic/claude-sonnet-4.5",
  "claude-opus-4-20250514": "anthropic/claude-opus-4",
  "claude-opus-5": "anthropic/claude-opus-5",
  "claude-sonnet-5-5": "anthropic/claude-sonnet-5.5",
  "claude-fable-5-2": "anthropic/claude-fable-5.2",
  "claude-haiku-4-5": "anthropic/claude-haiku-4.5",
  "claude-3-5-sonnet-20241022": "anthropic/claude-3.5-sonnet",
  "claude-3-7-sonnet-latest": "anthropic/claude-3.7-sonnet",
  "claude-3-5-haiku-20241022": "anthropic/claude-3.5-haiku",
  "claude-3-opus-20240229": "anthropic/claude-3-opus",
  "claude-sonnet-latest": "~anthropic/claude-sonnet-latest",
  "opus": "~anthropic/claude-opus-latest",
  "sonnet": "~anthropic/claude-sonnet-latest",
  "haiku[1m]": "~anthropic/claude-haiku-latest",
  "fable": "~anthropic/claude-fable-latest",
  "my-opus-4-8": "~anthropic/claude-opus-latest",
  "anything": "~anthropic/claude-sonnet-latest",
};

for (const [name, id] of Object.entries(BY_AUTO)) {
  Deno.test(`resolveModel takes ${name} for ${id} where the target is auto`, () => {
    assertEquals(resolve(name, AUTO), { models: [id], fallback: null });
  });
}

Deno.test("resolveModel sends a list as it is, and replaces none of it", () => {
  const env = { TARGET_MODEL_OPUS: "a/x, b/y,c/z" };
  assertEquals(resolve("opus", env, ["a/x"]), {
    models: ["a/x", "b/y", "c/z"],
    fallback: null,
  });
});

Deno.test("resolveModel replaces no list that begins with a refused default", () => {
  const env = { TARGET_MODEL_OPUS: `${OPUS},b/y` };
  assertEquals(resolve("opus", env, [OPUS]), { models: [OPUS, "b/y"], fallback: null });
});

Deno.test("resolveModel never loses the fallbacks of a list that begins with auto", () => {
  const env = { TARGET_MODEL_OPUS: "auto,b/y" };
  let models: readonly string[];
  try {
    models = resolve("claude-opus-4-8", env).models;
  } catch (error) {
    // Refusing such a list at the start is as good.
    if (error instanceof ConfigError) return;
    throw error;
  }
  assertEquals(models, ["anthropic/claude-opus-4.8", "b/y"]);
});

Deno.test("resolveModel may replace a default, by the family asked for", () => {
  assertEquals(resolve("claude-opus-4-8"), {
    models: [OPUS],
    fallback: "anthropic/claude-opus-4.8",
  });
  assertEquals(resolve("claude-haiku-4-5"), {
    models: [SONNET],
    fallback: "anthropic/claude-haiku-4.5",
  });
});

Deno.test("resolveModel may replace a default by the family of the target where the name has none", () => {
  assertEquals(resolve("gpt-4"), {
    models: [SONNET],
    fallback: "~anthropic/claude-sonnet-latest",
  });
});

Deno.test("resolveModel asks the replacement of a refused default at once", () => {
  assertEquals(resolve("claude-opus-4-8", {}, [OPUS]), {
    models: ["anthropic/claude-opus-4.8"],
    fallback: null,
  });
  assertEquals(resolve("fable", {}, [SONNET]), {
    models: ["~anthropic/claude-fable-latest"],
    fallback: null,
  });
});

Deno.test("resolveModel keeps a target that the user set, refused or not", () => {
  const env = { TARGET_MODEL_DEFAULT: "t/other" };
  assertEquals(resolve("gpt-4", env, ["t/other"]), { models: ["t/other"], fallback: null });
});

Deno.test("RefusedDefaults says once that a refusal is news", () => {
  const refused = new UnavailableDefaults();
  assertEquals(refused.has(OPUS), false);
  assertEquals([refused.add(OPUS), refused.add(OPUS), refused.add(SONNET)], [true, false, true]);
  assertEquals([refused.has(OPUS), refused.has("a/x")], [true, false]);
});
