/**
 * All settings in one table: variable, default, help text and parser. Reads the environment through a function;
 * knows neither files nor Deno.
 * @module
 */

import { resolveAliases } from "./config_aliases.ts";
import {
  ConfigError,
  flag,
  numberIn,
  oneOf,
  optional,
  parseHeaderValue,
  parseKey,
  parseKeys,
  parseModelId,
  parseObject,
  parseOrigins,
  parsePath,
  parseUrl,
  requireOpenRouterId,
  type Setting,
} from "./config_parsers.ts";
import { parseTarget, type Target } from "./model_target.ts";

export { ConfigError } from "./config_parsers.ts";
export type { Target } from "./model_target.ts";

/** Families of model names that can be mapped separately. */
export type Family = "opus" | "sonnet" | "haiku" | "fable" | "other";

/**
 * The upstream API: OpenRouter's chat completions, OpenAI's, Anthropic's Messages, or both of OpenRouter's: Messages for
 * Claude models and chat completions for all others.
 */
export type Dialect = "openrouter" | "openai" | "anthropic" | "auto";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** The validated configuration. Times in milliseconds, sizes in bytes. */
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
  /** Describes images for models that do not accept them; null for none. */
  readonly imageModel: string | null;
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
  /** For each of `proxyApiKeys`; null for no limit. */
  readonly maxCostUsdPerKey: number | null;
  /** Whether request and response bodies are captured for the dashboard. */
  readonly capturesBodies: boolean;
  /** The path of the history; null for none. */
  readonly historyPath: string | null;
  readonly historyDays: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "auto" | "text" | "json";
  readonly onDenoDeploy: boolean;
}

/** Reads one environment variable; undefined if it is not set. */
export type Env = (name: string) => string | undefined;

interface Row<T> {
  /** The text that counts as "not set"; "" if there is no default. */
  readonly default: string;
  /** The description in README, `.env.example` and `--help`. */
  readonly about: string;
  /** @throws {ConfigError} */
  readonly parse: (setting: Setting) => T;
}

function row<T>(standard: string, about: string, parse: Row<T>["parse"]): Row<T> {
  return { default: standard, about, parse };
}

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";
const DAY_S = 86_400;

/** Variable → default, description, parser; in the order in which README, `.env.example` and `--help` list them. */
const TABLE = {
  OPENROUTER_API_KEY: row("", "OpenRouter API key (sk-or-…)", parseKey),
  OPENROUTER_BASE_URL: row(
    "https://openrouter.ai/api/v1",
    "Base URL of the upstream API, without /chat/completions",
    parseUrl,
  ),
  TARGET_MODEL_OPUS: row(OPUS, "Model for names that contain “opus”", parseTarget),
  TARGET_MODEL_BIG: row(SONNET, "Model for names that contain “sonnet”", parseTarget),
  TARGET_MODEL_SMALL: row(SONNET, "Model for names that contain “haiku”", parseTarget),
  TARGET_MODEL_FABLE: row(
    "",
    "Model for names that contain “fable”; unset: TARGET_MODEL_DEFAULT",
    optional(parseTarget),
  ),
  TARGET_MODEL_DEFAULT: row(SONNET, "Model for all other names", parseTarget),
  OPENROUTER_APP_URL: row(
    "",
    "App URL for OpenRouter's rankings, sent as HTTP-Referer",
    parseHeaderValue,
  ),
  OPENROUTER_APP_TITLE: row(
    "",
    "App name for OpenRouter's rankings, sent as X-Title",
    parseHeaderValue,
  ),
  OPENROUTER_PROVIDER: row(
    "",
    "OpenRouter's provider routing preferences, as a JSON object",
    optional(parseObject),
  ),
  UPSTREAM_DIALECT: row(
    "openrouter",
    "openrouter, openai (compatible servers), anthropic (OpenRouter's /messages), " +
      "auto (anthropic for Claude models only)",
    oneOf("openrouter", "openai", "anthropic", "auto"),
  ),
  PDF_ENGINE: row(
    "cloudflare-ai",
    "PDF parser: cloudflare-ai (free), mistral-ocr (paid per page) or native",
    oneOf("cloudflare-ai", "mistral-ocr", "native"),
  ),
  IMAGE_MODEL: row(
    "",
    "Model that describes images for models that take none; unset: a note replaces them",
    optional(parseModelId),
  ),
  TIMEOUT_S: row(
    "300",
    "Seconds to wait for upstream's response headers, then for each further piece of data",
    numberIn({ above: 0, most: DAY_S }),
  ),
  PING_S: row(
    "15",
    "Idle seconds after which a stream gets a ping",
    numberIn({ above: 0, most: DAY_S }),
  ),
  DRAIN_S: row(
    "25",
    "Seconds to finish in-flight responses on shutdown",
    numberIn({ above: -1, most: DAY_S }),
  ),
  PORT: row("8000", "Port to listen on", numberIn({ above: -1, most: 65_535, whole: true })),
  HOST: row("0.0.0.0", "Address to listen on", ({ text }) => text),
  PROXY_API_KEYS: row(
    "",
    "Comma-separated keys that clients must send; unset: local clients only",
    parseKeys,
  ),
  ALLOWED_ORIGINS: row(
    "",
    "Comma-separated web origins that may call the proxy from a browser",
    parseOrigins,
  ),
  MAX_BODY_MB: row(
    "32",
    "Maximum size of a request body, in MiB",
    numberIn({ above: 0, most: 1024 }),
  ),
  MAX_INFLIGHT: row(
    "256",
    "Maximum number of concurrent requests; further ones get 529",
    numberIn({ above: 0, most: 1_000_000, whole: true }),
  ),
  MAX_COST_USD: row(
    "",
    "Daily budget in USD (UTC, estimates included); further requests get 429",
    optional(numberIn({ above: 0, most: 1e9 })),
  ),
  MAX_COST_USD_PER_KEY: row(
    "",
    "Daily budget in USD for each key of PROXY_API_KEYS; further requests get 429",
    optional(numberIn({ above: 0, most: 1e9 })),
  ),
  INSPECT: row(
    "0",
    "1 = capture recent request and response bodies for the dashboard",
    flag,
  ),
  HISTORY: row(
    "",
    "File for the figures of past requests, for example history.db; unset: memory only",
    optional(parsePath),
  ),
  HISTORY_DAYS: row(
    "90",
    "Days after which requests are deleted from the history",
    numberIn({ above: 0, most: 3650, whole: true }),
  ),
  LOG_LEVEL: row(
    "info",
    "Log level: debug, info, warn or error",
    oneOf("debug", "info", "warn", "error"),
  ),
  LOG_FORMAT: row(
    "auto",
    "Log format: text, json, or auto (text on a terminal, else json)",
    oneOf("auto", "text", "json"),
  ),
};

/** The name of a variable. */
export type VariableName = keyof typeof TABLE;
type Values = { [N in VariableName]: ReturnType<(typeof TABLE)[N]["parse"]> };

/** With the name, row and value types correlated. */
const ROWS: { readonly [N in VariableName]: Row<Values[N]> } = TABLE;

/** All variables of the proxy, in the order in which the documentation lists them. */
export const VARIABLES: readonly ({ name: string } & Pick<Row<unknown>, "default" | "about">)[] =
  Object.entries(TABLE).map(([name, row]) => ({ name, default: row.default, about: row.about }));

/** Set by Deno Deploy itself. */
export const DEPLOY_VARIABLE = "DENO_DEPLOY";

/** They lead to the user's own settings file; read where permitted, never required. */
export const FOLDER_VARIABLES = ["HOME", "XDG_CONFIG_HOME", "APPDATA"] as const;

/**
 * Reads and validates the whole configuration. A blank value, or one equal to the default, counts as not set.
 * A target may also have the name of its model family, see config_aliases.ts.
 * @throws {ConfigError} at the first invalid value
 */
export function loadConfig(env: Env): Config {
  const find = resolveAliases(env);
  const read = <N extends VariableName>(name: N): Values[N] => {
    const { default: standard, parse } = ROWS[name];
    const text = find(name)?.trim() || standard;
    return parse({ name, text, isDefault: text === standard });
  };
  const other = read("TARGET_MODEL_DEFAULT");
  const dialect = read("UPSTREAM_DIALECT");
  const imageModel = read("IMAGE_MODEL");
  if (dialect !== "openai") requireOpenRouterId("IMAGE_MODEL", imageModel);
  return {
    openrouterApiKey: read("OPENROUTER_API_KEY"),
    baseUrl: read("OPENROUTER_BASE_URL"),
    targets: {
      opus: read("TARGET_MODEL_OPUS"),
      sonnet: read("TARGET_MODEL_BIG"),
      haiku: read("TARGET_MODEL_SMALL"),
      fable: read("TARGET_MODEL_FABLE") ?? other,
      other,
    },
    appUrl: read("OPENROUTER_APP_URL"),
    appTitle: read("OPENROUTER_APP_TITLE"),
    provider: read("OPENROUTER_PROVIDER"),
    dialect,
    pdfEngine: read("PDF_ENGINE"),
    imageModel,
    timeoutMs: read("TIMEOUT_S") * 1000,
    pingMs: read("PING_S") * 1000,
    drainMs: read("DRAIN_S") * 1000,
    port: read("PORT"),
    host: read("HOST"),
    proxyApiKeys: read("PROXY_API_KEYS"),
    allowedOrigins: read("ALLOWED_ORIGINS"),
    maxBodyBytes: Math.floor(read("MAX_BODY_MB") * 1024 * 1024),
    maxInflight: read("MAX_INFLIGHT"),
    maxCostUsd: read("MAX_COST_USD"),
    maxCostUsdPerKey: requireKeys(read("MAX_COST_USD_PER_KEY"), read("PROXY_API_KEYS")),
    capturesBodies: read("INSPECT"),
    historyPath: read("HISTORY"),
    historyDays: read("HISTORY_DAYS"),
    logLevel: read("LOG_LEVEL"),
    logFormat: read("LOG_FORMAT"),
    onDenoDeploy: Boolean(env(DEPLOY_VARIABLE)?.trim()),
  };
}

/** @throws {ConfigError} for a limit per key without keys */
function requireKeys(
  maxCostUsdPerKey: number | null,
  proxyApiKeys: readonly string[],
): number | null {
  if (maxCostUsdPerKey === null || proxyApiKeys.length > 0) return maxCostUsdPerKey;
  throw new ConfigError(
    "MAX_COST_USD_PER_KEY cannot be used without PROXY_API_KEYS: set the keys that it limits, " +
      "or set MAX_COST_USD for one limit on all requests",
  );
}
