/**
 * Fixes for schemas that some validators reject. Each accepts the same values as before; if that is not possible, it
 * accepts more and reports the keyword.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { flatten, type SchemaContext } from "./flatten.ts";
import { isPortablePattern } from "./portable_patterns.ts";
import { findTarget, isSame, listAt, listTypes, objectAt, without } from "./nodes.ts";

/** Rewrites one schema; nested schemas are rewritten separately. */
export type SchemaFix = (node: JsonObject, context: SchemaContext) => JsonObject;

/** Removes `pattern` and keys of `patternProperties` that some regular expression dialects do not compile. */
export function dropPatterns(node: JsonObject, { drop }: SchemaContext): JsonObject {
  let fixed = node;
  const { pattern, patternProperties } = node;
  if (pattern !== undefined && !(typeof pattern === "string" && isPortablePattern(pattern))) {
    drop("pattern");
    fixed = without(fixed, "pattern");
  }
  if (!isJsonObject(patternProperties)) return fixed;
  const bad = Object.keys(patternProperties).filter((key) => !isPortablePattern(key));
  if (bad.length === 0) return fixed;
  for (const key of bad) drop(`patternProperties.${key}`);
  // Else it would reject the properties that the pattern allowed.
  if (node["additionalProperties"] !== undefined) drop("additionalProperties");
  return {
    ...without(fixed, "additionalProperties"),
    patternProperties: without(patternProperties, ...bad),
  };
}

/** Rewrites tuples to draft 2020-12: OpenAI and Anthropic validate against its meta-schema. */
export function modernizeTuples(node: JsonObject): JsonObject {
  const { items } = node;
  if (!Array.isArray(items)) return node;
  const rest = node["additionalItems"];
  return {
    ...without(node, "additionalItems"),
    prefixItems: items,
    items: rest === false ? { not: {} } : isJsonObject(rest) ? rest : {},
  };
}

/** OpenAI: "array schema missing items". */
export function addItems(node: JsonObject): JsonObject {
  return listTypes(node).includes("array") && node["items"] === undefined
    ? { ...node, items: {} }
    : node;
}

/** Groq: "'required' present but 'properties' is missing". */
export function addProperties(node: JsonObject): JsonObject {
  const needsProperties = node["required"] !== undefined && listTypes(node).includes("object");
  return needsProperties && node["properties"] === undefined ? { ...node, properties: {} } : node;
}

/** Gemini: "properties: only allowed for OBJECT type". They have no effect on other types. */
export function dropObjectKeys(node: JsonObject): JsonObject {
  const types = listTypes(node);
  return types.length === 0 || types.includes("object")
    ? node
    : without(node, "properties", "required");
}

/** Gemini and Moonshot reject a required property that `properties` does not define. */
export function requireDefined(node: JsonObject, { drop }: SchemaContext): JsonObject {
  const required = listAt(node, "required");
  const defined = objectAt(node, "properties");
  const kept = required.filter((name) => typeof name === "string" && Object.hasOwn(defined, name));
  if (kept.length === required.length) return node;
  drop("required");
  return kept.length === 0 ? without(node, "required") : { ...node, required: kept };
}

/** Gemini accepts only strings in enums: "Invalid value at '…enum[0]' (TYPE_STRING)". */
export function keepTextEnums(node: JsonObject, { drop }: SchemaContext): JsonObject {
  const values = listAt(node, "enum");
  const texts = values.filter((value) => typeof value === "string");
  if (texts.length === values.length) return node;
  const types = listTypes(node);
  const isNullable = types.length === 0 || types.includes("null");
  if (texts.length === 0 || values.some((value) => value !== null && typeof value !== "string")) {
    drop("enum");
    return without(node, "enum");
  }
  if (!isNullable) return { ...node, enum: texts };
  const branches = [{ type: "string", enum: texts }, { type: "null" }];
  if (node["anyOf"] !== undefined) {
    drop("enum");
    return without(node, "enum");
  }
  return { ...without(node, "enum", "type"), anyOf: branches };
}

/**
 * Moonshot requires a type for an enum (one, or one and null) and values of that type:
 * "type is not defined", "enum value … does not match any type".
 */
export function typeEnums(node: JsonObject, { drop }: SchemaContext): JsonObject {
  const values = listAt(node, "enum");
  if (values.length === 0) return node;
  const named = listTypes(node);
  const fitting = named.length === 0
    ? values
    : values.filter((value) => named.some((type) => isOfType(value, type)));
  const found = [...new Set(fitting.map(nameType))];
  const types = named.length === 0 ? found : named;
  const isSimple = types.filter((type) => type !== "null").length <= 1 &&
    !types.includes("object") && !types.includes("array");
  if (fitting.length === 0 || !isSimple) {
    drop("enum");
    return without(node, "enum");
  }
  return { ...node, type: types.length === 1 ? types[0] : types, enum: fitting };
}

/** The type of a value of an enum; lists count as objects, as neither is kept. */
function nameType(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function isOfType(value: unknown, type: unknown): boolean {
  const name = nameType(value);
  return name === type || (name === "integer" && type === "number");
}

/**
 * Moonshot: "when using anyOf, type should be defined in anyOf items instead of the parent schema"; Gemini:
 * "When using any_of, it must be the only field set". An object with properties of its own is flattened.
 */
export function isolateUnions(node: JsonObject, context: SchemaContext): JsonObject {
  if (!Array.isArray(node["anyOf"])) return node;
  const isObject = node["properties"] !== undefined || node["required"] !== undefined;
  return isObject ? { type: "object", ...flatten(node, context) } : pushType(node);
}

/** Moves the type of a union to its branches. A branch of another type can never be valid. */
function pushType(node: JsonObject): JsonObject {
  const types = listTypes(node);
  if (types.length === 0) return node;
  const branches = listAt(node, "anyOf").filter(isJsonObject).flatMap((branch) => {
    if (branch["$ref"] !== undefined || branch["anyOf"] !== undefined) return [branch];
    const own = listTypes(branch);
    if (own.length === 0) return [{ type: node["type"], ...branch }];
    const common = own.filter((type) =>
      types.includes(type) || (type === "integer" && types.includes("number"))
    );
    if (common.length === own.length) return [branch];
    return common.length === 0 ? [] : [{ ...branch, type: common }];
  });
  return branches.length === 0 ? node : { ...without(node, "type"), anyOf: branches };
}

/** Moonshot: "when using $ref, type should be defined in the referenced schema". */
export function dropTypeOfReference(
  node: JsonObject,
  { root, drop }: SchemaContext,
): JsonObject {
  const { $ref: reference, type } = node;
  if (reference === undefined || type === undefined) return node;
  const target = findTarget(root, reference);
  if (!isSame(target?.["type"], type)) drop("type");
  return without(node, "type");
}
