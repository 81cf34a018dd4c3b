/** Mapping of model names to upstream models. */

import { assertEquals } from "@std/assert";
import { ConfigError, loadConfig } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";

/** A different target for each family. */
const SET = {
  TARGET_MODEL_OPUS: "t/opus",
  TARGET_MODEL_BIG: "t/sonnet",
  TARGET_MODEL_SMALL: "t/haiku",
  TARGET_MODEL_FABLE: "t/fable",
  TARGET_MODEL_DEFAULT: "t/other",
};

const AUTO = Object.fromEntries(Object.keys(SET).map((name) => [name, "auto"]));

function resolve(name: string, env: Record<string, string> = {}, rejected: string[] = []) {
  const unavailable = new UnavailableDefaults();
  for (const model of rejected) unavailable.add(model);
  return resolveModel(name, loadConfig((variable) => env[variable]), unavailable);
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
  Deno.test(`resolveModel maps ${name} to ${target}`, () => {
    assertEquals(resolve(name, SET), { models: [target], fallback: null });
  });
}

const UNCHANGED: Record<string, string> = {
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

for (const [name, id] of Object.entries(UNCHANGED)) {
  Deno.test(`resolveModel keeps the id ${name} with any targets`, () => {
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
  Deno.test(`resolveModel maps ${name} to ${id} with the target auto`, () => {
    assertEquals(resolve(name, AUTO), { models: [id], fallback: null });
  });
}

Deno.test("resolveModel keeps a list unchanged", () => {
  const env = { TARGET_MODEL_OPUS: "a/x, b/y,c/z" };
  assertEquals(resolve("opus", env, ["a/x"]), {
    models: ["a/x", "b/y", "c/z"],
    fallback: null,
  });
});

Deno.test("resolveModel keeps a list that starts with a rejected default", () => {
  const env = { TARGET_MODEL_OPUS: `${OPUS},b/y` };
  assertEquals(resolve("opus", env, [OPUS]), { models: [OPUS, "b/y"], fallback: null });
});

Deno.test("resolveModel keeps the fallbacks of a list that starts with auto", () => {
  const env = { TARGET_MODEL_OPUS: "auto,b/y" };
  let models: readonly string[];
  try {
    models = resolve("claude-opus-4-8", env).models;
  } catch (error) {
    // Rejecting such a list at startup is valid too.
    if (error instanceof ConfigError) return;
    throw error;
  }
  assertEquals(models, ["anthropic/claude-opus-4.8", "b/y"]);
});

Deno.test("resolveModel has a fallback for a default, by the requested family", () => {
  assertEquals(resolve("claude-opus-4-8"), {
    models: [OPUS],
    fallback: "anthropic/claude-opus-4.8",
  });
  assertEquals(resolve("claude-haiku-4-5"), {
    models: [SONNET],
    fallback: "anthropic/claude-haiku-4.5",
  });
});

Deno.test("resolveModel has a fallback by the family of the target if the name has none", () => {
  assertEquals(resolve("gpt-4"), {
    models: [SONNET],
    fallback: "~anthropic/claude-sonnet-latest",
  });
});

Deno.test("resolveModel uses the fallback of a rejected default immediately", () => {
  assertEquals(resolve("claude-opus-4-8", {}, [OPUS]), {
    models: ["anthropic/claude-opus-4.8"],
    fallback: null,
  });
  assertEquals(resolve("fable", {}, [SONNET]), {
    models: ["~anthropic/claude-fable-latest"],
    fallback: null,
  });
});

Deno.test("resolveModel keeps a configured target even if it was rejected", () => {
  const env = { TARGET_MODEL_DEFAULT: "t/other" };
  assertEquals(resolve("gpt-4", env, ["t/other"]), { models: ["t/other"], fallback: null });
});

Deno.test("UnavailableDefaults.add returns true once per model", () => {
  const unavailable = new UnavailableDefaults();
  assertEquals(unavailable.has(OPUS), false);
  assertEquals([unavailable.add(OPUS), unavailable.add(OPUS), unavailable.add(SONNET)], [
    true,
    false,
    true,
  ]);
  assertEquals([unavailable.has(OPUS), unavailable.has("a/x")], [true, false]);
});
