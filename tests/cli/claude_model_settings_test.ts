/**
 * The launcher's model settings for Claude Code, without starting it: names, context lengths and warnings.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildModels } from "../../lib/cli/claude/model_settings.ts";
import { loadConfig } from "../../lib/config.ts";
import { resolveModel, UnavailableDefaults } from "../../lib/openrouter/model_mapping.ts";
import { createCatalogModel } from "../helpers/catalog_model.ts";

const OPUS = "ANTHROPIC_DEFAULT_OPUS_MODEL";
const SONNET = "ANTHROPIC_DEFAULT_SONNET_MODEL";
const HAIKU = "ANTHROPIC_DEFAULT_HAIKU_MODEL";
const FABLE = "ANTHROPIC_DEFAULT_FABLE_MODEL";
const CLASSIFIER = "CLAUDE_CODE_AUTO_MODE_MODEL";
const SERVER_CLASSIFIER = "CLAUDE_CODE_AUTO_MODE_SERVER";
const SMALL_WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS";
const DEFAULT_SONNET = "anthropic/claude-sonnet-4-20250514";

const SIZES: Record<string, number> = {
  "z-ai/glm-5": 202_752,
  "openai/gpt-5": 400_000,
  "vendor/huge": 2_000_000,
  "vendor/small": 65_536,
  "vendor/tiny": 32_768,
  "anthropic/claude-haiku-4.5": 200_000,
  "anthropic/claude-opus-5.5": 1_000_000,
  "local-model": 131_072,
};

/** Builds the settings; targets that are not given are `auto`. */
function build(env: Record<string, string>, sizes = SIZES) {
  const all: Record<string, string> = {
    TARGET_MODEL_OPUS: "auto",
    TARGET_MODEL_BIG: "auto",
    TARGET_MODEL_SMALL: "auto",
    TARGET_MODEL_DEFAULT: "auto",
    ...env,
  };
  const { targets } = loadConfig((name) => all[name]);
  const models = Object.entries(sizes).map(([id, contextLength]) =>
    createCatalogModel({ id, contextLength })
  );
  const known = {
    models,
    find: (id: string) => models.find((model) => model.id === id),
    suggestModels: (id: string) => Object.keys(sizes).filter((one) => one[0] === id[0]),
  };
  return { targets, ...buildModels(targets, known) };
}

/** The variables with a value, without labels. */
function namesOf({ env }: { env: Record<string, string> }): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env)
      .filter(([name, value]) => value !== "" && !/_(NAME|DESCRIPTION)$/.test(name)),
  );
}

/** The windows: of one id, or `default`. */
function windowOf({ settings }: ReturnType<typeof build>, id: string): unknown {
  const { autoCompactWindow, modelSettings = {} } = settings as {
    autoCompactWindow?: number;
    modelSettings?: Record<string, { autoCompactWindow: number }>;
  };
  return id === "default" ? autoCompactWindow : modelSettings[id]?.autoCompactWindow;
}

const MODELS: {
  name: string;
  env: Record<string, string>;
  expected: Record<string, string>;
  windows: Record<string, number | undefined>;
}[] = [
  {
    name: "gives each target its own window, and the smallest to versions with only one",
    env: {
      TARGET_MODEL_OPUS: "openai/gpt-5",
      TARGET_MODEL_BIG: "z-ai/glm-5",
      TARGET_MODEL_SMALL: "vendor/huge",
      TARGET_MODEL_DEFAULT: "openai/gpt-5",
    },
    expected: {
      [OPUS]: "openai/gpt-5[1m]",
      [SONNET]: "z-ai/glm-5[1m]",
      [HAIKU]: "vendor/huge[1m]",
      [CLASSIFIER]: "vendor/huge[1m]",
      [FABLE]: "openai/gpt-5[1m]",
    },
    windows: {
      "openai/gpt-5": 400_000,
      "z-ai/glm-5": 202_752,
      "vendor/huge": 1_000_000,
      default: 202_752,
    },
  },
  {
    name: "gives models that are no targets their own windows",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5" },
    expected: { [OPUS]: "z-ai/glm-5[1m]" },
    windows: { "openai/gpt-5": 400_000, "vendor/small": 100_000, default: 202_752 },
  },
  {
    name: "limits the context instead of the window below Claude Code's minimum",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_SMALL: "vendor/small" },
    expected: {
      [OPUS]: "z-ai/glm-5[1m]",
      [HAIKU]: "vendor/small",
      [CLASSIFIER]: "vendor/small",
      [SMALL_WINDOW]: "65536",
    },
    windows: { "z-ai/glm-5": 202_752, "vendor/small": 100_000, default: 202_752 },
  },
  {
    name: "limits the context to the smallest of several small targets",
    env: { TARGET_MODEL_BIG: "vendor/tiny", TARGET_MODEL_SMALL: "vendor/small" },
    expected: {
      [SONNET]: "vendor/tiny",
      [HAIKU]: "vendor/small",
      [CLASSIFIER]: "vendor/small",
      [SMALL_WINDOW]: "32768",
    },
    windows: { default: 200_000 },
  },
  {
    name: "disables the suffix if the default model of Claude Code is small",
    env: { TARGET_MODEL_OPUS: "vendor/small", TARGET_MODEL_BIG: "openai/gpt-5" },
    expected: {
      [OPUS]: "vendor/small",
      [SONNET]: "openai/gpt-5",
      [SMALL_WINDOW]: "65536",
      CLAUDE_CODE_DISABLE_1M_CONTEXT: "1",
    },
    windows: { default: 400_000 },
  },
  { name: "keeps the names of a family with auto", env: {}, expected: {}, windows: {} },
  {
    name: "keeps the names of a family whose default is not in the catalog",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_BIG: DEFAULT_SONNET },
    expected: { [OPUS]: "z-ai/glm-5[1m]" },
    windows: { default: 202_752 },
  },
  {
    name: "assumes 200,000 tokens if a context length is unknown",
    env: { TARGET_MODEL_OPUS: "openai/gpt-5", TARGET_MODEL_BIG: "zed/unheard-of" },
    expected: { [OPUS]: "openai/gpt-5[1m]", [SONNET]: "zed/unheard-of[1m]" },
    windows: { "zed/unheard-of": 200_000, "openai/gpt-5": 400_000, default: 200_000 },
  },
  {
    name: "uses a mapped name for a list, and the smallest of its context lengths",
    env: { TARGET_MODEL_BIG: "openai/gpt-5,z-ai/glm-5" },
    expected: { [SONNET]: "claude-sonnet[1m]" },
    windows: { "claude-sonnet": 202_752, "openai/gpt-5": 400_000, default: 202_752 },
  },
  {
    name: "uses a mapped name for a target with settings, which its id would not have",
    env: { TARGET_MODEL_BIG: "z-ai/glm-5;temperature=0.2" },
    expected: { [SONNET]: "claude-sonnet[1m]" },
    windows: { "claude-sonnet": 202_752, default: 202_752 },
  },
  {
    name: "uses a mapped name for an id without a slash",
    env: { TARGET_MODEL_SMALL: "local-model" },
    expected: { [HAIKU]: "claude-haiku", [CLASSIFIER]: "claude-haiku" },
    windows: { "claude-haiku": 131_072, default: 131_072 },
  },
  {
    name: "adds the suffix to Claude models with more than 200,000 tokens only",
    env: {
      TARGET_MODEL_OPUS: "anthropic/claude-opus-5.5",
      TARGET_MODEL_SMALL: "anthropic/claude-haiku-4.5",
    },
    expected: {
      [OPUS]: "anthropic/claude-opus-5.5[1m]",
      [HAIKU]: "anthropic/claude-haiku-4.5",
      [CLASSIFIER]: "anthropic/claude-haiku-4.5",
    },
    windows: {
      "anthropic/claude-opus-5.5": 1_000_000,
      "anthropic/claude-haiku-4.5": 200_000,
      default: 200_000,
    },
  },
  {
    name: "gives the classifier a mapped name if the haiku default is not in the catalog",
    env: { TARGET_MODEL_OPUS: "z-ai/glm-5", TARGET_MODEL_SMALL: DEFAULT_SONNET },
    expected: { [OPUS]: "z-ai/glm-5[1m]", [CLASSIFIER]: "claude-haiku" },
    windows: { default: 202_752 },
  },
];

for (const { name, env, expected, windows } of MODELS) {
  Deno.test(`buildModels ${name}`, () => {
    const built = build(env);
    assertEquals(namesOf(built), {
      [SERVER_CLASSIFIER]: "0",
      [CLASSIFIER]: "claude-haiku",
      ...expected,
    });
    for (const [id, window] of Object.entries(windows)) {
      assertEquals(windowOf(built, id), window, id);
    }
    if (Object.keys(windows).length === 0) assertEquals(built.settings, {});
    const names = {
      [OPUS]: "claude-opus-4-5",
      [SONNET]: "claude-sonnet-4-5",
      [HAIKU]: "claude-haiku-4-5",
      [FABLE]: "claude-fable-4-5",
      [CLASSIFIER]: "claude-haiku",
    };
    for (const [variable, name] of Object.entries(names)) {
      const id = built.env[variable];
      if (id === undefined) continue;
      const resolve = (model: string) =>
        resolveModel(model, built, new UnavailableDefaults()).models;
      assertEquals(resolve(id), resolve(name), `${id} has another target`);
    }
  });
}

Deno.test("buildModels blanks the variables that would override its windows", () => {
  const { env } = build({ TARGET_MODEL_OPUS: "z-ai/glm-5" });
  for (const name of ["AUTO_COMPACT_WINDOW", "MAX_CONTEXT_TOKENS", "DISABLE_1M_CONTEXT"]) {
    assertEquals(env[`CLAUDE_CODE_${name}`], "", name);
  }
  assertEquals(build({}).env["CLAUDE_CODE_AUTO_COMPACT_WINDOW"], undefined);
});

Deno.test("buildModels warns of a context length that cannot be set", () => {
  const built = build({ TARGET_MODEL_OPUS: "vendor/small,z-ai/glm-5" });
  assertEquals(built.env[OPUS], "claude-opus");
  assertEquals(built.env[SMALL_WINDOW], "");
  assertEquals([windowOf(built, "claude-opus"), windowOf(built, "default")], [100_000, 100_000]);
  assertEquals(built.notes.length, 1);
  assertStringIncludes(
    built.notes[0] ?? "",
    "vendor/small, z-ai/glm-5 has a context of 65,536 tokens",
  );
  assertStringIncludes(built.notes[0] ?? "", "100,000");
});

Deno.test("buildModels notes an unknown context length, and nothing otherwise", () => {
  const { notes } = build({ TARGET_MODEL_OPUS: "zed/unheard-of" });
  assertEquals(notes.length, 1);
  assertStringIncludes(
    notes[0] ?? "",
    "zed/unheard-of is unknown",
  );
  assertEquals(build({ TARGET_MODEL_OPUS: "z-ai/glm-5" }).notes, []);
  assertEquals(build({ TARGET_MODEL_OPUS: "vendor/small" }).notes, []);
});

Deno.test("buildModels gives Claude Code at most 1000 models", () => {
  const sizes = Object.fromEntries(
    Array.from({ length: 3000 }, (_, number) => [`vendor/model-${number}`, 128_000]),
  );
  const { settings } = build({ TARGET_MODEL_OPUS: "vendor/model-2999" }, sizes);
  const { modelSettings, modelPicker } = settings as {
    modelSettings: Record<string, unknown>;
    modelPicker: { options: unknown[] };
  };
  // One more for the target, and the three other families.
  assertEquals(Object.keys(modelSettings).length, 1001);
  assertEquals(modelPicker.options.length, 1004);
});
