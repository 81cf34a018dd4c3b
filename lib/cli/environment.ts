/**
 * The settings as they may be read: named variables, one settings file behind them, and no prompt ever. Decides what
 * of a file counts beside a key that is not from there.
 * @module
 */

import {
  type Config,
  ConfigError,
  DEPLOY_VARIABLE,
  type Env,
  loadConfig,
  VARIABLES,
} from "../config.ts";
import { type EnvFile, type FileChoice, readEnvFile } from "./env_file.ts";
import { StartError } from "./terminal.ts";

/** What was found at the start. */
export interface Environment {
  config: Config;
  /** Things the person should know, a line each. */
  notes: string[];
}

/** The settings as text, before anybody has judged them. */
export interface EnvSources {
  /** The environment, and the settings file behind it. */
  env: Env;
  /** Where the value of a variable comes from: `environment`, the name of the file, or `default`. */
  sourceOf(name: string): string;
  notes: string[];
  /** Set where the key of one source would go to the address of another. */
  mixed?: MixedSources;
}

/** Where a key and the address that it would go to come from. */
export interface MixedSources {
  key: string;
  baseUrl: string;
  /** The address, without what a URL may hide. */
  host: string;
}

/** What opens the proxy to others: not for the file of a repository to say about a key that is not its own. */
const OPENING = ["HOST", "PROXY_API_KEYS", "ALLOWED_ORIGINS"] as const;
const ENVIRONMENT = "environment";

/**
 * Reads the configuration from the environment and a settings file; the real environment wins.
 * @throws {StartError} one line: the variable and its cure, or the exact flag to add
 */
export function loadEnvironment(choice: FileChoice): Environment {
  const sources = readSources(choice);
  return { config: parseSources(sources), notes: sources.notes };
}

/**
 * Reads the settings without judging them.
 * @throws {StartError} where they may not be read, or the file cannot be
 */
export function readSources(choice: FileChoice): EnvSources {
  requireEnvAccess();
  return mergeSources((name) => Deno.env.get(name), readEnvFile(choice));
}

/** The environment's values, and behind them those of the file that may count. */
export function mergeSources(environment: Env, file: EnvFile): EnvSources {
  const readOwn = (name: string) => environment(name)?.trim() || undefined;
  const readFile = (name: string) => file.values[name]?.trim() || undefined;
  const key = readOwn("OPENROUTER_API_KEY");
  // A file that holds the same key has nothing to gain by it.
  const isForeign = key !== undefined && key !== readFile("OPENROUTER_API_KEY");
  const ignored = OPENING.filter((name) =>
    isForeign && readOwn(name) === undefined && readFile(name) !== undefined
  );
  const env = (name: string) =>
    readOwn(name) ?? (ignored.some((one) => one === name) ? undefined : readFile(name));
  const findOrigin = (name: string) => {
    if (readOwn(name) !== undefined) return ENVIRONMENT;
    return env(name) === undefined ? "default" : file.name;
  };
  const mixed = findMixed({ env, sourceOf: findOrigin }, key === undefined || isForeign);
  const notes = [...file.notes, ...describeIgnored(ignored, file.name)];
  return { env, sourceOf: findOrigin, notes, ...(mixed !== null && { mixed }) };
}

/** @param isOneSided whether only one of the sources holds the key */
function findMixed(
  { env, sourceOf }: Pick<EnvSources, "env" | "sourceOf">,
  isOneSided: boolean,
): MixedSources | null {
  const baseUrl = env("OPENROUTER_BASE_URL")?.replace(/\/+$/, "") ?? "";
  const standard = VARIABLES.find(({ name }) => name === "OPENROUTER_BASE_URL")?.default;
  const [key, from] = [sourceOf("OPENROUTER_API_KEY"), sourceOf("OPENROUTER_BASE_URL")];
  if (!isOneSided || key === "default" || from === "default") return null;
  if (key === from || baseUrl === standard) return null;
  return { key: nameSource(key), baseUrl: nameSource(from), host: URL.parse(baseUrl)?.host ?? "" };
}

function nameSource(origin: string): string {
  return origin === ENVIRONMENT ? "the environment" : origin;
}

function describeIgnored(names: readonly string[], file: string): string[] {
  if (names.length === 0) return [];
  const list = names.join(", ");
  return [
    `Ignored ${list} of ${file}, because OPENROUTER_API_KEY is from the environment: ` +
    `set ${names.length === 1 ? "it" : "them"} there`,
  ];
}

/**
 * The configuration, unless a key would go where another source says.
 * @throws {StartError} one line: where key and address come from, or the variable, its value and what is allowed
 */
export function parseSources({ env, mixed }: EnvSources): Config {
  if (mixed === undefined) return parseConfig(env);
  const { key, baseUrl, host } = mixed;
  throw new StartError(
    `OPENROUTER_API_KEY is from ${key}, but OPENROUTER_BASE_URL (${host}) from ${baseUrl}: nothing was sent. Set both in the same place to allow it`,
  );
}

/** @throws {StartError} one line: the variable, its value and what is allowed */
export function parseConfig(env: Env): Config {
  try {
    return loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Asks the runtime whether the server may listen and call upstream, so that it never prompts.
 * @throws {StartError} with the exact flag to add
 */
export function requireNetAccess(config: NetConfig): void {
  for (const address of [toListenAddress(config), toUpstreamAddress(config)]) {
    if (!mayReach(address)) throw new StartError(`No permission for ${describeFlag(address)}`);
  }
}

/** The settings that need the net. */
export type NetConfig = Pick<Config, "host" | "port" | "baseUrl">;

/** Where the server listens, as the runtime's permissions name it. */
export function toListenAddress({ host, port }: Pick<Config, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Where upstream is, as the runtime's permissions name it. */
export function toUpstreamAddress({ baseUrl }: Pick<Config, "baseUrl">): string {
  const { hostname, port, protocol } = new URL(baseUrl);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

/** Asks without ever prompting. */
export function mayReach(address: string): boolean {
  return Deno.permissions.querySync({ name: "net", host: address }).state === "granted";
}

/** `127.0.0.1:80: add --allow-net=127.0.0.1:80` */
export function describeFlag(address: string): string {
  return `${address}: add --allow-net=${address}`;
}

function requireEnvAccess(): void {
  const names = [...VARIABLES.map((variable) => variable.name), DEPLOY_VARIABLE];
  const missing = names.filter((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state !== "granted"
  );
  if (missing.length === 0) return;
  throw new StartError(`No permission to read the settings: add --allow-env=${missing.join(",")}`);
}
