/**
 * Every environment variable and its default, once. What they mean to the program, config.ts reads from here.
 * @module
 */

/** One variable as people see it: README, `.env.example` and `--help` are compared with this table. */
export interface Variable {
  readonly name: string;
  /** The text that stands for "not set"; "" where there is no default. */
  readonly default: string;
  readonly about: string;
}

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";

/** All variables of the proxy, in the order in which the documentation lists them. */
export const VARIABLES = [
  { name: "OPENROUTER_API_KEY", default: "", about: "The key that pays for it all (sk-or-…)" },
  {
    name: "OPENROUTER_BASE_URL",
    default: "https://openrouter.ai/api/v1",
    about: "Where requests go: the address before /chat/completions",
  },
  { name: "TARGET_MODEL_OPUS", default: OPUS, about: "Model for names that contain “opus”" },
  { name: "TARGET_MODEL_BIG", default: SONNET, about: "Model for names that contain “sonnet”" },
  { name: "TARGET_MODEL_SMALL", default: SONNET, about: "Model for names that contain “haiku”" },
  {
    name: "TARGET_MODEL_FABLE",
    default: "",
    about: "Model for names that contain “fable”; unset: as TARGET_MODEL_DEFAULT",
  },
  { name: "TARGET_MODEL_DEFAULT", default: SONNET, about: "Model for every other name" },
  {
    name: "OPENROUTER_APP_URL",
    default: "",
    about: "Sent as HTTP-Referer, for OpenRouter's rankings",
  },
  {
    name: "OPENROUTER_APP_TITLE",
    default: "",
    about: "Sent as X-Title, for OpenRouter's rankings",
  },
  {
    name: "OPENROUTER_PROVIDER",
    default: "",
    about: "JSON object sent as `provider`: OpenRouter's routing preferences",
  },
  {
    name: "UPSTREAM_DIALECT",
    default: "openrouter",
    about: "openrouter; openai: any OpenAI-compatible server; anthropic: OpenRouter's /messages",
  },
  {
    name: "PDF_ENGINE",
    default: "cloudflare-ai",
    about: "Who reads PDFs: cloudflare-ai (free), mistral-ocr (paid by the page) or native",
  },
  {
    name: "TIMEOUT_S",
    default: "300",
    about: "Seconds to wait for upstream's headers, then for each of its silences",
  },
  { name: "PING_S", default: "15", about: "Seconds of silence after which a stream gets a ping" },
  { name: "DRAIN_S", default: "25", about: "Seconds that running answers get to finish at a stop" },
  { name: "PORT", default: "8000", about: "Port to listen on" },
  { name: "HOST", default: "0.0.0.0", about: "Address to listen on" },
  {
    name: "PROXY_API_KEYS",
    default: "",
    about: "Comma list of keys that clients must present; unset: this machine only",
  },
  {
    name: "ALLOWED_ORIGINS",
    default: "",
    about: "Comma list of web origins that may call the proxy from a browser",
  },
  { name: "MAX_BODY_MB", default: "32", about: "Largest request body, in MiB" },
  { name: "MAX_INFLIGHT", default: "256", about: "Requests answered at once; more get 529" },
  {
    name: "MAX_COST_USD",
    default: "",
    about: "USD that a day (UTC) may cost, estimates included; then requests get 402",
  },
  { name: "INSPECT", default: "0", about: "1 keeps the bodies of the last requests for the page" },
  { name: "LOG_LEVEL", default: "info", about: "debug, info, warn or error" },
  {
    name: "LOG_FORMAT",
    default: "auto",
    about: "text, json, or auto: text on a terminal, else json",
  },
] as const satisfies readonly Variable[];

/** Set by Deno Deploy itself; read, never set by people. */
export const DEPLOY_VARIABLE = "DENO_DEPLOY";

/** They lead to the user's own settings file; read where that is allowed, and not needed. */
export const FOLDER_VARIABLES = ["HOME", "XDG_CONFIG_HOME", "APPDATA"] as const;

/** The name of one of them. */
export type VariableName = (typeof VARIABLES)[number]["name"];
