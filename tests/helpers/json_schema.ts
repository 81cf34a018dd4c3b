/**
 * A validator of JSON Schema (draft 2020-12, and tuples of draft 7) for what tools use. It checks that a value that
 * is valid for a tool's schema is also valid for the translated schema. Does not use lib/translate.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../lib/json.ts";

/** Why a value is invalid, or null. */
export function explainMisfit(value: unknown, schema: unknown, root = schema): string | null {
  if (schema === true) return null;
  if (!isJsonObject(schema)) return "the schema is false or missing";
  const check = (one: unknown, part: unknown) => explainMisfit(one, part, root);
  return checkValues(value, schema) ?? checkUnions(value, schema, check) ??
    checkLimits(value, schema) ?? checkList(value, schema, check) ??
    checkObject(value, schema, check) ?? checkReference(value, schema, root);
}

type Check = (value: unknown, schema: unknown) => string | null;

function checkValues(
  value: unknown,
  { type, enum: values, const: constant }: JsonObject,
): string | null {
  const types = type === undefined ? [] : Array.isArray(type) ? type : [type];
  if (types.length > 0 && !types.some((one) => isOfType(value, one))) return `is not ${types}`;
  const same = (other: unknown) => JSON.stringify(other) === JSON.stringify(value);
  if (Array.isArray(values) && !values.some(same)) return `is not one of ${values}`;
  return constant !== undefined && !same(constant) ? `is not ${constant}` : null;
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isJsonObject(value);
  const name: string = value === null ? "null" : typeof value;
  return name === type;
}

function checkUnions(value: unknown, schema: JsonObject, check: Check): string | null {
  const fits = (part: unknown) => check(value, part) === null;
  const { allOf, anyOf, oneOf, not } = schema;
  if (Array.isArray(allOf) && !allOf.every(fits)) return "does not fit allOf";
  if (Array.isArray(anyOf) && !anyOf.some(fits)) return "does not fit anyOf";
  if (Array.isArray(oneOf) && oneOf.filter(fits).length !== 1) return "does not fit oneOf";
  return not !== undefined && fits(not) ? "fits not" : null;
}

function checkLimits(value: unknown, schema: JsonObject): string | null {
  const size = typeof value === "string"
    ? ["Length", [...value].length] as const
    : Array.isArray(value)
    ? ["Items", value.length] as const
    : null;
  if (size !== null) {
    if (Number(schema[`min${size[0]}`] ?? 0) > size[1]) return "is too short";
    if (Number(schema[`max${size[0]}`] ?? Infinity) < size[1]) return "is too long";
  }
  if (typeof value === "number") {
    if (Number(schema["minimum"] ?? -Infinity) > value) return "is too small";
    if (Number(schema["maximum"] ?? Infinity) < value) return "is too large";
    if (Number(schema["exclusiveMinimum"] ?? -Infinity) >= value) return "is too small";
  }
  const { pattern } = schema;
  const isMatch = typeof value !== "string" || typeof pattern !== "string" ||
    compile(pattern).test(value);
  return isMatch ? null : `does not match ${pattern}`;
}

function compile(pattern: string): RegExp {
  // \p needs the u flag, which does not allow escaped punctuation.
  return /\\p\{/.test(pattern) ? new RegExp(pattern, "u") : new RegExp(pattern);
}

function checkList(value: unknown, schema: JsonObject, check: Check): string | null {
  if (!Array.isArray(value)) return null;
  const { items, prefixItems, additionalItems } = schema;
  const tuple: unknown[] = Array.isArray(items)
    ? items
    : Array.isArray(prefixItems)
    ? prefixItems
    : [];
  const rest = (Array.isArray(items) ? additionalItems : items) ?? true;
  for (const [index, item] of value.entries()) {
    const misfit = check(item, tuple[index] ?? rest);
    if (misfit !== null) return `${index}: ${misfit}`;
  }
  return null;
}

function checkObject(value: unknown, schema: JsonObject, check: Check): string | null {
  if (!isJsonObject(value)) return null;
  const { properties, patternProperties, additionalProperties = true, required } = schema;
  const missing = (Array.isArray(required) ? required : [])
    .find((name) => !Object.hasOwn(value, String(name)));
  if (missing !== undefined) return `${missing} is missing`;
  for (const [name, one] of Object.entries(value)) {
    const named = isJsonObject(properties) && Object.hasOwn(properties, name);
    const matched = Object.entries(isJsonObject(patternProperties) ? patternProperties : {})
      .filter(([key]) => compile(key).test(name)).map(([, part]) => part);
    const own = named && isJsonObject(properties) ? [properties[name]] : [];
    const parts = [...own, ...matched];
    const misfits = (parts.length > 0 ? parts : [additionalProperties])
      .map((part) => check(one, part));
    const misfit = misfits.find((found) => found !== null);
    if (misfit !== undefined) return `${name}: ${misfit}`;
  }
  return null;
}

function checkReference(value: unknown, { $ref: reference }: JsonObject, root: unknown) {
  if (typeof reference !== "string") return null;
  let target = root;
  for (const key of reference.split("/").slice(1)) {
    target = isJsonObject(target) ? target[key] : undefined;
  }
  return explainMisfit(value, target, root);
}
