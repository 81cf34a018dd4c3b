/**
 * Reads an environment variable without ever prompting.
 * @module
 */

/** Undefined if it is blank, or without permission, where `Deno.env.get` would prompt or throw. */
export function readGranted(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable)?.trim() || undefined : undefined;
}
