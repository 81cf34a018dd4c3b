/**
 * Type guards, parsing and scanning for unknown JSON.
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

/**
 * The position after the quotation mark that ends a JSON string; the end of the text for an unterminated one.
 * @param start the position after the quotation mark that begins it
 */
export function findStringEnd(text: string, start: number): number {
  for (let quote = text.indexOf('"', start); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return text.length;
}
