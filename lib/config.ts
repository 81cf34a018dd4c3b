/**
 * The one place that reads the environment's variables, and checks them.
 * Knows no files and no Deno: main.ts hands it a look-up.
 * @module
 */

import { isJsonObject, parseJson } from "./json.ts";
import { DEPLOY_VARIABLE, type VariableName, VARIABLES } from "./variables.ts";

/** Where requests for one kind of model name go. */
export interface Target {
  /** The first is asked; the rest are OpenRouter's own fallbacks. The word `auto` is resolved per request. */
  readonly models: readonly [string, ...string[]];
  /** Whether nobody chose it: only then may a refused model be replaced. */
  readonly isDefault: boolean;
}

/** The kinds of model names that can be mapped apart. */
export type Family = "opus" | "sonnet" | "haiku" | "fable" | "other";

/** What upstream speaks: OpenRouter's chat completions, OpenAI's, or Anthropic's Messages. */
export type Dialect = "openrouter" | "openai" | "anthropic";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** The whole configuration, checked. Times in milliseconds, sizes in bytes. */
export interface Config {
  readonly openrouterApiKey: string | null;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly targets: Readonly<Record<Family, Target>>;
  readonly appUrl: string | null;
  readonly appTitle: string | null;
  readonly provider: Readonly<Record<string, unknown>> | null;
  readonly dialect: Dialect;
  readonly pdfEngine: string;
  readonly timeoutMs: number;
  readonly pingMs: number;
  readonly drainMs: number;
  readonly port: number;
  readonly host: string;
  readonly proxyApiKeys: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly maxBodyBytes: number;
  readonly maxInflight: number;
  /** Null for no limit. */
  readonly maxCostUsd: number | null;
  /** Whether bodies are kept, for the page. */
  readonly capturesBodies: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "text" | "json";
  readonly onDenoDeploy: boolean;
}

/** A setting that cannot be used. The message is one line: variable, value, what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads one variable of the environment; undefined where it is not set. */
export type Env = (name: string) => string | undefined;

/**
 * Reads and checks the whole configuration. A blank value, or one equal to the default, counts as not set.
 * @throws {ConfigError} at the first value that cannot be used
 */
export function loadConfig(env: Env): Config {
  const settings = new Settings(env);
  const other = settings.target("TARGET_MODEL_DEFAULT");
  return {
    openrouterApiKey: settings.key("OPENROUTER_API_KEY"),
    baseUrl: settings.url("OPENROUTER_BASE_URL"),
    targets: {
      opus: settings.target("TARGET_MODEL_OPUS"),
      sonnet: settings.target("TARGET_MODEL_BIG"),
      haiku: settings.target("TARGET_MODEL_SMALL"),
      fable: settings.isSet("TARGET_MODEL_FABLE") ? settings.target("TARGET_MODEL_FABLE") : other,
      other,
    },
    appUrl: settings.headerValue("OPENROUTER_APP_URL"),
    appTitle: settings.headerValue("OPENROUTER_APP_TITLE"),
    provider: settings.jsonObject("OPENROUTER_PROVIDER"),
    dialect: settings.oneOf("UPSTREAM_DIALECT", ["openrouter", "openai", "anthropic"]),
    pdfEngine: settings.oneOf("PDF_ENGINE", ["cloudflare-ai", "mistral-ocr", "native"]),
    timeoutMs: settings.number("TIMEOUT_S", { above: 0, most: 86_400 }) * 1000,
    pingMs: settings.number("PING_S", { above: 0, most: 86_400 }) * 1000,
    drainMs: settings.number("DRAIN_S", { above: -1, most: 86_400 }) * 1000,
    port: settings.number("PORT", { above: -1, most: 65_535, whole: true }),
    host: settings.text("HOST"),
    proxyApiKeys: settings.keys("PROXY_API_KEYS"),
    allowedOrigins: settings.origins("ALLOWED_ORIGINS"),
    maxBodyBytes: Math.floor(
      settings.number("MAX_BODY_MB", { above: 0, most: 1024 }) * 1024 * 1024,
    ),
    maxInflight: settings.number("MAX_INFLIGHT", { above: 0, most: 1_000_000, whole: true }),
    maxCostUsd: settings.isSet("MAX_COST_USD")
      ? settings.number("MAX_COST_USD", { above: 0, most: 1e9 })
      : null,
    capturesBodies: settings.oneOf("INSPECT", ["0", "1"]) === "1",
    logLevel: settings.oneOf("LOG_LEVEL", ["debug", "info", "warn", "error"]),
    logFormat: settings.oneOf("LOG_FORMAT", ["auto", "text", "json"]),
    onDenoDeploy: Boolean(env(DEPLOY_VARIABLE)?.trim()),
  };
}

/** Typed reading of single variables; each method throws a {@linkcode ConfigError} that says what to fix. */
class Settings {
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** The value as text: trimmed, the default where it is blank. */
  text(name: VariableName): string {
    return this.#env(name)?.trim() || this.#default(name);
  }

  isSet(name: VariableName): boolean {
    const value = this.#env(name)?.trim() ?? "";
    return value !== "" && value !== this.#default(name);
  }

  list(name: VariableName): string[] {
    return this.text(name).split(",").map((item) => item.trim()).filter((item) => item !== "");
  }

  number(name: VariableName, range: { above: number; most: number; whole?: boolean }): number {
    const text = this.text(name);
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    const fits = value > range.above && value <= range.most &&
      (!range.whole || Number.isInteger(value));
    if (fits) return value;
    const kind = range.whole ? "a whole number" : "a number";
    const least = range.above < 0 ? "from 0" : "above 0";
    throw this.#bad(name, text, `${kind} ${least} up to ${range.most}`);
  }

  oneOf<T extends string>(name: VariableName, allowed: readonly T[]): T {
    const text = this.text(name);
    const value = allowed.find((item) => item === text.toLowerCase());
    if (value === undefined) throw this.#bad(name, text, allowed.join(", "));
    return value;
  }

  url(name: VariableName): string {
    const text = this.text(name);
    const url = URL.parse(text);
    const usable = url !== null && /^https?:$/.test(url.protocol) && url.search === "" &&
      url.hash === "" && url.username === "" && url.password === "";
    if (!usable) {
      const shown = text.includes("@") ? "(hidden: it carries credentials)" : text;
      throw this.#bad(name, shown, "an http or https URL without credentials, query or fragment");
    }
    return text.replace(/\/+$/, "");
  }

  origins(name: VariableName): string[] {
    return this.list(name).map((text) => {
      const origin = URL.parse(text)?.origin;
      if (origin === undefined || origin === "null" || text.replace(/\/$/, "") !== origin) {
        throw this.#bad(name, text, "origins such as https://example.com, separated by commas");
      }
      return origin;
    });
  }

  /** A key: never shown in a message. */
  key(name: VariableName): string | null {
    const text = this.text(name);
    if (/^[\x21-\x7e]*$/.test(text)) return text || null;
    throw this.#bad(name, "(hidden)", "printable ASCII without spaces");
  }

  /** Keys, of which a set variable names at least one. */
  keys(name: VariableName): string[] {
    const keys = this.list(name);
    const isUsable = keys.every((key) => /^[\x21-\x7e]+$/.test(key)) &&
      (keys.length > 0 || this.text(name) === "");
    if (isUsable) return keys;
    throw this.#bad(
      name,
      "(hidden)",
      "keys of printable ASCII without spaces, separated by commas",
    );
  }

  headerValue(name: VariableName): string | null {
    const text = this.text(name);
    if (/^[\x20-\x7e]*$/.test(text)) return text || null;
    throw this.#bad(name, text, "printable ASCII");
  }

  jsonObject(name: VariableName): Record<string, unknown> | null {
    const text = this.text(name);
    if (text === "") return null;
    const value = parseJson(text);
    if (isJsonObject(value)) return value;
    throw this.#bad(name, text, 'a JSON object such as {"sort":"throughput"}');
  }

  target(name: VariableName): Target {
    const [first, ...rest] = this.list(name);
    const bad = [first, ...rest].find((id) => id !== undefined && /[\s"'\\]/.test(id));
    if (first === undefined || bad !== undefined || rest.includes("auto")) {
      throw this.#bad(name, this.text(name), "one model id, `auto`, or ids separated by commas");
    }
    return { models: [first, ...rest], isDefault: !this.isSet(name) };
  }

  #default(name: VariableName): string {
    return VARIABLES.find((variable) => variable.name === name)?.default ?? "";
  }

  #bad(name: VariableName, value: string, allowed: string): ConfigError {
    const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
    return new ConfigError(
      `${name}=${JSON.stringify(shown)} cannot be used: allowed is ${allowed}`,
    );
  }
}
