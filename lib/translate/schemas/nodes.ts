/**
 * The structure of JSON Schema: which keywords hold further schemas, and where a reference points. Pure.
 * Everything else in a schema is data: `enum`, `const`, `default` and `examples` may hold objects that look like
 * schemas, and a property may be called `pattern`.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";

/** Deeper schemas are left as they are; people's end at ten. */
export const MAX_DEPTH = 64;

/** Keywords that hold one schema. */
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
/** Keywords that hold a list of schemas. `items` did so until draft 2019-09. */
const LISTS: ReadonlySet<string> = new Set(["allOf", "anyOf", "items", "oneOf", "prefixItems"]);
/** Keywords that hold schemas by name. */
const MAPS: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);
/** Keywords where true and false are the usual form, which every validator takes. */
const SWITCHES: ReadonlySet<string> = new Set([
  "additionalItems",
  "additionalProperties",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/** A place in a schema, linked from the inside out: most places are never written down. */
export interface Place {
  readonly key: string;
  readonly above: Place | null;
}

/** The place as a path. */
export function formatPlace(place: Place | null): string {
  const keys: string[] = [];
  for (let at = place; at !== null; at = at.above) keys.push(at.key);
  return keys.reverse().join(".");
}

/**
 * The value of a keyword with the schemas in it replaced; data as it is. Boolean schemas become objects.
 * @param replace gets each schema with its place
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
    return value.map((one: unknown, index) => visit(one, { key: String(index), above: place }));
  }
  if (isJsonObject(value) && MAPS.has(key)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, visit(one, { key: name, above: place })]),
    );
  }
  return SINGLE.has(key) && !(SWITCHES.has(key) && typeof value === "boolean")
    ? visit(value, place)
    : value;
}

/** A schema as an object: true allows everything, false nothing. Null for what is not a schema. */
function toObject(schema: unknown): JsonObject | null {
  if (isJsonObject(schema)) return schema;
  if (typeof schema !== "boolean") return null;
  return schema ? {} : { not: {} };
}

/** What a local reference points to; undefined for other documents and for what is not there. */
export function findTarget(root: JsonObject, reference: unknown): JsonObject | undefined {
  if (typeof reference !== "string" || !reference.startsWith("#")) return undefined;
  let target: unknown = root;
  for (const key of splitPointer(reference)) {
    if (!isHolder(target) || !Object.hasOwn(target, key)) return undefined;
    target = Reflect.get(target, key);
  }
  return isJsonObject(target) ? target : undefined;
}

function isHolder(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The keys of a JSON pointer in a fragment. */
export function splitPointer(reference: string): string[] {
  return reference.slice(1).split("/").slice(1).map((key) =>
    unescapeUri(key).replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

function unescapeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The types that a schema names; empty where it names none. */
export function listTypes({ type }: JsonObject): unknown[] {
  if (Array.isArray(type)) return type;
  return type === undefined ? [] : [type];
}

/** The object under a keyword; empty for everything else. */
export function objectAt(node: JsonObject, key: string): JsonObject {
  const value = node[key];
  return isJsonObject(value) ? value : {};
}

/** The list under a keyword; empty for everything else. */
export function listAt(node: JsonObject, key: string): unknown[] {
  const value = node[key];
  return Array.isArray(value) ? value : [];
}

/** A schema without some keywords. */
export function without(node: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(node).filter(([key]) => !keys.includes(key)));
}

/** Whether two JSON values are written alike. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
