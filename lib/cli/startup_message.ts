/**
 * Prints the startup message: four lines (address, upstream, models, clients), a fifth for the history, then warnings with their remedies.
 * @module
 */

import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { createColorizer, stripControlChars } from "../colors.ts";
import { findLimits } from "../routes/budget.ts";
import { describeAccess, requiresClientKeys } from "./serve.ts";
import {
  describeTarget,
  findTargetWarnings,
  groupByTarget,
  isForClaude,
  TARGET_VARIABLES,
} from "./model_targets.ts";
import { canShowColors, printLine } from "./terminal.ts";

const SHORTEST_KEY = 16;

/** Contents of the startup message. */
export interface StartupMessageOptions {
  config: Config;
  /** Warnings from reading the settings. */
  notes: readonly string[];
  log: Log;
  /** The file of the history and how long it keeps requests; null for none. */
  history?: string | null;
}

/** Prints the startup message as text, or as log lines with LOG_FORMAT=json. */
export function printStartupMessage(
  url: string,
  { config, notes, log, history = null }: StartupMessageOptions,
): void {
  const lines = describeStart(url, config, history);
  const warnings = [...notes, ...findWarnings(config)];
  if (config.logFormat === "json") {
    for (const line of lines) log.write("info", line);
    for (const warning of warnings) log.write("warn", warning);
    return;
  }
  const paint = createColorizer(canShowColors());
  for (const line of lines) printLine(stripControlChars(line));
  for (const warning of warnings) {
    printLine(`${paint("yellow", "warning:")} ${stripControlChars(warning)}`);
  }
}

/** The four lines, or five with a history. @param url the server's address for local clients */
export function describeStart(
  url: string,
  config: Config,
  history: string | null = null,
): string[] {
  const models = groupByTarget(config.targets)
    .map(({ families, target }) => {
      const isDirect = config.dialect === "auto" && isForClaude(target);
      return `${families.join(", ")} → ${describeTarget(target)}${
        isDirect ? " via /messages" : ""
      }`;
    });
  const base = config.onDenoDeploy ? "this app's address" : url;
  const rows = [
    ["upstream", `${config.baseUrl}, ${describeKey(config)}`],
    ["models", models.join("; ")],
    ["clients", `ANTHROPIC_BASE_URL=${base}, ANTHROPIC_AUTH_TOKEN=${describeToken(config)}`],
    ...history === null ? [] : [["history", history] as const],
  ] as const;
  return [
    `listening on ${config.host}:${new URL(url).port}, ${describeAccess(config)}`,
    ...rows.map(([name, text]) => `${name.padEnd("listening on".length)} ${text}`),
  ];
}

/** Likely problems, each with what to do about it. */
export function findWarnings(config: Config): string[] {
  const upstream = new URL(config.baseUrl);
  const isLocalOnly = !requiresClientKeys(config) && config.proxyApiKeys.length === 0;
  const warnings = findKeyWarnings(config);
  if (requiresClientKeys(config)) {
    warnings.push("No API key: set OPENROUTER_API_KEY=sk-or-… in .env or in the environment");
  }
  if (isLocalOnly && config.onDenoDeploy) {
    warnings.push("On Deno Deploy no client is local, so all get a 403: set PROXY_API_KEYS");
  } else if (isLocalOnly && !isLoopback(config.host)) {
    warnings.push(
      `HOST=${config.host} is reachable from the network, but remote clients get a 403: ` +
        "set HOST=127.0.0.1, or PROXY_API_KEYS to accept them",
    );
  }
  const unset = groupByTarget(config.targets).filter(({ target }) => target.isDefault)
    .flatMap(({ families }) => families.map((family) => TARGET_VARIABLES[family]))
    .filter((name) => name !== "TARGET_MODEL_FABLE");
  if (unset.length > 0) {
    warnings.push(
      `Using default models, which ${upstream.host} may no longer offer: set ${unset.join(", ")} ` +
        "to model ids of your choice, or to auto for the Claude model that a client requests",
    );
  }
  warnings.push(...findTargetWarnings(config), ...findLimitWarnings(config));
  const hasKey = config.openrouterApiKey !== null;
  if (hasKey && upstream.protocol === "http:" && !isLoopback(upstream.hostname)) {
    warnings.push("The API key is sent unencrypted: use https in OPENROUTER_BASE_URL");
  }
  return warnings;
}

/** Cases in which the daily limits cannot be enforced. */
export function findLimitWarnings(config: Config): string[] {
  const names = listLimitVariables(config);
  if (names.length === 0) return [];
  const { maxCostUsd, maxCostUsdPerKey } = findLimits(config);
  if (maxCostUsd === null && maxCostUsdPerKey === null) {
    return [
      `${names.join(" and ")} ${names.length > 1 ? "have" : "has"} no effect without ` +
      "OPENROUTER_API_KEY: each client pays with its own key, without a limit",
    ];
  }
  const { hostname } = new URL(config.baseUrl);
  if (isOpenRouter(hostname)) return [];
  return [
    `${names.join(" and ")} cannot be enforced if ${hostname} neither reports costs nor lists ` +
    "prices: set a limit there too, and watch today.uncounted in GET /stats",
  ];
}

/** The limits that are set. */
function listLimitVariables({ maxCostUsd, maxCostUsdPerKey }: Config): string[] {
  return [
    ...(maxCostUsd === null ? [] : ["MAX_COST_USD"]),
    ...(maxCostUsdPerKey === null ? [] : ["MAX_COST_USD_PER_KEY"]),
  ];
}

/** Keys that are short enough to be guessed. */
export function findKeyWarnings({ proxyApiKeys }: Config): string[] {
  const count = proxyApiKeys.filter((key) => key.length < SHORTEST_KEY).length;
  if (count === 0) return [];
  const keys = count === 1 ? "A key of PROXY_API_KEYS has" : `${count} keys of PROXY_API_KEYS have`;
  return [`${keys} fewer than ${SHORTEST_KEY} characters and can be guessed: use longer keys`];
}

function describeKey(config: Config): string {
  if (config.openrouterApiKey !== null) return "using OPENROUTER_API_KEY";
  return requiresClientKeys(config) ? "using each client's own key" : "without an API key";
}

function describeToken(config: Config): string {
  if (config.proxyApiKeys.length > 0) return "one of PROXY_API_KEYS";
  return requiresClientKeys(config) ? "their own sk-or-… key" : "any-word";
}

/** Whether a host is OpenRouter's. */
export function isOpenRouter(hostname: string): boolean {
  return /(^|\.)openrouter\.ai$/.test(hostname);
}

function isLoopback(host: string): boolean {
  return /^127\.|^\[?::1\]?$|^localhost$/.test(host);
}
