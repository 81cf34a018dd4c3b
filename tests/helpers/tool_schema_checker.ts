/**
 * Checks translated tool schemas against the validators of model vendors, as known from their error messages. Does
 * not use lib/translate.
 * @module
 */

import { AssertionError } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../lib/json.ts";

/** A vendor with its own validator; all others are checked like OpenAI. */
export type Vendor = "openai" | "google" | "moonshotai" | "x-ai";

/** @throws {AssertionError} with the path and what the vendor would reject */
export function checkToolSchema(vendor: Vendor, schema: unknown): void {
  const root = asObject(schema, "");
  claim(root["type"] === "object", "", "schema must have type object");
  claim(isJsonObject(root["properties"]), "", "object schema missing properties");
  for (const key of ["$ref", "anyOf", "oneOf", "allOf", "enum", "not", "const"]) {
    claim(!(key in root), "", `${key} at the top level`);
  }
  walk(root, "", (node, path) => {
    CHECKS.openai(node, path, root);
    if (vendor !== "openai") CHECKS[vendor](node, path, root);
  });
}

type Check = (node: JsonObject, path: string, root: JsonObject) => void;

const CHECKS: Record<Vendor, Check> = {
  openai(node, path) {
    const { pattern, patternProperties } = node;
    if (pattern !== undefined) checkPattern(pattern, path);
    if (isJsonObject(patternProperties)) {
      for (const key of Object.keys(patternProperties)) checkPattern(key, path);
    }
    claim(!Array.isArray(node["items"]), path, "items is not an object");
    claim(node["type"] !== "array" || "items" in node, path, "array schema missing items");
    const lacks = node["type"] === "object" && "required" in node && !("properties" in node);
    claim(!lacks, path, "'required' present but 'properties' is missing");
  },
  google(node, path, root) {
    const texts = listOf(node["enum"]).every((value) => typeof value === "string");
    claim(texts, `${path}.enum`, "Invalid value (TYPE_STRING)");
    const isObject = !("type" in node) ||
      listOf(node["type"]).concat(node["type"]).includes("object");
    claim(isObject || !("properties" in node), path, "only allowed for OBJECT type");
    checkShape(node, path, root);
  },
  moonshotai(node, path, root) {
    if ("enum" in node) {
      const types = "type" in node ? [node["type"]].flat() : [];
      claim(types.length > 0, path, "type is not defined");
      claim(types.filter((type) => type !== "null").length <= 1, path, "only 2 types supported");
      claim(listOf(node["enum"]).every((value) => fits(value, types)), path, "enum value");
    }
    claim(!("$ref" in node && "type" in node), path, "when using $ref, type should be defined …");
    checkShape(node, path, root);
  },
  "x-ai"(node, path) {
    for (const key of ["minLength", "maxLength", "minItems", "maxItems"]) {
      claim(!(key in node), path, `${key} is not supported`);
    }
  },
};

function checkShape(node: JsonObject, path: string, root: JsonObject): void {
  if ("anyOf" in node) {
    for (const key of ["type", "properties", "required"]) {
      claim(!(key in node), path, `${key} beside anyOf`);
    }
  }
  const defined = isJsonObject(node["properties"]) ? node["properties"] : {};
  for (const name of listOf(node["required"])) {
    claim(Object.hasOwn(defined, String(name)), path, `required ${name} is not defined`);
  }
  const { $ref: reference } = node;
  if (reference === undefined) return;
  const [, name = ""] = /^#\/\$defs\/([^/]+)$/.exec(String(reference)) ?? [];
  claim(name !== "", path, "references must start with #/$defs/");
  claim(isJsonObject(root["$defs"]) && name in root["$defs"], path, `${name} is not defined`);
}

/** Checks for what a pattern must not contain. Another test parses patterns. */
function checkPattern(pattern: unknown, path: string): void {
  claim(typeof pattern === "string", path, "pattern is not a string");
  new RegExp(pattern);
  const bare = pattern.replace(/\\\\/g, "");
  claim(!/\(\?[^:]/.test(bare), path, `regex lookaround is not supported: ${pattern}`);
  claim(!/\\[1-9pPukc]/.test(bare), path, `'${pattern}' is not a 'regex'`);
}

const SINGLE = ["items", "not", "additionalProperties", "if", "then", "else", "contains"];
const LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "$defs", "definitions"];

function walk(node: JsonObject, path: string, visit: (node: JsonObject, path: string) => void) {
  visit(node, path);
  const enter = (value: unknown, at: string) => walk(asObject(value, at), at, visit);
  for (const key of SINGLE) {
    const isBoolean = key === "additionalProperties" && typeof node[key] === "boolean";
    if (key in node && !isBoolean) enter(node[key], `${path}.${key}`);
  }
  for (const key of LISTS) {
    for (const [index, one] of listOf(node[key]).entries()) enter(one, `${path}.${key}.${index}`);
  }
  for (const key of MAPS) {
    const map = node[key];
    if (!isJsonObject(map)) continue;
    for (const [name, one] of Object.entries(map)) enter(one, `${path}.${key}.${name}`);
  }
}

function fits(value: unknown, types: readonly unknown[]): boolean {
  const type = value === null ? "null" : typeof value;
  return types.includes(type) || (type === "number" && types.includes("integer"));
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: unknown, path: string): JsonObject {
  claim(isJsonObject(value), path, "property schema must be an object");
  return value;
}

function claim(passed: boolean, path: string, problem: string): asserts passed {
  if (!passed) throw new AssertionError(`${path}: ${problem}`);
}
