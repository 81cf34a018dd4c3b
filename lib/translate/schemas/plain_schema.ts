/**
 * Reduces a schema to `type`, `properties`, `required`, `items`, `enum` and `description`, which every validator
 * accepts. For models whose validator rejected the original. Unions of objects are merged; of other unions the first
 * type is used.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { flatten } from "./flatten.ts";
import { findTarget, listAt, listTypes, objectAt } from "./nodes.ts";

/** References are expanded, so mutual references could grow without end. */
const MAX_NODES = 2000;
const MAX_PLAIN_DEPTH = 16;
const COMPOSITIONS = ["allOf", "anyOf", "oneOf"] as const;
/** Other types are written as strings. */
const TYPES: ReadonlySet<string> = new Set(["array", "boolean", "integer", "number", "object"]);

/** The plain form of a tool's input. */
export function toPlainSchema(schema: JsonObject): JsonObject {
  return new PlainWriter(schema).write();
}

/** The position of the writer: its depth and the references it is inside. */
interface Position {
  depth: number;
  references: ReadonlySet<unknown>;
}

class PlainWriter {
  readonly #root: JsonObject;
  #remaining = MAX_NODES;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  write(): JsonObject {
    const references = new Set(listReferences(this.#root));
    return this.#writeObject(this.#root, { depth: 0, references });
  }

  #write(value: unknown, position: Position): JsonObject {
    const node = isJsonObject(value) ? value : {};
    const references = listReferences(node);
    const chosen = this.#resolve(node);
    const type = findType(chosen);
    // A recursive schema is cut where it repeats.
    const isCut = position.depth >= MAX_PLAIN_DEPTH || this.#remaining-- <= 0 ||
      references.some((reference) => position.references.has(reference));
    if (isCut) return describe(chosen, toEmpty(type));
    const inner = {
      depth: position.depth + 1,
      references: new Set([...position.references, ...references]),
    };
    if (type === "object") return this.#writeObject(chosen, inner);
    if (type === "array") {
      const [first] = [...listAt(chosen, "prefixItems"), ...listAt(chosen, "items")];
      return describe(chosen, { type, items: this.#write(first ?? chosen["items"], inner) });
    }
    const texts = type === "string" ? listTexts(chosen) : [];
    return describe(chosen, texts.length > 0 ? { type, enum: texts } : { type });
  }

  #writeObject(node: JsonObject, position: Position): JsonObject {
    const flat = flatten(node, { root: this.#root, drop: () => {} });
    const properties = Object.fromEntries(
      Object.entries(objectAt(flat, "properties"))
        .map(([name, schema]) => [name, this.#write(schema, position)]),
    );
    const required = listAt(flat, "required")
      .filter((name) => typeof name === "string" && Object.hasOwn(properties, name));
    const plain = describe(node, { type: "object", properties });
    return required.length > 0 ? { ...plain, required } : plain;
  }

  /** Follows references and unions to a schema with a type: the target, or the first branch that is not null. */
  #resolve(node: JsonObject): JsonObject {
    let chosen = node;
    for (let hops = 0; hops < MAX_PLAIN_DEPTH && findOwnType(chosen) === undefined; hops++) {
      const branches = COMPOSITIONS.flatMap((key) => listAt(chosen, key)).filter(isJsonObject);
      const objects = branches.filter((branch) => this.#isObject(branch));
      const isJoined = listAt(chosen, "allOf").some((branch) =>
        objects.some((one) => one === branch)
      );
      // #writeObject merges them.
      if (objects.length > 1 || isJoined) return { ...chosen, type: "object" };
      const texts = uniteTexts(branches);
      if (texts.length > 0) return describe(chosen, { enum: texts });
      const next = findTarget(this.#root, chosen["$ref"]) ??
        branches.find(({ type }) => type !== "null");
      if (next === undefined) break;
      chosen = describe(chosen, next);
    }
    return chosen;
  }

  #isObject(node: JsonObject): boolean {
    return findOwnType(findTarget(this.#root, node["$ref"]) ?? node) === "object";
  }
}

/** The references of a schema and its branches. */
function listReferences(node: JsonObject): unknown[] {
  const branches = COMPOSITIONS.flatMap((key) => listAt(node, key)).filter(isJsonObject);
  return [node, ...branches].map(({ $ref: reference }) => reference)
    .filter((reference) => reference !== undefined);
}

/** The first type that is not null, declared or implied. */
function findOwnType(node: JsonObject): unknown {
  const declared = listTypes(node).find((type) => type !== "null");
  if (declared !== undefined) return declared;
  if (node["properties"] !== undefined) return "object";
  if (node["items"] !== undefined || node["prefixItems"] !== undefined) return "array";
  const value = listValues(node).find((one) => one !== null);
  return typeof value === "number" && Number.isInteger(value)
    ? "integer"
    : value === undefined
    ? undefined
    : typeof value;
}

function findType(node: JsonObject): string {
  const type = findOwnType(node);
  return typeof type === "string" && TYPES.has(type) ? type : "string";
}

function listValues(node: JsonObject): unknown[] {
  return node["const"] === undefined ? listAt(node, "enum") : [node["const"]];
}

/** The accepted strings: some validators reject numbers in an enum. */
function listTexts(node: JsonObject): unknown[] {
  return listValues(node).filter((value) => typeof value === "string");
}

/** The strings of a union whose branches all are string constants or null. */
function uniteTexts(branches: readonly JsonObject[]): unknown[] {
  const texts = branches.filter(({ type }) => type !== "null").map(listTexts);
  return texts.every((list) => list.length > 0) ? [...new Set(texts.flat())] : [];
}

function toEmpty(type: string): JsonObject {
  if (type === "object") return { type, properties: {} };
  return type === "array" ? { type, items: { type: "string" } } : { type };
}

/** The schema with the description of another; without one its own is kept. */
function describe({ description }: JsonObject, schema: JsonObject): JsonObject {
  return typeof description === "string" ? { ...schema, description } : schema;
}
