/**
 * The settings of an embedded proxy: the variables of config.ts as properties. Written out, because the types of a
 * published package cannot be inferred; a test compares the names.
 * @module
 */

import { ALIASES } from "./config_aliases.ts";
import { DEPLOY_VARIABLE, type Env, VARIABLES } from "./config.ts";

/** Any text. Beside literal types, whose values editors then suggest. */
export type AnyText = string & Record<never, never>;

/**
 * The variables of docs/configuration.md, without those of a server with its own files. Blank, undefined or missing: the
 * default. Every value may be text, as in the environment.
 */
export interface Settings {
  /** OpenRouter's API key, `sk-or-…`. Missing: clients send their own. */
  readonly OPENROUTER_API_KEY?: string | undefined;
  /** Base URL of the upstream API, without `/chat/completions`. */
  readonly OPENROUTER_BASE_URL?: string | undefined;
  /** Model for names that contain “opus”; several, separated by commas, are fallbacks. */
  readonly TARGET_MODEL_OPUS?: string | undefined;
  /** Model for names that contain “sonnet”. */
  readonly TARGET_MODEL_BIG?: string | undefined;
  /** Another name of `TARGET_MODEL_BIG`. */
  readonly TARGET_MODEL_SONNET?: string | undefined;
  /** Model for names that contain “haiku”. */
  readonly TARGET_MODEL_SMALL?: string | undefined;
  /** Another name of `TARGET_MODEL_SMALL`. */
  readonly TARGET_MODEL_HAIKU?: string | undefined;
  /** Model for names that contain “fable”. Missing: `TARGET_MODEL_DEFAULT`. */
  readonly TARGET_MODEL_FABLE?: string | undefined;
  /** Model for all other names. */
  readonly TARGET_MODEL_DEFAULT?: string | undefined;
  /** App URL for OpenRouter's rankings. */
  readonly OPENROUTER_APP_URL?: string | undefined;
  /** App name for OpenRouter's rankings. */
  readonly OPENROUTER_APP_TITLE?: string | undefined;
  /** OpenRouter's provider routing preferences, as a JSON object. */
  readonly OPENROUTER_PROVIDER?: string | undefined;
  /** The upstream API. */
  readonly UPSTREAM_DIALECT?: "openrouter" | "openai" | "anthropic" | "auto" | AnyText | undefined;
  /** PDF parser. */
  readonly PDF_ENGINE?: "cloudflare-ai" | "mistral-ocr" | "native" | AnyText | undefined;
  /** Model that describes images for models that take none. */
  readonly IMAGE_MODEL?: string | undefined;
  /** Seconds to wait for upstream's response headers, then for each further piece of data. */
  readonly TIMEOUT_S?: number | string | undefined;
  /** Idle seconds after which a stream gets a ping. */
  readonly PING_S?: number | string | undefined;
  /** Comma-separated keys that clients must send. Missing: local clients only. */
  readonly PROXY_API_KEYS?: string | undefined;
  /** Comma-separated web origins that may call the proxy from a browser. */
  readonly ALLOWED_ORIGINS?: string | undefined;
  /** Maximum size of a request body, in MiB. */
  readonly MAX_BODY_MB?: number | string | undefined;
  /** Maximum number of concurrent requests. */
  readonly MAX_INFLIGHT?: number | string | undefined;
  /** Daily budget in USD. */
  readonly MAX_COST_USD?: number | string | undefined;
  /** Daily budget in USD for each key of `PROXY_API_KEYS`. */
  readonly MAX_COST_USD_PER_KEY?: number | string | undefined;
  /** 1 = capture recent request and response bodies for the dashboard. */
  readonly INSPECT?: 0 | 1 | "0" | "1" | AnyText | undefined;
  /** Log level. */
  readonly LOG_LEVEL?: "debug" | "info" | "warn" | "error" | AnyText | undefined;
  /** Log format; `auto` is JSON here. */
  readonly LOG_FORMAT?: "auto" | "text" | "json" | AnyText | undefined;
  /** Set by Deno Deploy itself: no client is local there. */
  readonly DENO_DEPLOY?: string | undefined;
}

/** Settings of a server with its own files; here the embedding program listens, stops and stores. */
const SERVER_ONLY: readonly string[] = ["HOST", "PORT", "DRAIN_S", "HISTORY", "HISTORY_DAYS"];
const NAMES: readonly string[] = [
  ...VARIABLES.map(({ name }) => name),
  ...ALIASES.keys(),
  DEPLOY_VARIABLE,
].filter((name) => !SERVER_ONLY.includes(name));

/**
 * Reads settings like variables of the environment.
 * @throws {TypeError} for a setting that does not exist, and for a value that is neither text nor a number
 */
export function readSettings(settings: Settings): Env {
  const texts = new Map(
    Object.entries(settings).map(([name, value]) => [name, toText(name, value)]),
  );
  return (name) => texts.get(name);
}

function toText(name: string, value: unknown): string | undefined {
  // Otherwise it would have no effect.
  if (!NAMES.includes(name)) {
    throw new TypeError(`Unknown setting ${name}: allowed are ${NAMES.join(", ")}`);
  }
  if (value === undefined || typeof value === "string") return value;
  if (typeof value === "number") return `${value}`;
  throw new TypeError(`${name} cannot be used: allowed are text and numbers`);
}
