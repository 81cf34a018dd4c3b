/**
 * Schemas of nothing but `type`, `properties`, `required`, `items`, `enum` and `description`: what every validator
 * takes, for a model whose own refused more. What a tool gets by it fits the client's schema wherever these words
 * can say it: unions of objects are merged, of other unions the first type counts. Pure.
 * @module
 */

import { isJsonObject, type JsonObject } from "../../json.ts";
import { flatten } from "./flatten.ts";
import { findTarget, listAt, listTypes, objectAt } from "./nodes.ts";

/** References are written out, so a few that name each other could grow for ever. */
const MAX_NODES = 2000;
const MAX_PLAIN_DEPTH = 16;
const COMPOSITIONS = ["allOf", "anyOf", "oneOf"] as const;
const SIMPLE = ["string", "integer", "number", "boolean"] as const;

/** The plain form of a tool's input. */
export function toPlainSchema(schema: JsonObject): JsonObject {
  return new PlainWriter(schema).write();
}

/** Where the writer is: how deep, and inside which references. */
interface Inside {
  depth: number;
  references: ReadonlySet<unknown>;
}

class PlainWriter {
  readonly #root: JsonObject;
  #left = MAX_NODES;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  write(): JsonObject {
    const references = new Set(listReferences(this.#root));
    return this.#writeObject({ ...this.#root, type: "object" }, { depth: 0, references });
  }

  #write(value: unknown, inside: Inside): JsonObject {
    const node = isJsonObject(value) ? value : {};
    const references = listReferences(node);
    const chosen = this.#choose(node);
    const type = findType(chosen);
    // What contains itself is cut where it begins anew.
    const isCut = inside.depth >= MAX_PLAIN_DEPTH || this.#left-- <= 0 ||
      references.some((reference) => inside.references.has(reference));
    if (isCut) return describe(chosen, toEmpty(type));
    const within = {
      depth: inside.depth + 1,
      references: new Set([...inside.references, ...references]),
    };
    if (type === "object") return this.#writeObject(chosen, within);
    if (type === "array") {
      const [first] = [...listAt(chosen, "prefixItems"), ...listAt(chosen, "items")];
      return describe(chosen, { type, items: this.#write(first ?? chosen["items"], within) });
    }
    const texts = type === "string" ? listTexts(chosen) : [];
    return describe(chosen, texts.length > 0 ? { type, enum: texts } : { type });
  }

  #writeObject(node: JsonObject, inside: Inside): JsonObject {
    const flat = flatten(node, { root: this.#root, drop: () => {} });
    const properties = Object.fromEntries(
      Object.entries(objectAt(flat, "properties"))
        .map(([name, schema]) => [name, this.#write(schema, inside)]),
    );
    const required = listAt(flat, "required")
      .filter((name) => typeof name === "string" && Object.hasOwn(properties, name));
    const plain = describe(node, { type: "object", properties });
    return required.length > 0 ? { ...plain, required } : plain;
  }

  /** A schema that has a type: that of a reference, or of the first branch that is not null. */
  #choose(node: JsonObject): JsonObject {
    let chosen = node;
    for (let hops = 0; hops < MAX_PLAIN_DEPTH && findOwnType(chosen) === undefined; hops++) {
      const branches = COMPOSITIONS.flatMap((key) => listAt(chosen, key)).filter(isJsonObject);
      const objects = branches.filter((branch) => this.#isObject(branch));
      const isJoined = listAt(chosen, "allOf").some((branch) =>
        objects.some((one) => one === branch)
      );
      // Objects are merged where they are written.
      if (objects.length > 1 || isJoined) return { ...chosen, type: "object" };
      const words = uniteTexts(branches);
      if (words.length > 0) return describe(chosen, { type: "string", enum: words });
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

/** The references that a schema follows before anything inside it. */
function listReferences(node: JsonObject): unknown[] {
  const branches = COMPOSITIONS.flatMap((key) => listAt(node, key)).filter(isJsonObject);
  return [node, ...branches].map(({ $ref: reference }) => reference)
    .filter((reference) => reference !== undefined);
}

/** The first type that is not null, named or implied. */
function findOwnType(node: JsonObject): unknown {
  const named = listTypes(node).find((type) => type !== "null");
  if (named !== undefined) return named;
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
  if (type === "object" || type === "array") return type;
  return SIMPLE.find((simple) => simple === type) ?? "string";
}

function listValues(node: JsonObject): unknown[] {
  return node["const"] === undefined ? listAt(node, "enum") : [node["const"]];
}

/** The words that may be said. Numbers among them are refused by some. */
function listTexts(node: JsonObject): unknown[] {
  return listValues(node).filter((value) => typeof value === "string");
}

/** The words of a union that has nothing but words, and null. */
function uniteTexts(branches: readonly JsonObject[]): unknown[] {
  const texts = branches.filter(({ type }) => type !== "null").map(listTexts);
  return texts.every((list) => list.length > 0) ? [...new Set(texts.flat())] : [];
}

function toEmpty(type: string): JsonObject {
  if (type === "object") return { type, properties: {} };
  return type === "array" ? { type, items: { type: "string" } } : { type };
}

/** A schema under the description of another; its own is kept where that has none. */
function describe({ description }: JsonObject, schema: JsonObject): JsonObject {
  return typeof description === "string" ? { ...schema, description } : schema;
}
