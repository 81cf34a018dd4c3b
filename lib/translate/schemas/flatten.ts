/**
 * Flattens object schemas: merges a top-level `$ref`, `allOf`, `anyOf` or `oneOf` into `properties` and `required`.
 * Values stay valid, except for a property that one branch defines and another only tolerates: it gets the defined
 * type. If the result accepts more than before, the keyword is reported.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { findTarget, isSame, listAt, listTypes, objectAt, without } from "./nodes.ts";

/** Branches and references followed per schema: mutual references could grow without end. */
const MAX_BRANCHES = 200;
const COMPOSITIONS = ["$ref", "allOf", "anyOf", "oneOf"] as const;
/** Keywords without effect on validity. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$comment",
  "$id",
  "$schema",
  "default",
  "deprecated",
  "description",
  "examples",
  "readOnly",
  "title",
  "writeOnly",
]);

/** The context of {@linkcode flatten} and of schema fixes. */
export interface SchemaContext {
  /** The schema that references are resolved in. */
  root: JsonObject;
  /** Called with each keyword that was loosened or removed. */
  drop: (keyword: string) => void;
}

/** The schema without a top-level composition. */
export function flatten(node: JsonObject, context: SchemaContext): JsonObject {
  return new Flattener(context).flatten(node, new Set());
}

class Flattener {
  readonly #context: SchemaContext;
  #remaining = MAX_BRANCHES;

  constructor(context: SchemaContext) {
    this.#context = context;
  }

  /** @param seen the references followed to get here */
  flatten(node: JsonObject, seen: ReadonlySet<string>): JsonObject {
    let flat = without(node, ...COMPOSITIONS);
    for (const keyword of COMPOSITIONS) {
      if (node[keyword] === undefined) continue;
      const { schema, isExact } = this.#resolve(node, keyword, seen);
      const joined = join(flat, schema);
      flat = joined.schema;
      if (!isExact || !joined.isExact) this.#context.drop(keyword);
    }
    return flat;
  }

  /** A composition as one flat schema. */
  #resolve(
    node: JsonObject,
    keyword: typeof COMPOSITIONS[number],
    seen: ReadonlySet<string>,
  ): Outcome {
    if (keyword === "$ref") return this.#follow(String(node["$ref"]), seen);
    const branches = listAt(node, keyword).filter(isJsonObject).filter(allowsObjects);
    const flat = branches.slice(0, Math.max(0, this.#remaining)).map((branch) => {
      this.#remaining--;
      return this.flatten(branch, seen);
    });
    const isComplete = flat.length === branches.length;
    if (keyword !== "allOf" && (!isComplete || flat.length > 1)) {
      // A union of only some branches would reject what the others accept.
      return { schema: isComplete ? unite(flat) : {}, isExact: false };
    }
    return flat.reduce<Outcome>((sum, branch) => {
      const joined = join(sum.schema, branch);
      return { schema: joined.schema, isExact: sum.isExact && joined.isExact };
    }, { schema: {}, isExact: isComplete });
  }

  /** A circular reference adds no constraints. */
  #follow(reference: string, seen: ReadonlySet<string>): Outcome {
    if (seen.has(reference)) return { schema: {}, isExact: true };
    const target = this.#remaining-- > 0 ? findTarget(this.#context.root, reference) : undefined;
    if (target === undefined) return { schema: {}, isExact: false };
    const isRoot = target === this.#context.root;
    const schema = isRoot ? {} : this.flatten(target, new Set([...seen, reference]));
    return { schema, isExact: true };
  }
}

/** A schema, and whether it accepts no more than its sources. */
interface Outcome {
  schema: JsonObject;
  isExact: boolean;
}

/** Whether an object can be valid: tool arguments are always objects. */
function allowsObjects(schema: JsonObject): boolean {
  const types = listTypes(schema);
  return types.length === 0 || types.includes("object");
}

/** One schema with the constraints of both. */
function join(base: JsonObject, more: JsonObject): Outcome {
  const joined = new Map(Object.entries(base));
  let isExact = true;
  for (const [key, value] of Object.entries(more)) {
    if (key === "properties") {
      joined.set(key, joinProperties(objectAt(base, key), objectAt(more, key)));
    } else if (key === "required") {
      joined.set(key, [...new Set([...listAt(base, key), ...listAt(more, key)])]);
    } else if (!joined.has(key)) {
      joined.set(key, value);
    } else if (key !== "type" && !ANNOTATIONS.has(key) && !isSame(base[key], value)) {
      isExact = false;
    }
  }
  if (!isClosureExact(base, more)) {
    joined.delete("additionalProperties");
    isExact = false;
  }
  return { schema: Object.fromEntries(joined), isExact };
}

/** A property that both define must be valid for both. */
function joinProperties(base: JsonObject, more: JsonObject): JsonObject {
  const joined = new Map(Object.entries(base));
  for (const [name, schema] of Object.entries(more)) {
    const first = joined.get(name);
    joined.set(
      name,
      first === undefined || isSame(first, schema) ? schema : { allOf: [first, schema] },
    );
  }
  return Object.fromEntries(joined);
}

/** `additionalProperties` depends on the properties next to it; joining adds to these. */
function isClosureExact(base: JsonObject, more: JsonObject): boolean {
  return accepts(base, more) && accepts(more, base);
}

/** Whether a schema accepts properties of any value under the names that another defines. */
function accepts(schema: JsonObject, other: JsonObject): boolean {
  const defined = objectAt(schema, "properties");
  const names = Object.keys(objectAt(other, "properties"));
  return isOpen(schema) || names.every((name) => Object.hasOwn(defined, name));
}

function isOpen({ additionalProperties: rest = true }: JsonObject): boolean {
  return rest === true || isSame(rest, {});
}

/** One schema that accepts what any branch accepts. */
function unite(branches: readonly JsonObject[]): JsonObject {
  const variants = new Map<string, Map<string, unknown>>();
  for (const branch of branches) {
    for (const [name, schema] of Object.entries(objectAt(branch, "properties"))) {
      const found = variants.get(name) ?? new Map<string, unknown>();
      variants.set(name, found.set(JSON.stringify(schema), schema));
    }
  }
  const properties = [...variants].map(([name, schemas]) => [
    name,
    uniteValues([...schemas.values()]),
  ]);
  const united: JsonObject = { properties: Object.fromEntries(properties) };
  const [first = {}] = branches;
  const required = listAt(first, "required")
    .filter((name) => branches.every((branch) => listAt(branch, "required").includes(name)));
  if (required.length > 0) united["required"] = required;
  const isClosed = branches.every(({ additionalProperties }) => additionalProperties === false);
  if (isClosed) united["additionalProperties"] = false;
  return united;
}

/** String constants, such as the tags of a discriminated union, become one enum. */
function uniteValues(schemas: readonly unknown[]): unknown {
  if (schemas.length === 1) return schemas[0];
  const values = schemas.flatMap((schema) => isJsonObject(schema) ? listConstants(schema) : [null]);
  if (!values.every((value) => typeof value === "string")) return { anyOf: schemas };
  return { type: "string", enum: [...new Set(values)] };
}

/** The strings that a schema accepts; includes null if it accepts anything else. */
function listConstants(schema: JsonObject): unknown[] {
  const extra = Object.keys(without(schema, "const", "enum", "type")).length > 0;
  if (extra) return [null];
  if (typeof schema["const"] === "string") return [schema["const"]];
  return listAt(schema, "enum").length > 0 ? listAt(schema, "enum") : [null];
}
