/**
 * Moves the targets of a schema's references to `#/$defs/NAME`.
 * zod generates `#/properties/a/items`, older tools `#/definitions/A`; Moonshot: "references must start with
 * #/$defs/", and Gemini supports no others either.
 * @module
 */

import type { JsonObject } from "../../json.ts";
import {
  findTarget,
  mapSchemas,
  mapValues,
  MAX_DEPTH,
  objectAt,
  splitPointer,
  without,
} from "./nodes.ts";

/** More than any real schema has; each target is copied. */
const MAX_TARGETS = 200;

/** Moves the targets of all references, except to other documents or missing targets. */
export function gatherReferences(root: JsonObject): JsonObject {
  return new Gatherer(root).gather();
}

class Gatherer {
  readonly #root: JsonObject;
  /** Old reference → name in `$defs`. */
  readonly #names = new Map<string, string>();
  readonly #queue: { name: string; target: JsonObject }[] = [];
  readonly #taken: Set<string>;

  constructor(root: JsonObject) {
    this.#root = root;
    this.#taken = new Set(Object.keys(objectAt(root, "$defs")));
  }

  gather(): JsonObject {
    const walked = this.#walk(this.#root, 0);
    if (this.#names.size === 0) return this.#root;
    const definitions: [string, unknown][] = Object.entries(objectAt(walked, "$defs"));
    // The queue grows during the loop: a target may refer to further ones.
    for (const { name, target } of this.#queue) {
      definitions.push([name, this.#walk(target, 0)]);
    }
    return { ...without(walked, "definitions"), $defs: Object.fromEntries(definitions) };
  }

  #walk(node: JsonObject, depth: number): JsonObject {
    if (depth >= MAX_DEPTH) return node;
    const replace = (schema: JsonObject) => this.#walk(schema, depth + 1);
    return mapValues(node, (value, key) => {
      if (key === "$ref" && typeof value === "string") return this.#move(value);
      return mapSchemas({ key, parent: null }, value, replace);
    });
  }

  #move(reference: string): string {
    if (reference === "#" || /^#\/\$defs\/[^/]+$/.test(reference)) return reference;
    const known = this.#names.get(reference);
    if (known !== undefined) return `#/$defs/${known}`;
    const target = this.#names.size < MAX_TARGETS ? findTarget(this.#root, reference) : undefined;
    if (target === undefined) return reference;
    const name = this.#claim(splitPointer(reference).at(-1) ?? "");
    this.#names.set(reference, name);
    this.#queue.push({ name, target });
    return `#/$defs/${name}`;
  }

  /** An unused name based on the last key of the pointer. */
  #claim(key: string): string {
    const readable = key.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64);
    const base = /^[0-9]*$/.test(readable) ? `shared${readable}` : readable;
    let name = base;
    for (let next = 2; this.#taken.has(name); next++) name = `${base}-${next}`;
    this.#taken.add(name);
    return name;
  }
}
