/**
 * What Claude Code is told when the launcher starts it: the proxy's address and key, the mapped models, and
 * when to compact. Pure: settings in, settings out; files, processes and the clock are in claude.ts.
 * @module
 */

import type { Config, Family, Target } from "../../config.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { CatalogModel } from "../../openrouter/catalog.ts";
import { resolveModel, UnavailableDefaults } from "../../openrouter/model_mapping.ts";
import { StartError } from "../terminal.ts";

/** Variables by name. */
export type Variables = Record<string, string>;

/** What is said about models, and what the person should know, a line each. */
export interface ModelSettings {
  env: Variables;
  notes: string[];
}

/** The part of the catalog that is asked. */
export interface KnownModels {
  find(id: string): Pick<CatalogModel, "contextLength"> | undefined;
  suggestModels(id: string): string[];
}

/** The variable that switches off the question for the model list, among others. */
export const QUIET_VARIABLE = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";

/** What the client can be told about sizes: it compacts no earlier than the first, no later than the second. */
const LEAST_WINDOW = 100_000;
const MOST_WINDOW = 1_000_000;
/** At the end of any id: the client takes its window for a million tokens, not for 200,000. */
const WIDE = "[1m]";

/** The variables in which the client takes another id for its own models. */
const FAMILIES = [
  ["opus", "ANTHROPIC_DEFAULT_OPUS_MODEL"],
  ["sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL"],
  ["haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL"],
  ["fable", "ANTHROPIC_DEFAULT_FABLE_MODEL"],
] as const satisfies readonly (readonly [Family, string])[];

/** The model of auto mode's guard, which reads the conversation once or twice for each call of a tool. */
const GUARD_VARIABLE = "CLAUDE_CODE_AUTO_MODE_MODEL";
/**
 * "0": the guard is asked by the client itself. Else 2.1.332 counts on Anthropic's servers for it, and without
 * feature flags refuses every action that needs it, though the answer says that there is none here.
 */
const SERVER_GUARD_VARIABLE = "CLAUDE_CODE_AUTO_MODE_SERVER";

/** Each of them leads requests past ANTHROPIC_BASE_URL, or puts another key over ours. */
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

/** The keys that the proxy holds. The client has its own for the run; whatever it starts could read these. */
const SECRETS = ["OPENROUTER_API_KEY", "PROXY_API_KEYS"] as const;

/** Variables that lead the client to the proxy, whatever was set before. */
export function buildConnection(url: string, key: string): Variables {
  return {
    ...Object.fromEntries([...MUST_BE_BLANK, ...SECRETS].map((name) => [name, ""])),
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: key,
    CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1",
  };
}

/**
 * Variables that lead past any HTTP proxy to this host, and to all that the user has excepted, wherever that was.
 * @param environments the process's, and those of settings, which the client puts over it
 */
export function buildDirect(host: string, environments: readonly JsonObject[]): Variables {
  const lists = environments.flatMap((env) => [env["NO_PROXY"], env["no_proxy"]]);
  const hosts = lists.flatMap((list) => typeof list === "string" ? list.split(",") : [])
    .map((one) => one.trim()).filter((one) => one !== "");
  const all = [...new Set([...hosts, host])].join(",");
  return { NO_PROXY: all, no_proxy: all };
}

/**
 * Variables that name the mapped models and say when to compact. A family keeps the client's own names where
 * these decide (`auto`), and where its default target is not known: only then may the proxy replace that.
 */
export function buildModels(targets: Config["targets"], known: KnownModels): ModelSettings {
  const named = FAMILIES.flatMap(([family, variable]) => {
    const target = targets[family];
    return staysOpen(target, known) ? [] : [{ variable, target, name: nameFor(family, targets) }];
  });
  const ids = [...new Set(named.flatMap(({ target }) => target.models))];
  const sizes = ids.map((id) => ({ id, size: known.find(id)?.contextLength }));
  const unknown = sizes.filter(({ size }) => size === undefined).map(({ id }) => id);
  const smallest = sizes.toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0))[0];
  const toEnv = (suffix: string): Variables => ({
    ...Object.fromEntries(named.map(({ variable, name }) => [variable, name + suffix])),
    [SERVER_GUARD_VARIABLE]: "0",
    [GUARD_VARIABLE]: staysOpen(targets.haiku, known)
      ? nameOf("haiku")
      : nameFor("haiku", targets) + suffix,
  });
  if (unknown.length > 0) return { env: toEnv(""), notes: [describeUnknown(unknown, known)] };
  if (smallest?.size === undefined) return { env: toEnv(""), notes: [] };
  const window = Math.min(Math.max(smallest.size, LEAST_WINDOW), MOST_WINDOW);
  return {
    env: { ...toEnv(WIDE), CLAUDE_CODE_AUTO_COMPACT_WINDOW: String(window) },
    notes: smallest.size < LEAST_WINDOW ? [describeSmall(smallest.id, smallest.size)] : [],
  };
}

/**
 * One settings file out of the user's and ours. Theirs decide on models and sizes, ours on where requests go.
 */
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

/** Takes `--settings X` out of the arguments; the last one counts, as it does for the client. */
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
 * The user's own `--settings`: JSON, or the name of a file.
 * @throws {StartError} where it is neither
 */
export function parseSettings(given: string, readFile: (path: string) => string): JsonObject {
  const isJson = given.trimStart().startsWith("{");
  let text = given;
  try {
    if (!isJson) text = readFile(given);
  } catch (cause) {
    throw new StartError(`--settings ${given} cannot be read: give a file or JSON`, { cause });
  }
  const value = parseJson(text);
  if (isJsonObject(value)) return value;
  const what = isJson ? "" : ` ${given}`;
  throw new StartError(`--settings${what} cannot be used: it must be a JSON object`);
}

/** Whether one of these environments has switched off what the client takes for traffic it can do without. */
export function isQuiet(environments: readonly JsonObject[]): boolean {
  return environments.some((env) =>
    !/^(0|false|no|off|)$/i.test(String(env[QUIET_VARIABLE] ?? ""))
  );
}

function staysOpen({ models: [first], isDefault }: Target, known: KnownModels): boolean {
  return first === "auto" || (isDefault && known.find(first)?.contextLength === undefined);
}

/** A name that the proxy maps to the target of a family, whatever that is. */
function nameOf(family: Family): string {
  return `claude-${family}`;
}

/** The id itself where the proxy takes it for what it is; for a list of models a name that is mapped to it. */
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
  const near = ids.flatMap((id) => known.suggestModels(id));
  const hint = near.length === 0 ? "" : ` (nearest known ids: ${near.slice(0, 3).join(", ")})`;
  return `The context length of ${ids.join(", ")} is not known${hint}: ` +
    "Claude Code compacts by its own guess";
}

function describeSmall(id: string, size: number): string {
  const say = (tokens: number) => tokens.toLocaleString("en-US");
  return `${id} takes ${say(size)} tokens, but Claude Code compacts no earlier than at ` +
    `${say(LEAST_WINDOW)}: use /compact there, or choose a larger model`;
}
