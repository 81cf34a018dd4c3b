/**
 * Type guards and parsing for unknown JSON.
 * @module
 */

/** A JSON object with unchecked values. */
export type JsonObject = Record<string, unknown>;

/** Whether a JSON value is an object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is a string, else "". */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Parses JSON; undefined, which is not a JSON value, if the text is invalid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
