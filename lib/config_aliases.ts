/**
 * Other names of variables: many users look for the names of Claude's models. Not in the table of docs/configuration.md.
 * @module
 */

import { ConfigError } from "./config_parsers.ts";

/** Reads one environment variable; undefined if it is not set. */
type Env = (name: string) => string | undefined;

/** Alias → variable. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ["TARGET_MODEL_SONNET", "TARGET_MODEL_BIG"],
  ["TARGET_MODEL_HAIKU", "TARGET_MODEL_SMALL"],
]);

/**
 * Reads a variable under both of its names; an alias itself is undefined in the result.
 * @throws {ConfigError} if a variable and its alias have different values
 */
export function resolveAliases(env: Env): Env {
  const values = new Map<string, string>();
  for (const [alias, name] of ALIASES) {
    const value = env(alias)?.trim();
    if (!value) continue;
    const other = env(name)?.trim();
    if (other && other !== value) {
      throw new ConfigError(
        `${alias} and ${name} are two names of one setting and have different values: remove one`,
      );
    }
    values.set(name, value);
  }
  return (name) => values.get(name) ?? (ALIASES.has(name) ? undefined : env(name));
}
