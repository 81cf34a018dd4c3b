/**
 * Builds Claude Code's settings for the launcher: the proxy's address and key, merged with the user's settings. The
 * models are in model_settings.ts. Pure; files, processes and the clock are in claude.ts.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import { StartError } from "../terminal.ts";
import type { ModelSettings } from "./model_settings.ts";
import { FAMILIES, type Variables } from "./variables.ts";

/** Disables Claude Code's request for the model list, among others. */
export const QUIET_VARIABLE = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC";

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
 * Merges the user's settings and ours. The user's models and windows take precedence, and our connection. Labels and
 * rows of models are left out if the user names other models.
 */
export function mergeSettings(
  user: JsonObject,
  { connection, models }: {
    connection: Variables;
    models: Pick<ModelSettings, "env" | "settings">;
  },
): JsonObject {
  const userEnv = readEnv(user);
  const namesModels = FAMILIES.some(([, variable]) => variable in userEnv);
  const { modelPicker, modelSettings, ...windows } = models.settings;
  const userWindows = isJsonObject(user["modelSettings"]) ? user["modelSettings"] : {};
  return {
    ...windows,
    ...(namesModels || modelPicker === undefined ? {} : { modelPicker }),
    ...user,
    // One window for all, as the user has set it, would lose to those of single models.
    ...("autoCompactWindow" in user || !isJsonObject(modelSettings)
      ? {}
      : { modelSettings: { ...modelSettings, ...userWindows } }),
    env: { ...(namesModels ? omitLabels(models.env) : models.env), ...userEnv, ...connection },
  };
}

function omitLabels(env: Variables): Variables {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/_MODEL_(NAME|DESCRIPTION)$/.test(name)),
  );
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
