/**
 * Builds Claude Code's settings for the launcher: the proxy's address and key, the mapped models, and when to compact.
 * Pure; files, processes and the clock are in claude.ts.
 * @module
 */

import type { Config, Family, Target } from "../../config.ts";
import { formatCount } from "../../format.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { CatalogModel } from "../../openrouter/catalog.ts";
import { resolveModel, UnavailableDefaults } from "../../openrouter/model_mapping.ts";
import { StartError } from "../terminal.ts";

/** Environment variables: name → value. */
export type Variables = Record<string, string>;

/** Variables for models, and warnings, one line each. */
export interface ModelSettings {
  env: Variables;
  notes: string[];
}

/** The subset of the catalog that is used. */
export interface KnownModels {
  find(id: string): Pick<CatalogModel, "contextLength"> | undefined;
  suggestModels(id: string): string[];
}

/** Disables Claude Code's request for the model list, among others. */
export const QUIET_VARIABLE = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";

/** Claude Code's limits for the context length at which it compacts. */
const MIN_WINDOW = 100_000;
const MAX_WINDOW = 1_000_000;
/** With this suffix of a model id Claude Code assumes a context of a million tokens instead of 200,000. */
const WIDE = "[1m]";

/** Claude Code's variables that replace its own models. */
const FAMILIES = [
  ["opus", "ANTHROPIC_DEFAULT_OPUS_MODEL"],
  ["sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL"],
  ["haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL"],
  ["fable", "ANTHROPIC_DEFAULT_FABLE_MODEL"],
] as const satisfies readonly (readonly [Family, string])[];

/** The model of auto mode's classifier, which reads the conversation once or twice for each tool call. */
const CLASSIFIER_VARIABLE = "CLAUDE_CODE_AUTO_MODE_MODEL";
/**
 * "0": Claude Code calls the classifier itself. Otherwise 2.1.332 relies on Anthropic's servers for it, and without
 * feature flags rejects every action that needs it, although our responses report that no classifier runs.
 */
const SERVER_CLASSIFIER_VARIABLE = "CLAUDE_CODE_AUTO_MODE_SERVER";

/** Each of them sends requests elsewhere than to ANTHROPIC_BASE_URL, or replaces our key. */
const MUST_BE_BLANK = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_CUSTOM_HEADERS",
  "ANTHROPIC_UNIX_SOCKET",
  "CLAUDE_CODE_USE_ANTHROPIC_AWS",
  "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_FOUNDRY",
  "CLAUDE_CODE_USE_GATEWAY",
  "CLAUDE_CODE_USE_MANTLE",
  "CLAUDE_CODE_USE_VERTEX",
] as const;

/** The proxy's keys. Claude Code has a key for the run; programs that it starts could read these. */
const SECRETS = ["OPENROUTER_API_KEY", "PROXY_API_KEYS"] as const;

/** Variables that send Claude Code's requests to the proxy, whatever was set before. */
export function buildConnection(url: string, key: string): Variables {
  return {
    ...Object.fromEntries([...MUST_BE_BLANK, ...SECRETS].map((name) => [name, ""])),
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
    // Newer versions then name the kind of each request, for the figures by session.
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
  };
}

/**
 * Variables that exempt this host from any HTTP proxy, in addition to the user's own exemptions.
 * @param environments that of the process, and those of settings files
 */
export function buildDirect(host: string, environments: readonly JsonObject[]): Variables {
  const lists = environments.flatMap((env) => [env["NO_PROXY"], env["no_proxy"]]);
  const hosts = lists.flatMap((list) => typeof list === "string" ? list.split(",") : [])
    .map((name) => name.trim()).filter((name) => name !== "");
  const all = [...new Set([...hosts, host])].join(",");
  return { NO_PROXY: all, no_proxy: all };
}

/**
 * Variables that name the mapped models and the context length at which to compact. A family keeps Claude Code's own
 * names with `auto`, whose target depends on them, and with a default target that is not in the catalog, which the
 * proxy then may replace.
 */
export function buildModels(targets: Config["targets"], known: KnownModels): ModelSettings {
  const named = FAMILIES.flatMap(([family, variable]) => {
    const target = targets[family];
    return keepsNames(target, known) ? [] : [{ variable, target, name: nameFor(family, targets) }];
  });
  const ids = [...new Set(named.flatMap(({ target }) => target.models))];
  const sizes = ids.map((id) => ({ id, size: known.find(id)?.contextLength }));
  const unknown = sizes.filter(({ size }) => size === undefined).map(({ id }) => id);
  const smallest = sizes.toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0))[0];
  const toEnv = (suffix: string): Variables => ({
    ...Object.fromEntries(named.map(({ variable, name }) => [variable, name + suffix])),
    [SERVER_CLASSIFIER_VARIABLE]: "0",
    [CLASSIFIER_VARIABLE]: keepsNames(targets.haiku, known)
      ? nameOf("haiku")
      : nameFor("haiku", targets) + suffix,
  });
  if (unknown.length > 0) return { env: toEnv(""), notes: [describeUnknown(unknown, known)] };
  if (smallest?.size === undefined) return { env: toEnv(""), notes: [] };
  const window = Math.min(Math.max(smallest.size, MIN_WINDOW), MAX_WINDOW);
  return {
    env: { ...toEnv(WIDE), CLAUDE_CODE_AUTO_COMPACT_WINDOW: String(window) },
    notes: smallest.size < MIN_WINDOW ? [describeSmall(smallest.id, smallest.size)] : [],
  };
}

/** Merges the user's settings and ours. The user's models take precedence, and our connection. */
export function mergeSettings(
  user: JsonObject,
  { connection, models }: { connection: Variables; models: Variables },
): JsonObject {
  return { ...user, env: { ...models, ...readEnv(user), ...connection } };
}

/** The variables of a settings file. */
export function readEnv(settings: JsonObject): JsonObject {
  return isJsonObject(settings["env"]) ? settings["env"] : {};
}

/** Removes `--settings X` from the arguments; the last one counts, as in Claude Code. */
export function takeSettings(args: readonly string[]): { settings: string | null; rest: string[] } {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  const rest: string[] = [];
  let settings: string | null = null;
  for (let i = 0; i < options.length; i++) {
    const word = options[i] ?? "";
    const next = options[i + 1];
    if (word.startsWith("--settings=")) settings = word.slice("--settings=".length);
    else if (word === "--settings" && next !== undefined) {
      settings = next;
      i++;
    } else rest.push(word);
  }
  return { settings, rest: [...rest, ...args.slice(options.length)] };
}

/**
 * Parses the user's own `--settings`: JSON, or the path of a file.
 * @throws {StartError} if it is neither
 */
export function parseSettings(option: string, readFile: (path: string) => string): JsonObject {
  const isJson = option.trimStart().startsWith("{");
  let text = option;
  try {
    if (!isJson) text = readFile(option);
  } catch (cause) {
    throw new StartError(`--settings ${option} cannot be read: use a file or JSON`, { cause });
  }
  const value = parseJson(text);
  if (isJsonObject(value)) return value;
  const path = isJson ? "" : ` ${option}`;
  throw new StartError(`--settings${path} cannot be used: it must be a JSON object`);
}

/** Whether one of these environments disables Claude Code's nonessential traffic. */
export function isQuiet(environments: readonly JsonObject[]): boolean {
  return environments.some((env) =>
    !/^(0|false|no|off|)$/i.test(String(env[QUIET_VARIABLE] ?? ""))
  );
}

function keepsNames({ models: [first], isDefault }: Target, known: KnownModels): boolean {
  return first === "auto" || (isDefault && known.find(first)?.contextLength === undefined);
}

/** A name that the proxy maps to the target of a family. */
function nameOf(family: Family): string {
  return `claude-${family}`;
}

/** The target's id if the proxy resolves it to itself; for a list of models a name that is mapped to the list. */
function nameFor(family: Family, targets: Config["targets"]): string {
  const mapped = nameOf(family);
  const resolve = (name: string) =>
    resolveModel(name, { targets }, new UnavailableDefaults()).models;
  const target = resolve(mapped);
  const byId = resolve(target[0]);
  const isSame = byId.length === target.length && byId[0] === target[0];
  return isSame ? target[0] : mapped;
}

function describeUnknown(ids: readonly string[], known: KnownModels): string {
  const closest = ids.flatMap((id) => known.suggestModels(id)).slice(0, 3);
  const hint = closest.length === 0 ? "" : ` (closest ids: ${closest.join(", ")})`;
  return `The context length of ${ids.join(", ")} is unknown${hint}: ` +
    "Claude Code compacts at its own default";
}

function describeSmall(id: string, size: number): string {
  return `${id} has a context of ${
    formatCount(size)
  } tokens, but Claude Code compacts no earlier ` +
    `than at ${formatCount(MIN_WINDOW)}: run /compact before, or choose a larger model`;
}
