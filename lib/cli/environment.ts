/**
 * The environment as it may be read: named variables, `./.env` behind them, and no prompt ever.
 * @module
 */

import { parse } from "@std/dotenv/parse";
import {
  type Config,
  ConfigError,
  DEPLOY_VARIABLE,
  type Env,
  loadConfig,
  VARIABLES,
} from "../config.ts";
import { StartError } from "./terminal.ts";

/** What was found at the start. */
export interface Environment {
  config: Config;
  /** Things the person should know, a line each. */
  notes: string[];
}

/**
 * Reads the configuration from the environment and `./.env`; the real environment wins.
 * @throws {StartError} one line: the variable and its cure, or the exact flag to add
 */
export function loadEnvironment(): Environment {
  requireEnvAccess();
  const { values, notes } = readDotenv();
  const env: Env = (name) => Deno.env.get(name)?.trim() || values[name];
  try {
    return { config: loadConfig(env), notes };
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Asks the runtime whether the server may listen and call upstream, so that it never prompts.
 * @throws {StartError} with the exact flag to add
 */
export function requireNetAccess(config: Pick<Config, "host" | "port" | "baseUrl">): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const upstream = new URL(config.baseUrl);
  const port = upstream.port || (upstream.protocol === "https:" ? "443" : "80");
  for (const address of [`${host}:${config.port}`, `${upstream.hostname}:${port}`]) {
    if (Deno.permissions.querySync({ name: "net", host: address }).state === "granted") continue;
    throw new StartError(`No permission for ${address}: add --allow-net=${address}`);
  }
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
