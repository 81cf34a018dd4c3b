/**
 * The questions every reader of unknown JSON asks.
 * @module
 */

/** A JSON object whose keys nobody has looked at yet. */
export type JsonObject = Record<string, unknown>;

/** Whether a JSON value is an object: not null, not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text; "" for everything else. */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** JSON text → value; undefined where it is no JSON, which no JSON text yields. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
