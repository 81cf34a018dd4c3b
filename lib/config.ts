/**
 * All settings in one table: variable, default, help text and parser. Reads the environment through a function;
 * knows neither files nor Deno.
 * @module
 */

import {
  numberIn,
  oneOf,
  optional,
  parseHeaderValue,
  parseKey,
  parseKeys,
  parseObject,
  parseOrigins,
  parseTarget,
  parseUrl,
  type Setting,
  type Target,
} from "./config_parsers.ts";

export { ConfigError, type Target } from "./config_parsers.ts";

/** Families of model names that can be mapped separately. */
export type Family = "opus" | "sonnet" | "haiku" | "fable" | "other";

/** The upstream API: OpenRouter's chat completions, OpenAI's, or Anthropic's Messages. */
export type Dialect = "openrouter" | "openai" | "anthropic";

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
  /** Whether request and response bodies are captured for the dashboard. */
  readonly capturesBodies: boolean;
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

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";
const DAY_S = 86_400;

/** In the order in which README, `.env.example` and `--help` list them. */
const TABLE = {
  OPENROUTER_API_KEY: { default: "", about: "OpenRouter API key (sk-or-…)", parse: parseKey },
  OPENROUTER_BASE_URL: {
    default: "https://openrouter.ai/api/v1",
    about: "Base URL of the upstream API, without /chat/completions",
    parse: parseUrl,
  },
  TARGET_MODEL_OPUS: {
    default: OPUS,
    about: "Model for names that contain “opus”",
    parse: parseTarget,
  },
  TARGET_MODEL_BIG: {
    default: SONNET,
    about: "Model for names that contain “sonnet”",
    parse: parseTarget,
  },
  TARGET_MODEL_SMALL: {
    default: SONNET,
    about: "Model for names that contain “haiku”",
    parse: parseTarget,
  },
  TARGET_MODEL_FABLE: {
    default: "",
    about: "Model for names that contain “fable”; unset: TARGET_MODEL_DEFAULT",
    parse: optional(parseTarget),
  },
  TARGET_MODEL_DEFAULT: {
    default: SONNET,
    about: "Model for all other names",
    parse: parseTarget,
  },
  OPENROUTER_APP_URL: {
    default: "",
    about: "App URL for OpenRouter's rankings, sent as HTTP-Referer",
    parse: parseHeaderValue,
  },
  OPENROUTER_APP_TITLE: {
    default: "",
    about: "App name for OpenRouter's rankings, sent as X-Title",
    parse: parseHeaderValue,
  },
  OPENROUTER_PROVIDER: {
    default: "",
    about: "OpenRouter's provider routing preferences, as a JSON object",
    parse: optional(parseObject),
  },
  UPSTREAM_DIALECT: {
    default: "openrouter",
    about:
      "openrouter, openai (any OpenAI-compatible server) or anthropic (OpenRouter's /messages)",
    parse: oneOf("openrouter", "openai", "anthropic"),
  },
  PDF_ENGINE: {
    default: "cloudflare-ai",
    about: "PDF parser: cloudflare-ai (free), mistral-ocr (paid per page) or native",
    parse: oneOf("cloudflare-ai", "mistral-ocr", "native"),
  },
  TIMEOUT_S: {
    default: "300",
    about: "Seconds to wait for upstream's response headers, then for each further piece of data",
    parse: numberIn({ above: 0, most: DAY_S }),
  },
  PING_S: {
    default: "15",
    about: "Idle seconds after which a stream gets a ping",
    parse: numberIn({ above: 0, most: DAY_S }),
  },
  DRAIN_S: {
    default: "25",
    about: "Seconds to finish in-flight responses on shutdown",
    parse: numberIn({ above: -1, most: DAY_S }),
  },
  PORT: {
    default: "8000",
    about: "Port to listen on",
    parse: numberIn({ above: -1, most: 65_535, whole: true }),
  },
  HOST: { default: "0.0.0.0", about: "Address to listen on", parse: ({ text }) => text },
  PROXY_API_KEYS: {
    default: "",
    about: "Comma-separated keys that clients must send; unset: local clients only",
    parse: parseKeys,
  },
  ALLOWED_ORIGINS: {
    default: "",
    about: "Comma-separated web origins that may call the proxy from a browser",
    parse: parseOrigins,
  },
  MAX_BODY_MB: {
    default: "32",
    about: "Maximum size of a request body, in MiB",
    parse: numberIn({ above: 0, most: 1024 }),
  },
  MAX_INFLIGHT: {
    default: "256",
    about: "Maximum number of concurrent requests; further ones get 529",
    parse: numberIn({ above: 0, most: 1_000_000, whole: true }),
  },
  MAX_COST_USD: {
    default: "",
    about: "Daily budget in USD (UTC, estimates included); further requests get 402",
    parse: optional(numberIn({ above: 0, most: 1e9 })),
  },
  INSPECT: {
    default: "0",
    about: "1 = capture recent request and response bodies for the dashboard",
    parse: oneOf("0", "1"),
  },
  LOG_LEVEL: {
    default: "info",
    about: "Log level: debug, info, warn or error",
    parse: oneOf("debug", "info", "warn", "error"),
  },
  LOG_FORMAT: {
    default: "auto",
    about: "Log format: text, json, or auto (text on a terminal, else json)",
    parse: oneOf("auto", "text", "json"),
  },
} as const satisfies Record<string, Row<unknown>>;

type VariableName = keyof typeof TABLE;
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
 * @throws {ConfigError} at the first invalid value
 */
export function loadConfig(env: Env): Config {
  const read = <N extends VariableName>(name: N): Values[N] => {
    const { default: standard, parse } = ROWS[name];
    const text = env(name)?.trim() || standard;
    return parse({ name, text, isDefault: text === standard });
  };
  const other = read("TARGET_MODEL_DEFAULT");
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
    dialect: read("UPSTREAM_DIALECT"),
    pdfEngine: read("PDF_ENGINE"),
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
    capturesBodies: read("INSPECT") === "1",
    logLevel: read("LOG_LEVEL"),
    logFormat: read("LOG_FORMAT"),
    onDenoDeploy: Boolean(env(DEPLOY_VARIABLE)?.trim()),
  };
}
