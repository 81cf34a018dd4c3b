/**
 * What the terminal says when the proxy has started: four lines (address, upstream, models, clients), then
 * warnings that name their cure.
 * @module
 */

import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { createColorizer, stripControlChars } from "../colors.ts";
import { findLimit } from "../routes/budget.ts";
import { describeAccess } from "./serve.ts";
import { groupByTarget, TARGET_VARIABLES } from "./model_targets.ts";
import { canShowColors, printLine } from "./terminal.ts";

const SHORTEST_KEY = 16;

/** What is said besides the configuration. */
export interface StartupMessageOptions {
  config: Config;
  /** What was found while the settings were read; said among the warnings. */
  notes: readonly string[];
  log: Log;
}

/** Says that the server listens. Lines for people, unless LOG_FORMAT=json was asked for by name. */
export function printStartupMessage(
  url: string,
  { config, notes, log }: StartupMessageOptions,
): void {
  const lines = describeStart(url, config);
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

/**
 * The four lines of a start.
 * @param url where the server can be reached from this machine
 */
export function describeStart(url: string, config: Config): string[] {
  const payer = config.openrouterApiKey === null ? "each client's own key" : "OPENROUTER_API_KEY";
  const models = groupByTarget(config.targets)
    .map(({ families, target }) => `${families.join(", ")} → ${target.models.join(", ")}`);
  const base = config.onDenoDeploy ? "this app's address" : url;
  const rows = [
    ["upstream", `${config.baseUrl}, paid by ${payer}`],
    ["models", models.join("; ")],
    ["clients", `ANTHROPIC_BASE_URL=${base}, ANTHROPIC_AUTH_TOKEN=${describeToken(config)}`],
  ] as const;
  return [
    `listening on ${config.host}:${new URL(url).port}, ${describeAccess(config)}`,
    ...rows.map(([name, text]) => `${name.padEnd("listening on".length)} ${text}`),
  ];
}

/** What is likely to go wrong, each with what to do about it. */
export function findWarnings(config: Config): string[] {
  const isHeld = config.openrouterApiKey !== null;
  const isOpen = config.proxyApiKeys.length > 0;
  const warnings = findKeyWarnings(config);
  if (!isHeld) {
    warnings.push("no key: put OPENROUTER_API_KEY=sk-or-… into .env or the environment");
  }
  if (isHeld && !isOpen && config.onDenoDeploy) {
    warnings.push("nobody is local on Deno Deploy, all get a 403: set PROXY_API_KEYS");
  } else if (isHeld && !isOpen && !isLoopback(config.host)) {
    warnings.push(
      `HOST=${config.host} can be reached from the network, where all get a 403: ` +
        "set HOST=127.0.0.1, or PROXY_API_KEYS to let them in",
    );
  }
  const unset = groupByTarget(config.targets).filter(({ target }) => target.isDefault)
    .flatMap(({ families }) => families.map((family) => TARGET_VARIABLES[family]))
    .filter((name) => name !== "TARGET_MODEL_FABLE");
  if (unset.length > 0) {
    warnings.push(
      `default models, which OpenRouter may no longer have: set ${unset.join(", ")} to ids of ` +
        "your choice, or to auto for the Claude that was asked for",
    );
  }
  warnings.push(...findLimitWarnings(config));
  const upstream = new URL(config.baseUrl);
  if (isHeld && upstream.protocol === "http:" && !isLoopback(upstream.hostname)) {
    warnings.push("the key travels unencrypted: use https in OPENROUTER_BASE_URL");
  }
  return warnings;
}

/** Where MAX_COST_USD may not hold. */
export function findLimitWarnings(config: Config): string[] {
  if (config.maxCostUsd === null) return [];
  if (findLimit(config) === null) {
    return [
      "MAX_COST_USD limits what OPENROUTER_API_KEY spends, and none is set: " +
      "each client pays with its own key, without a limit",
    ];
  }
  const { hostname } = new URL(config.baseUrl);
  if (hostname === "openrouter.ai" || hostname.endsWith(".openrouter.ai")) return [];
  return [
    `MAX_COST_USD cannot hold if ${hostname} neither reports costs nor lists prices: set a limit ` +
    "there too, and watch today.uncounted in GET /stats",
  ];
}

/** Keys that can be guessed. */
export function findKeyWarnings({ proxyApiKeys }: Config): string[] {
  const short = proxyApiKeys.filter((key) => key.length < SHORTEST_KEY).length;
  if (short === 0) return [];
  const which = short === 1
    ? "a key of PROXY_API_KEYS has"
    : `${short} keys of PROXY_API_KEYS have`;
  return [`${which} under ${SHORTEST_KEY} characters and can be guessed: make up longer ones`];
}

function describeToken({ proxyApiKeys, openrouterApiKey }: Config): string {
  if (proxyApiKeys.length > 0) return "one of PROXY_API_KEYS";
  return openrouterApiKey === null ? "an sk-or-… key of their own" : "any-word";
}

function isLoopback(host: string): boolean {
  return /^127\.|^\[?::1\]?$|^localhost$/.test(host);
}
