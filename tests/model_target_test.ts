/** Targets with settings: their syntax, their errors, and how they are merged and shown. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ConfigError, loadConfig } from "../lib/config.ts";
import {
  listSettings,
  mergeProvider,
  parseTarget,
  TARGET_SETTINGS,
  toOpenAiSettings,
} from "../lib/model_target.ts";
import { isJsonObject } from "../lib/json.ts";

function parse(text: string) {
  return parseTarget({ name: "TARGET_MODEL_BIG", text, isDefault: false });
}

Deno.test("a target has settings after its models", () => {
  const text = "a/x, b/y ; provider.sort=throughput;service_tier=flex; temperature = 0.2;";
  assertEquals(parse(text), {
    models: ["a/x", "b/y"],
    isDefault: false,
    settings: {
      provider: { sort: "throughput" },
      service_tier: "flex",
      temperature: 0.2,
    },
  });
  assertEquals(parse("a/x;"), { models: ["a/x"], isDefault: false });
  assertEquals(parse("auto;top_k=5").models, ["auto"]);
});

/** Every setting with a valid value, and values that it does not allow. */
const SETTINGS: [name: string, value: string, parsed: unknown, invalid: string[]][] = [
  ["provider.sort", "exacto", "exacto", ["", "fast", "Price"]],
  ["provider.order", "anthropic,google-vertex/us-east5", [
    "anthropic",
    "google-vertex/us-east5",
  ], ["", ",", 'a,"b"', "a b"]],
  ["provider.only", "azure", ["azure"], [""]],
  ["provider.ignore", "a,b", ["a", "b"], ["{}"]],
  ["provider.quantizations", "fp8,bf16", ["fp8", "bf16"], ["fp8,fp7"]],
  ["provider.data_collection", "deny", "deny", ["no"]],
  ["provider.zdr", "true", true, ["1", "True"]],
  ["provider.allow_fallbacks", "false", false, ["no"]],
  ["provider.require_parameters", "true", true, ["yes"]],
  ["provider.max_price.prompt", "0.5", 0.5, ["-1", "cheap", "1e3"]],
  ["provider.max_price.completion", "3", 3, ["$3"]],
  ["service_tier", "flex", "flex", ["cheap"]],
  ["temperature", "2", 2, ["2.1", "-0.1", "hot", "NaN"]],
  ["top_p", "0.95", 0.95, ["1.1"]],
  ["top_k", "40", 40, ["1.5", "-1"]],
  ["max_tokens", "8000", 8000, ["0", "1.5", "9999999"]],
  ["reasoning.effort", "xhigh", "xhigh", ["none", "highest"]],
];

Deno.test("the table of settings is complete", () => {
  assertEquals(SETTINGS.map(([name]) => name), [...TARGET_SETTINGS]);
});

for (const [name, value, parsed, invalid] of SETTINGS) {
  Deno.test(`a target's ${name} is checked at the start`, () => {
    const { settings } = parse(`a/x;${name}=${value}`);
    const read = name.split(".").reduce(
      (at: unknown, key) => isJsonObject(at) ? at[key] : undefined,
      settings,
    );
    assertEquals(read, parsed);
    for (const wrong of invalid) {
      const error = assertThrows(() => parse(`a/x;${name}=${wrong}`), ConfigError);
      const shown = JSON.stringify(`${name}=${wrong}`);
      assertEquals(
        error.message.startsWith(`TARGET_MODEL_BIG=${shown} cannot be used: allowed is ${name}=`),
        true,
        error.message,
      );
    }
  });
}

const UNKNOWN: [key: string, closest: string][] = [
  ["provder.sort", "provider.sort"],
  ["sort", "provider.sort"],
  ["temprature", "temperature"],
  ["effort", "reasoning.effort"],
  ["Temperature", "temperature"],
  ["__proto__", "top_k"],
];

for (const [key, closest] of UNKNOWN) {
  Deno.test(`an unknown setting ${key} stops the start, with the closest name`, () => {
    const env = { TARGET_MODEL_OPUS: `a/x;${key}=1` };
    const error = assertThrows(
      () => loadConfig((name) => Object.hasOwn(env, name) ? env.TARGET_MODEL_OPUS : undefined),
      ConfigError,
    );
    assertMatch(error.message, /^TARGET_MODEL_OPUS has no setting "\w[\w.]*"; the closest is /);
    if (key !== "__proto__") {
      assertEquals(error.message.includes(`closest is ${closest}.`), true, error.message);
    }
    assertEquals(error.message.includes("There are: provider.sort, "), true);
  });
}

Deno.test("a setting that is set twice, or without a model, stops the start", () => {
  assertThrows(
    () => parse("a/x;top_p=1;top_p=1"),
    ConfigError,
    "TARGET_MODEL_BIG sets top_p twice",
  );
  assertThrows(() => parse(";top_p=1"), ConfigError, "allowed is one model id");
  assertThrows(() => parse("a/x;top_p"), ConfigError, "allowed is top_p=a number");
});

Deno.test("mergeProvider merges key by key, and prices inside max_price", () => {
  const base = { sort: "price", only: ["a"], max_price: { prompt: 1, image: 2 } };
  assertEquals(mergeProvider(base, { sort: "latency", max_price: { prompt: 3 } }), {
    sort: "latency",
    only: ["a"],
    max_price: { prompt: 3, image: 2 },
  });
  assertEquals(mergeProvider(null, { zdr: true }), { zdr: true });
  assertEquals(mergeProvider(base, undefined), base);
  assertEquals(mergeProvider(null, undefined), null);
  assertEquals(mergeProvider({ max_price: 1 }, { max_price: { prompt: 3 } }), {
    max_price: { prompt: 3 },
  });
});

Deno.test("listSettings shows settings as they are written", () => {
  const list = ["provider.order=a,b", "provider.max_price.prompt=1", "top_p=0.5"];
  assertEquals(listSettings(parse(`a/x;${list.join(";")}`).settings), list);
  assertEquals(listSettings(undefined), []);
});

Deno.test("toOpenAiSettings keeps what every server knows", () => {
  const { settings = {} } = parse(
    "a/x;provider.zdr=true;service_tier=flex;top_k=1;top_p=1;temperature=0;max_tokens=9;reasoning.effort=low",
  );
  assertEquals(toOpenAiSettings(settings), {
    top_p: 1,
    temperature: 0,
    max_tokens: 9,
    reasoning: { effort: "low" },
  });
});
