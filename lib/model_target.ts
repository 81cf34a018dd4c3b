/**
 * Parses a target: upstream models, and the settings of requests that are sent to it.
 * `vendor/id,vendor/fallback;provider.sort=throughput;temperature=0.2`
 * @module
 */

import { ConfigError, invalid, type Setting, splitList } from "./config_parsers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { findClosest } from "./similar_text.ts";

/** Upstream models for one family of model names. */
export interface Target {
  /** Sent as `model`, then as OpenRouter's fallbacks. The word `auto` is resolved per request. */
  readonly models: readonly [string, ...string[]];
  /** Whether this is the built-in default: only that may be replaced when upstream rejects it. */
  readonly isDefault: boolean;
  /** Absent without any. */
  readonly settings?: TargetSettings;
}

/** The settings of a target, under OpenRouter's names. They override those of the request. */
export interface TargetSettings {
  /** Merged over OPENROUTER_PROVIDER. */
  readonly provider?: JsonObject;
  readonly service_tier?: string;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  /** The most that a request may ask for. */
  readonly max_tokens?: number;
  /** Not for requests that disable thinking. */
  readonly reasoning?: { readonly effort: (typeof EFFORTS)[number] };
}

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
const QUANTIZATIONS = [
  ...["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32"],
  "unknown",
];
const SLUG = /^[\w./-]+$/;

/** A setting: the values it allows, and the parser, which returns null for any other. */
interface Row {
  allowed: string;
  parse: (text: string) => TargetSettings | null;
}

const ROWS: ReadonlyMap<string, Row> = new Map([
  ["provider.sort", oneOf(["price", "throughput", "latency", "exacto"], inProvider("sort"))],
  ["provider.order", listOf(inProvider("order"))],
  ["provider.only", listOf(inProvider("only"))],
  ["provider.ignore", listOf(inProvider("ignore"))],
  ["provider.quantizations", listOf(inProvider("quantizations"), QUANTIZATIONS)],
  ["provider.data_collection", oneOf(["allow", "deny"], inProvider("data_collection"))],
  ["provider.zdr", boolean(inProvider("zdr"))],
  ["provider.allow_fallbacks", boolean(inProvider("allow_fallbacks"))],
  ["provider.require_parameters", boolean(inProvider("require_parameters"))],
  ["provider.max_price.prompt", number({ to: 1e6 }, (prompt) => inMaxPrice({ prompt }))],
  [
    "provider.max_price.completion",
    number({ to: 1e6 }, (completion) => inMaxPrice({ completion })),
  ],
  [
    "service_tier",
    oneOf(
      ["auto", "default", "flex", "priority", "scale", "fast"],
      (service_tier) => ({ service_tier }),
    ),
  ],
  ["temperature", number({ to: 2 }, (temperature) => ({ temperature }))],
  ["top_p", number({ to: 1 }, (top_p) => ({ top_p }))],
  ["top_k", number({ to: 1000, isWhole: true }, (top_k) => ({ top_k }))],
  ["max_tokens", number({ from: 1, to: 1e6, isWhole: true }, (max_tokens) => ({ max_tokens }))],
  ["reasoning.effort", oneOf(EFFORTS, (effort) => ({ reasoning: { effort } }))],
]);

/** The names of all settings. */
export const TARGET_SETTINGS: readonly string[] = [...ROWS.keys()];

/** @throws {ConfigError} for an invalid id, or a setting that does not exist or has another value */
export function parseTarget(setting: Setting): Target {
  const { name, isDefault } = setting;
  const [list = "", ...parts] = setting.text.split(";");
  const [first, ...rest] = splitList(list);
  const isUsable = first !== undefined && !/[\s"'\\]/.test([first, ...rest].join("")) &&
    !rest.includes("auto");
  if (!isUsable) {
    throw invalid(setting, "one model id, `auto`, or ids separated by commas");
  }
  const models = [first, ...rest] as const;
  const settings = parseSettings(name, parts.map((part) => part.trim()).filter(Boolean));
  return settings === null ? { models, isDefault } : { models, isDefault, settings };
}

function parseSettings(variable: string, parts: readonly string[]): TargetSettings | null {
  const seen = new Set<string>();
  let settings: TargetSettings | null = null;
  for (const part of parts) {
    const [key = "", ...values] = part.split("=").map((one) => one.trim());
    const row = ROWS.get(key);
    if (row === undefined) throw unknownSetting(variable, key);
    if (seen.has(key)) throw new ConfigError(`${variable} sets ${key} twice`);
    seen.add(key);
    const parsed = row.parse(values.join("="));
    if (parsed === null) throw invalid({ name: variable, text: part }, `${key}=${row.allowed}`);
    settings = mergeSettings(settings ?? {}, parsed);
  }
  return settings;
}

function unknownSetting(variable: string, key: string): ConfigError {
  const shown = JSON.stringify(key.slice(0, 40));
  return new ConfigError(
    `${variable} has no setting ${shown}; the closest is ${
      findClosest(key, TARGET_SETTINGS).closest
    }. ` +
      `There are: ${TARGET_SETTINGS.join(", ")}`,
  );
}

function mergeSettings(base: TargetSettings, more: TargetSettings): TargetSettings {
  const provider = mergeProvider(base.provider, more.provider);
  return { ...base, ...more, ...(provider !== null && { provider }) };
}

/** The preferences of both, key by key, also inside `max_price`; null without any. The second takes precedence. */
export function mergeProvider(
  base: Readonly<JsonObject> | null | undefined,
  more: Readonly<JsonObject> | undefined,
): Readonly<JsonObject> | null {
  if (!base || !more) return more ?? base ?? null;
  const [a, b] = [base["max_price"], more["max_price"]];
  const merged = { ...base, ...more };
  return isJsonObject(a) && isJsonObject(b) ? { ...merged, max_price: { ...a, ...b } } : merged;
}

/** The settings as `name=value`, in the order in which they were given. */
export function listSettings(settings: TargetSettings = {}): string[] {
  return flatten("", { ...settings });
}

function flatten(prefix: string, settings: JsonObject): string[] {
  return Object.entries(settings).flatMap(([key, value]) =>
    isJsonObject(value) ? flatten(`${prefix}${key}.`, value) : `${prefix}${key}=${value}`
  );
}

/** Settings that servers other than OpenRouter know. */
export function toOpenAiSettings(settings: TargetSettings): TargetSettings {
  const { provider: _, service_tier: __, top_k: ___, ...rest } = settings;
  return rest;
}

function inProvider(key: string): (value: unknown) => TargetSettings {
  return (value) => ({ provider: { [key]: value } });
}

function inMaxPrice(max_price: JsonObject): TargetSettings {
  return { provider: { max_price } };
}

function oneOf<T extends string>(words: readonly T[], build: (word: T) => TargetSettings): Row {
  return {
    allowed: words.join(" or "),
    parse: (text) => {
      const word = words.find((one) => one === text);
      return word === undefined ? null : build(word);
    },
  };
}

function boolean(build: (value: boolean) => TargetSettings): Row {
  return oneOf(["true", "false"], (word) => build(word === "true"));
}

function listOf(build: (list: string[]) => TargetSettings, words?: readonly string[]): Row {
  return {
    allowed: words === undefined ? "slugs separated by commas" : `some of ${words.join(",")}`,
    parse: (text) => {
      const list = splitList(text);
      const isValid = list.every((one) =>
        words === undefined ? SLUG.test(one) : words.includes(one)
      );
      return isValid && list.length > 0 ? build(list) : null;
    },
  };
}

function number(
  { from = 0, to, isWhole = false }: { from?: number; to: number; isWhole?: boolean },
  build: (value: number) => TargetSettings,
): Row {
  return {
    allowed: `${isWhole ? "a whole number" : "a number"} from ${from} to ${to}`,
    parse: (text) => {
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
      const fits = value >= from && value <= to && (!isWhole || Number.isInteger(value));
      return fits ? build(value) : null;
    },
  };
}
