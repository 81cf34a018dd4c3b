/**
 * The structure of JSON Schema: which keywords contain schemas, and how references are resolved.
 * Everything else is data: `enum`, `const`, `default` and `examples` may contain objects that look like schemas, and a
 * property may be named `pattern`.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";

/** Deeper schemas are left unchanged; hand-written ones end at about ten. */
export const MAX_DEPTH = 64;

/** Keywords that contain one schema. */
const SINGLE: ReadonlySet<string> = new Set([
  "additionalItems",
  "additionalProperties",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
/** Keywords that contain a list of schemas; `items` until draft 2019-09. */
const LISTS: ReadonlySet<string> = new Set(["allOf", "anyOf", "items", "oneOf", "prefixItems"]);
/** Keywords that contain schemas by name. */
const MAPS: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);
/** Keywords usually set to true or false, which every validator accepts. */
const BOOLEANS: ReadonlySet<string> = new Set([
  "additionalItems",
  "additionalProperties",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** A location in a schema, linked from the inside out: most are never formatted. */
export interface Place {
  readonly key: string;
  readonly parent: Place | null;
}

/** The location as a path. */
export function formatPlace(place: Place | null): string {
  const keys: string[] = [];
  for (let at = place; at !== null; at = at.parent) keys.push(at.key);
  return keys.reverse().join(".");
}

/**
 * Replaces the schemas in the value of a keyword; data is kept. Boolean schemas become objects. Returns the same value
 * if no schema in it changes: most keywords contain none, and most schemas need no change.
 * @param replace called with each schema and its location
 */
export function mapSchemas(
  place: Place,
  value: unknown,
  replace: (schema: JsonObject, place: Place) => JsonObject,
): unknown {
  const { key } = place;
  const visit = (schema: unknown, at: Place) => {
    const object = toObject(schema);
    return object === null ? schema : replace(object, at);
  };
  if (Array.isArray(value)) {
    if (!LISTS.has(key)) return value;
    const list = value.map((one, index) => visit(one, { key: String(index), parent: place }));
    return list.every((one, index) => one === value[index]) ? value : list;
  }
  if (isJsonObject(value) && MAPS.has(key)) {
    return mapValues(value, (one, name) => visit(one, { key: name, parent: place }));
  }
  return SINGLE.has(key) && !(BOOLEANS.has(key) && typeof value === "boolean")
    ? visit(value, place)
    : value;
}

/**
 * The object with other values; the same object if all values stay the same.
 * @param map called with each value and its key; undefined removes the key
 */
export function mapValues(
  object: JsonObject,
  map: (value: unknown, key: string) => unknown,
): JsonObject {
  let hasChanged = false;
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(object)) {
    const value = map(object[key], key);
    hasChanged ||= value !== object[key];
    if (value !== undefined) entries.push([key, value]);
  }
  // Not by assignment, for which `__proto__` is no key.
  return hasChanged ? Object.fromEntries(entries) : object;
}

/** A schema as an object: true accepts everything, false nothing. Null if the value is not a schema. */
function toObject(schema: unknown): JsonObject | null {
  if (isJsonObject(schema)) return schema;
  if (typeof schema !== "boolean") return null;
  return schema ? {} : { not: {} };
}

/** The target of a local reference; undefined if it does not exist or is in another document. */
export function findTarget(root: JsonObject, reference: unknown): JsonObject | undefined {
  if (typeof reference !== "string" || !reference.startsWith("#")) return undefined;
  let target: unknown = root;
  for (const key of splitPointer(reference)) {
    if (!isObject(target) || !Object.hasOwn(target, key)) return undefined;
    target = Reflect.get(target, key);
  }
  return isJsonObject(target) ? target : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The keys of a JSON pointer in a URI fragment. */
export function splitPointer(reference: string): string[] {
  return reference.split("/").slice(1)
    .map((key) => unescapeUri(key).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function unescapeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The types that a schema declares. */
export function listTypes({ type }: JsonObject): unknown[] {
  if (Array.isArray(type)) return type;
  return type === undefined ? [] : [type];
}

/** The object under a keyword; {} if the value is not an object. */
export function objectAt(node: JsonObject, key: string): JsonObject {
  const value = node[key];
  return isJsonObject(value) ? value : {};
}

/** The list under a keyword; [] if the value is not a list. */
export function listAt(node: JsonObject, key: string): unknown[] {
  const value = node[key];
  return Array.isArray(value) ? value : [];
}

/** A copy without some keywords; the same object if it has none of them. */
export function without(node: JsonObject, ...keys: string[]): JsonObject {
  if (!keys.some((key) => Object.hasOwn(node, key))) return node;
  return Object.fromEntries(Object.entries(node).filter(([key]) => !keys.includes(key)));
}

/** Whether two JSON values have the same text. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
