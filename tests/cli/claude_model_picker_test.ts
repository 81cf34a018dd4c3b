/**
 * The rows of Claude Code's `/model` as the launcher sets them, without starting it.
 */

import { assertEquals } from "@std/assert";
import { buildPicker, type PickerFamily } from "../../lib/cli/claude/model_picker.ts";
import { createCatalogModel } from "../helpers/catalog_model.ts";

const GLM = createCatalogModel({
  id: "z-ai/glm-5",
  name: "Z.AI: GLM 5",
  contextLength: 200_000,
  promptPrice: 0.6,
  completionPrice: 2.2,
});
const GPT = createCatalogModel({
  id: "openai/gpt-5",
  name: "OpenAI: GPT-5",
  contextLength: 400_000,
});
const SHARED = {
  find: (id: string) => [GPT, GLM].find((model) => model.id === id),
  toName: (id: string) => `${id}[1m]`,
};

function family(family: PickerFamily["family"], ...models: string[]): PickerFamily {
  return { family, name: `${models[0]}[1m]`, models };
}

Deno.test("buildPicker lists each target once under an alias, then the other models", () => {
  const { settings, env } = buildPicker({
    named: [family("opus", GLM.id), family("haiku", "local-model"), family("fable", GLM.id)],
    kept: ["sonnet"],
    models: [GPT, GLM],
    ...SHARED,
  });
  assertEquals(settings, {
    modelPicker: {
      options: [
        { model: "opus", label: "GLM 5", description: "200k · $0.60/2.20 · opus, fable" },
        { model: "haiku", label: "local-model", description: "haiku" },
        { model: "sonnet", label: "Sonnet", description: "The same Claude model on OpenRouter" },
        { model: "openai/gpt-5[1m]", label: "GPT-5", description: "400k" },
      ],
      replaceBuiltInOptions: true,
    },
  });
  assertEquals(env, {
    ANTHROPIC_DEFAULT_OPUS_MODEL_NAME: "GLM 5",
    ANTHROPIC_DEFAULT_OPUS_MODEL_DESCRIPTION: "200k · $0.60/2.20 · opus",
    ANTHROPIC_DEFAULT_HAIKU_MODEL_NAME: "local-model",
    ANTHROPIC_DEFAULT_HAIKU_MODEL_DESCRIPTION: "haiku",
    ANTHROPIC_DEFAULT_FABLE_MODEL_NAME: "GLM 5",
    ANTHROPIC_DEFAULT_FABLE_MODEL_DESCRIPTION: "200k · $0.60/2.20 · fable",
  });
});

Deno.test("buildPicker describes a list by its first model, and lists the others too", () => {
  const { settings, listed } = buildPicker({
    named: [family("sonnet", GPT.id, GLM.id)],
    kept: [],
    models: [GPT, GLM],
    ...SHARED,
  });
  assertEquals(settings["modelPicker"], {
    options: [
      { model: "sonnet", label: "GPT-5", description: "400k · else z-ai/glm-5 · sonnet" },
      { model: "z-ai/glm-5[1m]", label: "GLM 5", description: "200k · $0.60/2.20" },
    ],
    replaceBuiltInOptions: true,
  });
  assertEquals(
    [...listed],
    ["openai/gpt-5", "claude-via-openrouter/openai/gpt-5", "claude-sonnet"],
  );
});

Deno.test("buildPicker keeps Claude Code's rows without a catalog, and changes nothing without targets", () => {
  const options = { kept: [], models: [], ...SHARED };
  const { settings } = buildPicker({ ...options, named: [family("opus", GLM.id)] });
  assertEquals(settings["modelPicker"], {
    options: [{ model: "opus", label: "GLM 5", description: "200k · $0.60/2.20 · opus" }],
    replaceBuiltInOptions: false,
  });
  const none = buildPicker({ ...options, named: [], models: [GPT] });
  assertEquals(none, { env: {}, settings: {}, listed: new Set<string>() });
});

Deno.test("buildPicker removes control characters from names of the catalog", () => {
  const hostile = createCatalogModel({ id: "vendor/a", name: "A\x1b[31m\u202eB\n" });
  const { settings } = buildPicker({
    named: [family("opus", GLM.id)],
    kept: [],
    models: [hostile],
    ...SHARED,
  });
  const { options } = settings["modelPicker"] as { options: { label: string }[] };
  assertEquals(/[\p{Cc}\u202e]/u.test(options[1]?.label ?? "\n"), false);
});
