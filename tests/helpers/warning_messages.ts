/**
 * Warnings that are put together from parts, made by the situations in which the program shows them.
 * @module
 */

import { checkUpstream } from "../../lib/cli/check/upstream.ts";
import { buildModels } from "../../lib/cli/claude/model_settings.ts";
import { describeSavedModel } from "../../lib/cli/claude/saved_model.ts";
import { readEnvFile } from "../../lib/cli/env_file.ts";
import { mergeSources } from "../../lib/cli/environment.ts";
import { findWarnings } from "../../lib/cli/startup_message.ts";
import { describeUnknown } from "../../lib/cli/unknown_variables.ts";
import { loadConfig } from "../../lib/config.ts";
import { createCatalogModel } from "./catalog_model.ts";

const KEY = "sk-or-v1-0123456789abcdef";
const MODELS = { OPUS: "a/b", BIG: "a/b", SMALL: "a/b", DEFAULT: "a/b" };
const TARGETS = Object.fromEntries(
  Object.entries(MODELS).map(([name, value]) => [`TARGET_MODEL_${name}`, value]),
);

function warningsOf(env: Record<string, string>): string[] {
  return findWarnings(loadConfig((name) => env[name]));
}

function readPublicFile(): string[] {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, `OPENROUTER_API_KEY=${KEY}\n`);
    // Windows has no such permissions, and therefore no warning.
    if (Deno.build.os === "windows") {
      return [`${path} contains a key and other users of this machine can read it: x`];
    }
    Deno.chmodSync(path, 0o644);
    return readEnvFile({ option: { path, mayBeMissing: false }, readsFolder: false }).notes;
  } finally {
    Deno.removeSync(path);
  }
}

function describeUpstream(isReachable: boolean): string {
  const models = { status: "rejected", reason: new Error("x") } as const;
  const key = isReachable ? { status: "fulfilled", value: {} } as const : null;
  return checkUpstream({ models, key }, loadConfig(() => undefined)).message;
}

/** Situation → the warnings. */
export const WARNINGS: Readonly<Record<string, () => readonly (string | null)[]>> = {
  "no key": () => warningsOf({}),
  "no key for another server": () => warningsOf({ OPENROUTER_BASE_URL: "http://localhost:1/v1" }),
  "no key for OpenRouter as an OpenAI server": () =>
    warningsOf({ ...TARGETS, UPSTREAM_DIALECT: "openai" }),
  "a key of Anthropic": () => warningsOf({ ...TARGETS, OPENROUTER_API_KEY: "sk-ant-0123456789" }),
  "another key": () => warningsOf({ ...TARGETS, OPENROUTER_API_KEY: "0123456789abcdef" }),
  "default models": () => warningsOf({ OPENROUTER_API_KEY: KEY }),
  "default models of another server": () =>
    warningsOf({ UPSTREAM_DIALECT: "openai", OPENROUTER_BASE_URL: "http://localhost:1/v1" }),
  "settings that are not sent": () =>
    warningsOf({
      ...TARGETS,
      UPSTREAM_DIALECT: "openai",
      OPENROUTER_BASE_URL: "http://localhost:1/v1",
      TARGET_MODEL_BIG: "a/b;provider.sort=price",
    }),
  "a list with Claude and another model": () =>
    warningsOf({
      ...TARGETS,
      OPENROUTER_API_KEY: KEY,
      UPSTREAM_DIALECT: "auto",
      TARGET_MODEL_BIG: "a/b,anthropic/claude-sonnet-5",
    }),
  "a short key": () => warningsOf({ ...TARGETS, OPENROUTER_API_KEY: KEY, PROXY_API_KEYS: "short" }),
  "an address without TLS": () =>
    warningsOf({
      ...TARGETS,
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: "http://other.test/v1",
    }),
  "a limit without a key": () => warningsOf({ ...TARGETS, MAX_COST_USD: "5" }),
  "a limit for another server": () =>
    warningsOf({
      ...TARGETS,
      OPENROUTER_API_KEY: KEY,
      OPENROUTER_BASE_URL: "http://localhost:1/v1",
      MAX_COST_USD: "5",
    }),
  "a setting of the file that is ignored": () =>
    mergeSources((name) => name === "OPENROUTER_API_KEY" ? KEY : undefined, {
      name: ".env",
      values: { HOST: "::" },
      notes: [],
    }).notes,
  "an unknown variable": () => [describeUnknown(["INSPEC"], ".env")],
  "a model that is saved": () => [describeSavedModel({}, { model: "a/b" })],
  "a model without a context length": () => {
    const { targets } = loadConfig((name) => TARGETS[name]);
    return buildModels(targets, { find: () => undefined, models: [] }).notes;
  },
  "a model with a small context": () => {
    const { targets } = loadConfig((name) =>
      name === "TARGET_MODEL_BIG" ? "a/b,c/d" : TARGETS[name]
    );
    const model = createCatalogModel({ id: "a/b", contextLength: 8000 });
    return buildModels(targets, { find: () => model, models: [model] }).notes;
  },
  "a file with a key that others can read": () => readPublicFile(),
  "an upstream that cannot be reached": () => [describeUpstream(false)],
  "an upstream without a model list": () => [describeUpstream(true)],
};
