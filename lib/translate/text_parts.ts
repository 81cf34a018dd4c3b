/**
 * Text as servers send it: a string, or a list of parts. Pure.
 * @module
 */

import { isJsonObject } from "../json.ts";

/** The text of a `content`; "" for everything that holds none. */
export function readText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.map((part) => isJsonObject(part) ? readText(part["text"]) : "").join("");
}
