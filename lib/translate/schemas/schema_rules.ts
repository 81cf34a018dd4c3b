/**
 * The schemas of tools in the form that the validators of a model's family take. Pure; equal schemas get equal
 * bytes, so that prefixes stay cached. Claude takes what its clients send. For everyone else this is the one
 * table of what is refused, and only that is changed: `tools.N.input_schema.…` names what was lost.
 * Sources: the error texts that {@link ./schema_fixes.ts} quotes, from public threads of 2025 and 2026;
 * Moonshot's validator (MoonshotAI/walle); xAI's documentation of structured outputs.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import { flatten } from "./flatten.ts";
import { isClaude } from "../reasoning.ts";
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
import { formatPlace, mapSchemas, MAX_DEPTH, type Place, without } from "./nodes.ts";

/** What one family refuses beside {@linkcode EVERYWHERE}. */
interface Family {
  /** How the ids of its models begin, at OpenRouter and at the vendor's own server. */
  ids: readonly string[];
  /** Keywords that are refused. */
  refuses?: readonly string[];
  /** Keywords that are refused and say nothing about what is valid; they go without a word. */
  ignores?: readonly string[];
  /** References to other places than `#/$defs/NAME` are refused. */
  onlyDefs?: true;
  /** Applied from the inside out. */
  fixes?: readonly SchemaFix[];
  /** Applied from the outside in, as they move schemas into each other. */
  shapes?: readonly SchemaFix[];
}

/** For every model but Claude. Any of OpenAI's, Groq's and llama.cpp's validators may stand behind an id. */
const EVERYWHERE: readonly SchemaFix[] = [dropPatterns, modernizeTuples, addItems, addProperties];

const FAMILIES: readonly Family[] = [
  {
    ids: ["google/", "~google/", "gemini"],
    onlyDefs: true,
    fixes: [dropObjectKeys, keepTextEnums],
    shapes: [isolateUnions, requireDefined],
  },
  {
    ids: ["moonshotai/", "~moonshotai/", "kimi", "moonshot"],
    onlyDefs: true,
    fixes: [typeEnums],
    shapes: [isolateUnions, dropTypeOfReference, requireDefined],
  },
  {
    // A 502 "Invalid arguments passed to the model" at OpenRouter.
    ids: ["x-ai/", "~x-ai/", "grok"],
    refuses: ["minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"],
  },
  {
    // "Grammar error: … failed to compile JSON schema".
    ids: ["mistralai/", "~mistralai/", "mistral", "codestral", "devstral"],
    ignores: ["$schema", "$id"],
  },
];

/** Of a root; OpenAI: "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not'". */
const NOT_AT_ROOT = ["not", "enum", "const"] as const;
const COMPOSITIONS = ["$ref", "allOf", "anyOf", "oneOf"] as const;
/** Names of one request beyond these say nothing more: a header has limits. */
const MAX_NAMES = 10;
const MAX_NAME_CHARS = 120;

/** The rules for one request. */
export interface SchemaRules {
  readonly fixes: readonly SchemaFix[];
  readonly shapes: readonly SchemaFix[];
  readonly refused: ReadonlySet<string>;
  readonly ignored: ReadonlySet<string>;
  readonly onlyDefs: boolean;
}

/** The rules for the models that may answer; null where all of them are Claude's. */
export function findSchemaRules(models: readonly string[]): SchemaRules | null {
  const others = models.filter((model) => !isClaude(model));
  if (others.length === 0) return null;
  const families = FAMILIES.filter(({ ids }) =>
    others.some((model) => ids.some((start) => model.toLowerCase().startsWith(start)))
  );
  return {
    fixes: [...new Set([...EVERYWHERE, ...families.flatMap(({ fixes = [] }) => fixes)])],
    shapes: [...new Set(families.flatMap(({ shapes = [] }) => shapes))],
    refused: new Set(families.flatMap(({ refuses = [] }) => refuses)),
    ignored: new Set(families.flatMap(({ ignores = [] }) => ignores)),
    onlyDefs: families.some(({ onlyDefs }) => onlyDefs),
  };
}

/** What {@linkcode adaptSchema} needs to know of the tool. */
export interface AdaptOptions {
  rules: SchemaRules;
  /** Where the tool stands in the client's list. */
  position: number;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** The schema of one tool's input, as the rules want it. The schema it is given stays as it is. */
export function adaptSchema(schema: JsonObject, options: AdaptOptions): JsonObject {
  const { rules, position, dropped } = options;
  const isComposed = COMPOSITIONS.some((keyword) => schema[keyword] !== undefined);
  // References into a composition would lead nowhere when it is gone.
  const root = rules.onlyDefs || isComposed ? gatherReferences(schema) : schema;
  const drop = (place: Place) =>
    note(dropped, `tools.${position}.input_schema.${formatPlace(place)}`);
  const cleaned = clean(root, null, { rules, root, drop, depth: 0 });
  const flat = flattenRoot(cleaned, (key) => drop({ key, above: null }));
  if (rules.shapes.length === 0) return flat;
  return shape(flat, null, { rules, root: flat, drop, depth: 0 });
}

function flattenRoot(root: JsonObject, drop: (keyword: string) => void): JsonObject {
  const isComposed = COMPOSITIONS.some((keyword) => root[keyword] !== undefined);
  const flat = isComposed ? flatten(root, { root, drop }) : root;
  const misplaced = NOT_AT_ROOT.filter((key) => flat[key] !== undefined);
  for (const key of misplaced) drop(key);
  return misplaced.length === 0 ? flat : without(flat, ...misplaced);
}

interface WalkContext {
  rules: SchemaRules;
  root: JsonObject;
  drop: (place: Place) => void;
  depth: number;
}

/** Takes out what is refused, and fixes each schema after those inside it. */
function clean(node: JsonObject, above: Place | null, context: WalkContext): JsonObject {
  const { rules, drop, depth } = context;
  if (depth >= MAX_DEPTH) return node;
  const inner = { ...context, depth: depth + 1 };
  const entries = Object.entries(node).flatMap(([key, value]) => {
    if (rules.ignored.has(key)) return [];
    const place = { key, above };
    if (!rules.refused.has(key)) {
      return [[key, mapSchemas(place, value, (schema, at) => clean(schema, at, inner))]];
    }
    drop(place);
    return [];
  });
  return applyFixes(Object.fromEntries(entries), rules.fixes, { ...context, above });
}

/** Shapes each schema before those inside it. */
function shape(node: JsonObject, above: Place | null, context: WalkContext): JsonObject {
  if (context.depth >= MAX_DEPTH) return node;
  const inner = { ...context, depth: context.depth + 1 };
  const shaped = applyFixes(node, context.rules.shapes, { ...context, above });
  return Object.fromEntries(
    Object.entries(shaped).map(([key, value]) => [
      key,
      mapSchemas({ key, above }, value, (schema, at) => shape(schema, at, inner)),
    ]),
  );
}

function applyFixes(
  node: JsonObject,
  fixes: readonly SchemaFix[],
  { root, drop, above }: Pick<WalkContext, "root" | "drop"> & { above: Place | null },
): JsonObject {
  const context = { root, drop: (key: string) => drop({ key, above }) };
  return fixes.reduce<JsonObject>((fixed, fix) => fix(fixed, context), node);
}

function note(dropped: Set<string>, name: string): void {
  const listed = [...dropped].filter((one) => one.startsWith("tools.")).length;
  dropped.add(listed < MAX_NAMES ? name.slice(0, MAX_NAME_CHARS) : "tools.input_schema");
}
