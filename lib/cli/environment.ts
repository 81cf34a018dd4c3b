/**
 * The environment as it may be read: named variables, `./.env` behind them, and no prompt ever.
 * @module
 */

import { parse } from "@std/dotenv/parse";
import { type Config, ConfigError, type Env, loadConfig } from "../config.ts";
import { DEPLOY_VARIABLE, VARIABLES } from "../variables.ts";
import { StartError } from "./terminal.ts";

/** What was found at the start. */
export interface Environment {
  config: Config;
  /** Things the person should know, a line each. */
  notes: string[];
}

/** The settings as text, before anybody has judged them. */
export interface Sources {
  /** The environment, and `./.env` behind it. */
  env: Env;
  /** Where the value of a variable comes from. */
  findOrigin(name: string): Origin;
  notes: string[];
}

export type Origin = "environment" | ".env" | "default";

/**
 * Reads the configuration from the environment and `./.env`; the real environment wins.
 * @throws {StartError} one line: the variable and its cure, or the exact flag to add
 */
export function loadEnvironment(): Environment {
  const { env, notes } = readSources();
  return { config: judgeSettings(env), notes };
}

/**
 * Reads the settings without judging them.
 * @throws {StartError} where they may not be read, or `.env` cannot be
 */
export function readSources(): Sources {
  requireEnvAccess();
  const { values, notes } = readDotenv();
  const readOwn = (name: string) => Deno.env.get(name)?.trim() || undefined;
  return {
    env: (name) => readOwn(name) ?? values[name],
    findOrigin(name) {
      if (readOwn(name) !== undefined) return "environment";
      return values[name]?.trim() ? ".env" : "default";
    },
    notes,
  };
}

/** @throws {StartError} one line: the variable, its value and what is allowed */
export function judgeSettings(env: Env): Config {
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

function readDotenv(): { values: Record<string, string>; notes: string[] } {
  if (Deno.permissions.querySync({ name: "read", path: ".env" }).state !== "granted") {
    return { values: {}, notes: ["Not reading .env: add --allow-read=.env if there is one"] };
  }
  let text: string;
  try {
    text = Deno.readTextFileSync(".env");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { values: {}, notes: [] };
    throw new StartError(".env cannot be read: it must be a readable text file", { cause: error });
  }
  try {
    return { values: parse(text), notes: [] };
  } catch (cause) {
    // An unquoted $NAME is looked up in the environment, where only our own names may be read.
    throw new StartError(".env cannot be used: put values that contain $ into single quotes", {
      cause,
    });
  }
}
