/**
 * Prints the startup message: address, upstream, models, dashboard, history if there is one, the lines for Claude Code,
 * and warnings with their remedies.
 * @module
 */

import { type Access, findAccess, requiresClientKeys } from "../auth.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { createColorizer, stripControlChars } from "../colors.ts";
import { findLimits } from "../routes/budget.ts";
import { toListenAddress } from "./environment.ts";
import { chooseLogFormat } from "./serve.ts";
import {
  describeTarget,
  findTargetWarnings,
  groupByTarget,
  isForClaude,
  TARGET_VARIABLES,
} from "./model_targets.ts";
import { canShowColors, printLine } from "./terminal.ts";

const SHORTEST_KEY = 16;
const LISTENING = "listening on";

/** Contents of the startup message. */
export interface StartupMessageOptions {
  config: Config;
  /** Warnings from reading the settings. */
  notes: readonly string[];
  log: Log;
  /** The file of the history and how long it keeps requests; null for none. */
  history?: string | null;
}

/** Prints the startup message as text, or as lines of the log if that is JSON. */
export function printStartupMessage(
  url: string,
  { config, notes, log, history = null }: StartupMessageOptions,
): void {
  const lines = describeStart(url, config, history);
  const client = describeClient(url, config);
  const source = describeTokenSource(config);
  const warnings = [...notes, ...findWarnings(config)];
  if (chooseLogFormat(config) === "json") {
    for (const line of [...lines, toRow("clients", client.join(", ") + source)]) {
      log.write("info", line);
    }
    for (const warning of warnings) log.write("warn", warning);
    return;
  }
  const paint = createColorizer(canShowColors());
  for (const line of lines) printLine(stripControlChars(line));
  printLine(`To use Claude Code, run these two lines where you start it${source}:`);
  for (const line of client) printLine(`  export ${stripControlChars(line)}`);
  for (const warning of warnings) {
    printLine(`${paint("yellow", "warning:")} ${stripControlChars(warning)}`);
  }
}

/** Which clients are accepted. */
const ACCESS: Readonly<Record<Access, string>> = {
  proxy_keys: "accepting clients with a key of PROXY_API_KEYS",
  client_keys:
    "OPENROUTER_API_KEY is not set: requests without an sk-or-… key of their own get a 401",
  local: "accepting local clients only; set PROXY_API_KEYS to accept remote clients",
};

/** The lines about the proxy. @param url the server's address for local clients */
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
  const address = toListenAddress({ host: config.host, port: Number(new URL(url).port || 80) });
  return [
    `${LISTENING} ${address}, ${ACCESS[findAccess(config)]}`,
    toRow("upstream", `${config.baseUrl}, ${describeKey(config)}`),
    toRow("models", models.join("; ")),
    ...(config.workers === 1 ? [] : [toRow("workers", `${config.workers} threads`)]),
    toRow("dashboard", toClientUrl(url, config)),
    ...(history === null ? [] : [toRow("history", history)]),
  ];
}

/** The two variables of a client, as `NAME=value`. */
export function describeClient(url: string, config: Config): [baseUrl: string, token: string] {
  return [
    `ANTHROPIC_BASE_URL=${toClientUrl(url, config)}`,
    `ANTHROPIC_AUTH_TOKEN=${describeToken(config)}`,
  ];
}

function toRow(name: string, text: string): string {
  return `${name.padEnd(LISTENING.length)} ${text}`;
}

function toClientUrl(url: string, { onDenoDeploy }: Config): string {
  return onDenoDeploy ? "https://your-app.deno.net" : url;
}

/**
 * Likely problems, each with what to do about it. A start with default settings has at most one, so that it is read:
 * without a key nothing else matters yet.
 */
export function findWarnings(config: Config): string[] {
  const upstream = new URL(config.baseUrl);
  const isLocalOnly = findAccess(config) === "local";
  const warnings = findKeyWarnings(config);
  if (isLocalOnly && config.onDenoDeploy) {
    warnings.push("On Deno Deploy no client is local, so all get a 403: set PROXY_API_KEYS");
  }
  if (requiresClientKeys(config)) warnings.push(describeMissingKey(upstream));
  else warnings.push(...findDefaultWarnings(config, upstream));
  warnings.push(...findTargetWarnings(config), ...findLimitWarnings(config));
  const hasKey = config.openrouterApiKey !== null;
  if (hasKey && upstream.protocol === "http:" && !isLoopback(upstream.hostname)) {
    warnings.push("The API key is sent unencrypted: use https in OPENROUTER_BASE_URL");
  }
  return warnings;
}

function describeMissingKey({ hostname, host }: URL): string {
  return isOpenRouter(hostname)
    ? "No API key: set OPENROUTER_API_KEY=sk-or-… in .env or in the environment"
    : `No API key: if ${host} needs none, set UPSTREAM_DIALECT=openai; else set OPENROUTER_API_KEY`;
}

/** Targets that upstream probably does not have. */
function findDefaultWarnings({ targets, dialect }: Config, { host, hostname }: URL): string[] {
  const isForOther = dialect === "openai" && !isOpenRouter(hostname);
  const names = groupByTarget(targets)
    .filter(({ target }) => target.isDefault || isForOther && target.models[0] === "auto")
    .flatMap(({ families }) => families.map((family) => TARGET_VARIABLES[family]))
    .filter((name) => name !== "TARGET_MODEL_FABLE");
  if (names.length === 0) return [];
  const list = names.join(", ");
  if (isForOther) return [`${host} has its own model names: set ${list} to them`];
  return [
    `Using default models, which ${host} may no longer offer: set ${list} ` +
    "to model ids of your choice, or to auto for the Claude model that a client requests",
  ];
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

/** Keys that are short enough to be guessed, and a key of another provider. */
export function findKeyWarnings(config: KeyConfig): string[] {
  const wrong = describeWrongKey(config);
  return [...(wrong === null ? [] : [wrong]), ...findShortKeys(config)];
}

/** The settings that the warnings about keys depend on. */
export type KeyConfig = Pick<
  Config,
  "proxyApiKeys" | "openrouterApiKey" | "baseUrl" | "dialect"
>;

/** Only the public start of the key is examined, and nothing of it is shown. */
function describeWrongKey({ openrouterApiKey: key, baseUrl, dialect }: KeyConfig): string | null {
  if (!isOpenRouter(new URL(baseUrl).hostname)) return null;
  const cure = "create one at https://openrouter.ai/settings/keys";
  if (key === null) return dialect === "openai" ? `OpenRouter needs an API key: ${cure}` : null;
  if (key.startsWith("sk-or-")) return null;
  return key.startsWith("sk-ant-")
    ? `OPENROUTER_API_KEY is a key of Anthropic, which OpenRouter rejects: ${cure}`
    : `OPENROUTER_API_KEY does not begin with sk-or- like OpenRouter's keys: ${cure}`;
}

function findShortKeys({ proxyApiKeys }: KeyConfig): string[] {
  const count = proxyApiKeys.filter((key) => key.length < SHORTEST_KEY).length;
  if (count === 0) return [];
  const keys = count === 1 ? "A key of PROXY_API_KEYS has" : `${count} keys of PROXY_API_KEYS have`;
  return [`${keys} fewer than ${SHORTEST_KEY} characters and can be guessed: use longer keys`];
}

function describeKey(config: Config): string {
  if (config.openrouterApiKey !== null) return "using OPENROUTER_API_KEY";
  return requiresClientKeys(config) ? "using each client's own key" : "without an API key";
}

/** Without a comment behind it: zsh does not allow one on a typed line. */
function describeToken(config: Config): string {
  if (config.proxyApiKeys.length > 0) return "KEY";
  return requiresClientKeys(config) ? "sk-or-…" : "any-word";
}

function describeTokenSource(config: Config): string {
  if (config.proxyApiKeys.length > 0) return " (KEY: one of PROXY_API_KEYS)";
  return requiresClientKeys(config) ? " (sk-or-…: your own OpenRouter key)" : "";
}

/** Whether a host is OpenRouter's. */
export function isOpenRouter(hostname: string): boolean {
  return /(^|\.)openrouter\.ai$/.test(hostname);
}

function isLoopback(host: string): boolean {
  return /^127\.|^\[?::1\]?$|^localhost$/.test(host);
}
