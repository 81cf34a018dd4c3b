/**
 * Parsers for the values of environment variables. Each throws a {@linkcode ConfigError} that names the variable, its
 * value and the allowed values; secrets are not shown.
 * @module
 */

import { isJsonObject, parseJson } from "./json.ts";

/** The text of one variable: trimmed, the default if blank. */
export interface Setting {
  readonly name: string;
  readonly text: string;
  /** Whether the variable is blank or equal to its default. */
  readonly isDefault: boolean;
}

/** An invalid setting. The message is one line: variable, value, allowed values. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const MAX_SHOWN_CHARS = 80;
/** Longer than every known model id. */
const MAX_ID_CHARS = 256;

/** Null for a variable that is not set. */
export function optional<T>(parse: (setting: Setting) => T): (setting: Setting) => T | null {
  return (setting) => setting.isDefault ? null : parse(setting);
}

export function numberIn(
  range: { above: number; most: number; whole?: boolean },
): (setting: Setting) => number {
  return (setting) => {
    const value = /^\d+(\.\d+)?$/.test(setting.text) ? Number(setting.text) : NaN;
    const fits = value > range.above && value <= range.most &&
      (!range.whole || Number.isInteger(value));
    if (fits) return value;
    const kind = range.whole ? "a whole number" : "a number";
    const least = range.above < 0 ? "from 0" : "above 0";
    throw invalid(setting, `${kind} ${least} up to ${range.most}`);
  };
}

export function oneOf<T extends string>(...allowed: readonly T[]): (setting: Setting) => T {
  return (setting) => {
    const value = allowed.find((item) => item === setting.text.toLowerCase());
    if (value === undefined) throw invalid(setting, allowed.join(", "));
    return value;
  };
}

/** Also in words that users try. */
export function flag(setting: Setting): boolean {
  const text = setting.text.toLowerCase();
  if (/^(1|true|yes|on)$/.test(text)) return true;
  if (/^(0|false|no|off)$/.test(text)) return false;
  throw invalid(setting, "0 or 1 (also false or true)");
}

export function parseUrl(setting: Setting): string {
  const { text } = setting;
  const url = URL.parse(text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === "" &&
    url.hash === "" && url.username === "" && url.password === "";
  if (isUsable) return text.replace(/\/+$/, "");
  const shown = text.includes("@") ? "(hidden: it carries credentials)" : text;
  throw invalid(setting, "an http or https URL without credentials, query or fragment", shown);
}

export function parseOrigins(setting: Setting): string[] {
  return splitList(setting.text).map((item) => {
    const origin = URL.parse(item)?.origin;
    if (origin === undefined || origin === "null" || item.replace(/\/$/, "") !== origin) {
      throw invalid(setting, "origins such as https://example.com, separated by commas", item);
    }
    return origin;
  });
}

export function parseKey(setting: Setting): string | null {
  if (/^[\x21-\x7e]*$/.test(setting.text)) return setting.text || null;
  throw invalid(setting, "printable ASCII without spaces", "(hidden)");
}

/** A variable that is set must contain at least one key. */
export function parseKeys(setting: Setting): string[] {
  const keys = splitList(setting.text);
  const isUsable = keys.every((key) => /^[\x21-\x7e]+$/.test(key)) &&
    (keys.length > 0 || setting.text === "");
  if (isUsable) return keys;
  const allowed = "keys of printable ASCII without spaces, separated by commas";
  throw invalid(setting, allowed, "(hidden)");
}

/** SQLite takes names that begin with `:` or `file:` for something other than a path. */
export function parsePath(setting: Setting): string {
  if (/^(?!:|file:)\P{Cc}+$/iu.test(setting.text)) return setting.text;
  throw invalid(setting, "the path of a file");
}

export function parseHeaderValue(setting: Setting): string | null {
  if (/^[\x20-\x7e]*$/.test(setting.text)) return setting.text || null;
  throw invalid(setting, "printable ASCII");
}

export function parseObject(setting: Setting): Record<string, unknown> {
  const value = parseJson(setting.text);
  if (isJsonObject(value)) return value;
  throw invalid(setting, 'a JSON object such as {"sort":"throughput"}');
}

/** One id: no list, and no `auto`, which depends on the request. */
export function parseModelId(setting: Setting): string {
  const { text } = setting;
  if (text.length <= MAX_ID_CHARS && /^[^\s"'\\,;]+$/.test(text) && text !== "auto") return text;
  throw invalid(setting, "one model id such as vendor/model");
}

/** Ids of other servers have any form. */
export function requireOpenRouterId(name: string, id: string | null): void {
  if (id === null || id.includes("/")) return;
  throw invalid({ name, text: id }, "a model id of OpenRouter, vendor/model");
}

/** The parts between commas, without blank ones. */
export function splitList(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}

/** The error for a value. @param value what to show of it */
export function invalid(
  { name, text }: Pick<Setting, "name" | "text">,
  allowed: string,
  value = text,
): ConfigError {
  const shown = value.length > MAX_SHOWN_CHARS ? `${value.slice(0, MAX_SHOWN_CHARS)}…` : value;
  return new ConfigError(`${name}=${JSON.stringify(shown)} cannot be used: allowed is ${allowed}`);
}

/** @throws {ConfigError} for a limit per key without keys */
export function requireKeys(
  maxCostUsdPerKey: number | null,
  proxyApiKeys: readonly string[],
): number | null {
  if (maxCostUsdPerKey === null || proxyApiKeys.length > 0) return maxCostUsdPerKey;
  throw new ConfigError(
    "MAX_COST_USD_PER_KEY cannot be used without PROXY_API_KEYS: set the keys that it limits, " +
      "or set MAX_COST_USD for one limit on all requests",
  );
}
