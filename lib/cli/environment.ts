/**
 * Loads the settings: environment variables, then one settings file. Never prompts for a permission. Decides which
 * settings of a file are used if the API key comes from the environment.
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
import { resolveAliases } from "../config_aliases.ts";
import { type EnvFile, type FileChoice, readEnvFile, resolvePath } from "./env_file.ts";
import { readGranted } from "./read_granted.ts";
import { StartError } from "./terminal.ts";
import { describeUnknown } from "./unknown_variables.ts";

/** The configuration and warnings about it. */
export interface Environment {
  config: Config;
  /** Warnings, one line each. */
  notes: string[];
}

/** The settings as text, not yet validated. */
export interface EnvSources {
  /** Looks up the environment, then the settings file. */
  env: Env;
  /** The source of a variable's value: `environment`, the name of the file, or `default`. */
  sourceOf(name: string): string;
  notes: string[];
  /** Set if the API key of one source would be sent to the base URL of another. */
  mixed?: MixedSources;
}

/** The sources of the API key and of the base URL. */
export interface MixedSources {
  key: string;
  baseUrl: string;
  /** The host of the base URL, without credentials that a URL may contain. */
  host: string;
}

/**
 * Settings that give others access or write a file: a repository's file may not set them for a key that is not its own.
 */
const TRUSTED_SETTINGS = ["HOST", "PROXY_API_KEYS", "ALLOWED_ORIGINS", "HISTORY"] as const;
const ENVIRONMENT = "environment";

/**
 * Loads the configuration from the environment and a settings file; the environment takes precedence.
 * @throws {StartError} naming the variable and what is allowed, or the flag to add
 */
export function loadEnvironment(choice: FileChoice): Environment {
  const sources = readSources(choice);
  return { config: parseSources(sources), notes: sources.notes };
}

/**
 * Reads the settings without validating them.
 * @throws {StartError} without permission, or if the file cannot be read
 */
export function readSources(choice: FileChoice): EnvSources {
  requireEnvAccess();
  const file = readEnvFile(choice);
  const { notes, ...sources } = mergeSources(readGranted, file);
  const unknown = [
    describeUnknown(listEnvironment(), "the environment"),
    describeUnknown(Object.keys(file.values), file.name),
  ];
  return { ...sources, notes: [...notes, ...unknown.filter((line) => line !== null)] };
}

/** The names in the environment; none if only known variables may be read, as with `deno task start`. */
function listEnvironment(): string[] {
  const isComplete = Deno.permissions.querySync({ name: "env" }).state === "granted";
  if (!isComplete) return [];
  const names = Object.keys(Deno.env.toObject());
  // There names have no case.
  return Deno.build.os === "windows" ? names.map((name) => name.toUpperCase()) : names;
}

/**
 * Merges the environment with the settings of the file that are allowed.
 * @throws {StartError} if a variable has two values in one of them, under two names
 */
export function mergeSources(environment: Env, file: EnvFile): EnvSources {
  // Each by itself: a variable of the environment takes precedence over its alias in the file.
  const fromEnvironment = reportInvalid(() => resolveAliases(environment));
  const fromFile = reportInvalid(() => resolveAliases((name) => readSetting(file, name)));
  const readEnvironment = (name: string) => fromEnvironment(name)?.trim() || undefined;
  const readFile = (name: string) => fromFile(name)?.trim() || undefined;
  const key = readEnvironment("OPENROUTER_API_KEY");
  // A file with the same key already has it, so it is trusted.
  const isKeyOfUser = key !== undefined && key !== readFile("OPENROUTER_API_KEY");
  const ignored = TRUSTED_SETTINGS.filter((name) =>
    isKeyOfUser && readEnvironment(name) === undefined && readFile(name) !== undefined
  );
  const env = (name: string) =>
    readEnvironment(name) ?? (ignored.some((one) => one === name) ? undefined : readFile(name));
  const sourceOf = (name: string) => {
    if (readEnvironment(name) !== undefined) return ENVIRONMENT;
    return env(name) === undefined ? "default" : file.name;
  };
  const mixed = findMixed({ env, sourceOf }, key === undefined || isKeyOfUser);
  const notes = [...file.notes, ...describeIgnored(ignored, file.name)];
  return { env, sourceOf, notes, ...(mixed !== null && { mixed }) };
}

/** A relative path is one beside the file: `claude` is started in all kinds of folders. */
function readSetting({ name: path, values }: EnvFile, name: string): string | undefined {
  const value = values[name]?.trim() || undefined;
  const folder = /^(.*)[\\/]/s.exec(path)?.[1];
  if (name !== "HISTORY" || value === undefined || folder === undefined) return value;
  return resolvePath(value, folder);
}

/** @param isInOneSource whether only one of the two sources has this API key */
function findMixed(
  { env, sourceOf }: Pick<EnvSources, "env" | "sourceOf">,
  isInOneSource: boolean,
): MixedSources | null {
  const baseUrl = env("OPENROUTER_BASE_URL")?.replace(/\/+$/, "") ?? "";
  const defaultUrl = VARIABLES.find(({ name }) => name === "OPENROUTER_BASE_URL")?.default;
  const [keySource, urlSource] = [sourceOf("OPENROUTER_API_KEY"), sourceOf("OPENROUTER_BASE_URL")];
  if (!isInOneSource || keySource === "default" || urlSource === "default") return null;
  if (keySource === urlSource || baseUrl === defaultUrl) return null;
  const host = URL.parse(baseUrl)?.host ?? "";
  return { key: describeSource(keySource), baseUrl: describeSource(urlSource), host };
}

function describeSource(source: string): string {
  return source === ENVIRONMENT ? "the environment" : source;
}

function describeIgnored(names: readonly string[], file: string): string[] {
  if (names.length === 0) return [];
  const list = names.join(", ");
  return [
    `Ignored ${list} from ${file}, because OPENROUTER_API_KEY is from the environment: ` +
    `set ${names.length === 1 ? "it" : "them"} there`,
  ];
}

/**
 * Validates the settings, and rejects an API key that would be sent to the base URL of another source.
 * @throws {StartError} naming both sources, or the variable, its value and what is allowed
 */
export function parseSources({ env, mixed }: EnvSources): Config {
  if (mixed === undefined) return parseConfig(env);
  const { key, baseUrl, host } = mixed;
  throw new StartError(
    `OPENROUTER_API_KEY is from ${key}, but OPENROUTER_BASE_URL (${host}) from ${baseUrl}: nothing was sent. Set both in the same place to allow it`,
  );
}

/** @throws {StartError} naming the variable, its value and what is allowed */
export function parseConfig(env: Env): Config {
  return reportInvalid(() => loadConfig(env));
}

/** @throws {StartError} for an invalid setting */
function reportInvalid<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Checks the permissions to listen and to call upstream.
 * @throws {StartError} naming the flag to add
 */
export function requireNetAccess(config: NetConfig): void {
  for (const address of [toListenAddress(config), toUpstreamAddress(config)]) {
    if (!mayReach(address)) throw new StartError(`No permission for ${describeFlag(address)}`);
  }
}

/** The settings that need net access. */
export type NetConfig = Pick<Config, "host" | "port" | "baseUrl">;

/** The address the server listens on, in the form of `--allow-net`. */
export function toListenAddress({ host, port }: Pick<Config, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The address of upstream, in the form of `--allow-net`. */
export function toUpstreamAddress({ baseUrl }: Pick<Config, "baseUrl">): string {
  const { hostname, port, protocol } = new URL(baseUrl);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

/** Whether net access to an address is permitted. Never prompts. */
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
