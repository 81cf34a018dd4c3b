/**
 * Adapts tool schemas to the validators of model vendors. Claude accepts what its clients send; for other models the
 * table below lists what is rejected, and only that is changed. Losses are reported as `tools.N.input_schema.…`.
 * Equal schemas get equal bytes, so that prefixes stay cached.
 * Sources: the error messages quoted in {@link ./fixes.ts}, from public threads of 2025 and 2026; Moonshot's
 * validator (MoonshotAI/walle); xAI's documentation of structured outputs.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import { flatten } from "./flatten.ts";
import { isClaude } from "../../openrouter/model_mapping.ts";
import {
  addItems,
  addProperties,
  dropObjectKeys,
  dropPatterns,
  dropTypeOfReference,
  isolateUnions,
  keepTextEnums,
  modernizeTuples,
  requireDefined,
  type SchemaFix,
  typeEnums,
} from "./fixes.ts";
import { gatherReferences } from "./references.ts";
import { formatPlace, mapSchemas, mapValues, MAX_DEPTH, type Place, without } from "./nodes.ts";

/** The rules of one vendor, in addition to {@linkcode COMMON_FIXES}. */
interface VendorRules {
  /** Prefixes of its model ids, at OpenRouter and at its own server. */
  ids: readonly string[];
  /** Keywords that are rejected. */
  rejects?: readonly string[];
  /** Rejected keywords without effect on validity: removed without a report. */
  ignores?: readonly string[];
  /** References other than `#/$defs/NAME` are rejected. */
  onlyDefs?: true;
  /** Applied from the inside out. */
  fixes?: readonly SchemaFix[];
  /** Applied from the outside in, as they move schemas into each other. */
  shapes?: readonly SchemaFix[];
}

/** For every model but Claude: the provider may use OpenAI's, Groq's or llama.cpp's validator. */
const COMMON_FIXES: readonly SchemaFix[] = [dropPatterns, modernizeTuples, addItems, addProperties];

const VENDORS: readonly VendorRules[] = [
  {
    ids: ["google/", "~google/", "gemini"],
    onlyDefs: true,
    fixes: [dropObjectKeys, keepTextEnums],
    shapes: [isolateUnions, requireDefined],
  },
  {
    ids: ["moonshot", "~moonshotai/", "kimi"],
    onlyDefs: true,
    fixes: [typeEnums],
    shapes: [isolateUnions, dropTypeOfReference, requireDefined],
  },
  {
    // A 502 "Invalid arguments passed to the model" at OpenRouter.
    ids: ["x-ai/", "~x-ai/", "grok"],
    rejects: ["minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"],
  },
  {
    // "Grammar error: … failed to compile JSON schema".
    ids: ["mistral", "~mistralai/", "codestral", "devstral"],
    ignores: ["$schema", "$id"],
  },
];

/** OpenAI: "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not'". */
const NOT_AT_ROOT = ["not", "enum", "const"] as const;
const COMPOSITIONS = ["$ref", "allOf", "anyOf", "oneOf"] as const;
/** Limits of the report for one request: header size is limited. */
const MAX_REPORTED = 10;
const MAX_REPORTED_CHARS = 120;

/** The rules for one request. */
export interface SchemaRules {
  readonly fixes: readonly SchemaFix[];
  readonly shapes: readonly SchemaFix[];
  readonly rejected: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  readonly onlyDefs: boolean;
}

/** The rules for the models that may respond; null if all of them are Claude. */
export function findSchemaRules(models: readonly string[]): SchemaRules | null {
  const others = models.filter((model) => !isClaude(model));
  if (others.length === 0) return null;
  const vendors = VENDORS.filter(({ ids }) =>
    others.some((model) => ids.some((start) => model.toLowerCase().startsWith(start)))
  );
  return {
    fixes: [...new Set([...COMMON_FIXES, ...vendors.flatMap(({ fixes = [] }) => fixes)])],
    shapes: [...new Set(vendors.flatMap(({ shapes = [] }) => shapes))],
    rejected: new Set(vendors.flatMap(({ rejects = [] }) => rejects)),
    ignored: new Set(vendors.flatMap(({ ignores = [] }) => ignores)),
    onlyDefs: vendors.some(({ onlyDefs }) => onlyDefs),
  };
}

/** The options of {@linkcode adaptSchema}. */
export interface AdaptOptions {
  rules: SchemaRules;
  /** Index of the tool in the client's list. */
  position: number;
  /** Collects the names of keywords that are not sent. */
  dropped: Set<string>;
}

/** Applies the rules to the input schema of a tool. Does not change the given schema. */
export function adaptSchema(schema: JsonObject, options: AdaptOptions): JsonObject {
  const { rules, position, dropped } = options;
  const isComposed = COMPOSITIONS.some((keyword) => schema[keyword] !== undefined);
  // References into a composition would break once it is flattened.
  const root = rules.onlyDefs || isComposed ? gatherReferences(schema) : schema;
  const drop = (place: Place) =>
    report(dropped, `tools.${position}.input_schema.${formatPlace(place)}`);
  const cleaned = clean(root, null, { rules, root, drop, depth: 0 });
  const flat = flattenRoot(cleaned, (key) => drop({ key, parent: null }));
  if (rules.shapes.length === 0) return flat;
  return shape(flat, null, { rules, root: flat, drop, depth: 0 });
}

function flattenRoot(root: JsonObject, drop: (keyword: string) => void): JsonObject {
  const flat = flatten(root, { root, drop });
  const misplaced = NOT_AT_ROOT.filter((key) => flat[key] !== undefined);
  for (const key of misplaced) drop(key);
  return without(flat, ...misplaced);
}

interface WalkContext {
  rules: SchemaRules;
  root: JsonObject;
  drop: (place: Place) => void;
  depth: number;
}

/** Removes rejected keywords, and fixes each schema after those inside it. */
function clean(node: JsonObject, parent: Place | null, context: WalkContext): JsonObject {
  const { rules, drop, depth } = context;
  if (depth >= MAX_DEPTH) return node;
  const inner = { ...context, depth: depth + 1 };
  const cleanInner = (schema: JsonObject, at: Place) => clean(schema, at, inner);
  const cleaned = mapValues(node, (value, key) => {
    if (rules.ignored.has(key)) return undefined;
    const place = { key, parent };
    if (!rules.rejected.has(key)) return mapSchemas(place, value, cleanInner);
    drop(place);
    return undefined;
  });
  return applyFixes(cleaned, rules.fixes, { ...context, parent });
}

/** Shapes each schema before those inside it. */
function shape(node: JsonObject, parent: Place | null, context: WalkContext): JsonObject {
  if (context.depth >= MAX_DEPTH) return node;
  const inner = { ...context, depth: context.depth + 1 };
  const shapeInner = (schema: JsonObject, at: Place) => shape(schema, at, inner);
  const shaped = applyFixes(node, context.rules.shapes, { ...context, parent });
  return mapValues(shaped, (value, key) => mapSchemas({ key, parent }, value, shapeInner));
}

function applyFixes(
  node: JsonObject,
  fixes: readonly SchemaFix[],
  { root, drop, parent }: Pick<WalkContext, "root" | "drop"> & { parent: Place | null },
): JsonObject {
  const context = { root, drop: (key: string) => drop({ key, parent }) };
  return fixes.reduce<JsonObject>((fixed, fix) => fix(fixed, context), node);
}

function report(dropped: Set<string>, name: string): void {
  const reported = [...dropped].filter((one) => one.startsWith("tools.")).length;
  dropped.add(reported < MAX_REPORTED ? name.slice(0, MAX_REPORTED_CHARS) : "tools.input_schema");
}
