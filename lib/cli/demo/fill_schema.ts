/**
 * Creates plausible arguments for a tool, or an object for a requested schema. Pure.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../json.ts";

const MAX_DEPTH = 8;

/** Property name → a plausible value; the first match counts. */
const EXAMPLES: readonly { name: RegExp; value: string }[] = [
  { name: /command|script/i, value: "echo demo" },
  { name: /file|path/i, value: "demo.txt" },
  { name: /ur[il]|link/i, value: "https://example.com" },
  { name: /mail/i, value: "demo@example.com" },
  { name: /date-time/, value: "2026-01-01T12:00:00Z" },
  { name: /date/i, value: "2026-01-01" },
  { name: /zone/i, value: "Europe/Paris" },
  { name: /city|location|place/i, value: "Paris" },
  { name: /query|question|search|prompt/i, value: "What is the weather in Paris?" },
];

/** Creates a value that matches a JSON schema with regard to type, enum, const, default and required. */
export function fillSchema(
  schema: unknown,
  name = "",
  place = { root: schema, depth: 0 },
): unknown {
  if (!isJsonObject(schema) || place.depth > MAX_DEPTH) return {};
  const inner = { root: place.root, depth: place.depth + 1 };
  const target = findTarget(schema, place.root);
  if (target !== undefined) return fillSchema(target, name, inner);
  for (const key of ["const", "default"]) if (Object.hasOwn(schema, key)) return schema[key];
  for (const key of ["enum", "examples"]) {
    const values = schema[key];
    if (Array.isArray(values) && values.length > 0) return values[0];
  }
  switch (readType(schema)) {
    case "object":
      return fillObject(schema, inner);
    case "array":
      return [fillSchema(schema["items"] ?? { type: "string" }, name, inner)];
    case "integer":
    case "number":
      return fillNumber(schema);
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return chooseExample(toText(schema["format"]) || name).padEnd(
        toNumber(schema["minLength"], 0),
        "x",
      );
  }
}

/** The schema that this one refers to: by a `$ref` to the definitions, or the first of several alternatives. */
function findTarget(schema: JsonObject, root: unknown): unknown {
  const pointer = /^#\/(\$defs|definitions)\/(.+)$/.exec(toText(schema["$ref"]));
  if (pointer !== null && isJsonObject(root)) {
    const definitions = root[pointer[1] ?? ""];
    return isJsonObject(definitions) ? definitions[pointer[2] ?? ""] : undefined;
  }
  const several = [schema["anyOf"], schema["oneOf"]].find(Array.isArray);
  return schema["type"] === undefined ? several?.[0] : undefined;
}

function readType(schema: JsonObject): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return type.find((one) => one !== "null");
  return type ?? (isJsonObject(schema["properties"]) ? "object" : undefined);
}

function fillObject(
  schema: JsonObject,
  place: { root: unknown; depth: number },
): Record<string, unknown> {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return Object.fromEntries(
    required.map((name) => [name, fillSchema(properties[name] ?? {}, name, place)]),
  );
}

function fillNumber(schema: JsonObject): number {
  const least = toNumber(schema["minimum"], toNumber(schema["exclusiveMinimum"], 0) + 1);
  return Math.min(least, toNumber(schema["maximum"], Infinity));
}

function chooseExample(name: string): string {
  return EXAMPLES.find((example) => example.name.test(name))?.value ?? "demo";
}

function toNumber(value: unknown, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}
