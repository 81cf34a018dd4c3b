/**
 * Text as servers send it: a string, or a list of parts. Pure.
 * @module
 */

import { isJsonObject } from "../../json.ts";

/** The text of a `content`; "" for everything that holds none. */
export function readText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return "";
  return value.map((part) => isJsonObject(part) ? readText(part["text"]) : "").join("");
}

/** Names are kept for the log and the page, and looked up with every block: long ones are cut. */
const MAX_NAME_CHARS = 256;

/** The name of a model or provider; "" for none. */
export function readName(value: unknown): string {
  return readText(value).slice(0, MAX_NAME_CHARS);
}
