/** The plain form of each kind of schema. @module */

import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { toPlainSchema } from "../../../lib/translate/schemas/plain_schema.ts";

const S = { type: "string" };
const I = { type: "integer" };
const N = { type: "number" };
const A = { type: "object", properties: { a: S }, required: ["a"] };
const B = { type: "object", properties: { b: N }, required: ["b"] };
const AB = { type: "object", properties: { a: S, b: N } };

/** Definitions that the properties below refer to. */
const $defs = {
  A,
  B,
  I: { ...I, description: "inner" },
  loop: { properties: { next: { $ref: "#/$defs/loop" }, n: N } },
  tree: { type: "array", items: { $ref: "#/$defs/tree" }, description: "Tree" },
  ping: { properties: { pong: { $ref: "#/$defs/pong" } } },
  pong: { properties: { ping: { $ref: "#/$defs/ping" } } },
  text: { enum: ["x"] },
};

const PROPERTIES: readonly { about: string; schema: unknown; plain: JsonObject }[] = [
  // Schemas without a known type.
  { about: "an empty schema", schema: {}, plain: S },
  { about: "the schema true", schema: true, plain: S },
  { about: "a value that is not a schema", schema: 5, plain: S },
  { about: "a list instead of a schema", schema: [N], plain: S },
  { about: "an unknown type", schema: { type: "date" }, plain: S },
  { about: "null", schema: { type: "null" }, plain: S },
  { about: "a constant null", schema: { const: null }, plain: S },
  { about: "a missing target", schema: { $ref: "#/$defs/gone" }, plain: S },
  { about: "a union of null", schema: { anyOf: [{ type: "null" }] }, plain: S },
  { about: "an empty union", schema: { anyOf: [] }, plain: S },
  { about: "a union that is not a list", schema: { oneOf: S, allOf: "x", anyOf: 5 }, plain: S },
  // Types, declared or implied.
  { about: "a string", schema: { type: "string", minLength: 1, format: "email" }, plain: S },
  { about: "an integer", schema: { type: "integer", minimum: 1 }, plain: I },
  { about: "a number", schema: N, plain: N },
  { about: "a boolean", schema: { type: "boolean", default: true }, plain: { type: "boolean" } },
  { about: "an object", schema: { type: "object" }, plain: { type: "object", properties: {} } },
  { about: "a type after null", schema: { type: ["null", "integer"] }, plain: I },
  { about: "the first of several types", schema: { type: ["number", "string"] }, plain: N },
  {
    about: "an object by its properties",
    schema: { properties: { a: N } },
    plain: { type: "object", properties: { a: N } },
  },
  { about: "a list by its items", schema: { items: N }, plain: { type: "array", items: N } },
  {
    about: "a list by its first items",
    schema: { prefixItems: [N] },
    plain: { type: "array", items: N },
  },
  { about: "integers by their values", schema: { enum: [null, 1, 2] }, plain: I },
  { about: "other numbers by their values", schema: { const: 1.5 }, plain: N },
  { about: "a boolean by its value", schema: { const: false }, plain: { type: "boolean" } },
  {
    about: "an object by its value",
    schema: { const: { a: 1 } },
    plain: { type: "object", properties: {} },
  },
  {
    about: "a declared type next to others that are implied",
    schema: { type: "number", properties: {}, items: {} },
    plain: N,
  },
  // Enums.
  {
    about: "an enum of strings",
    schema: { type: "string", enum: ["a", "b"] },
    plain: { ...S, enum: ["a", "b"] },
  },
  {
    about: "an enum of strings without a type",
    schema: { enum: ["a", "b"] },
    plain: { ...S, enum: ["a", "b"] },
  },
  {
    about: "an enum of strings and null",
    schema: { enum: [null, "a"] },
    plain: { ...S, enum: ["a"] },
  },
  {
    about: "a string constant",
    schema: { const: "a", enum: ["a", "b"] },
    plain: { ...S, enum: ["a"] },
  },
  {
    about: "a string constant that looks like a number",
    schema: { const: "1" },
    plain: { ...S, enum: ["1"] },
  },
  { about: "an enum of numbers of a string", schema: { type: "string", enum: [1, 2] }, plain: S },
  { about: "an enum of strings of a number", schema: { type: "number", enum: ["a"] }, plain: N },
  {
    about: "an enum of several types by its first value",
    schema: { enum: [null, "a", 1, true] },
    plain: { ...S, enum: ["a"] },
  },
  { about: "an enum whose first value is a number", schema: { enum: [1, "a"] }, plain: I },
  // Lists.
  { about: "a list of anything", schema: { type: "array" }, plain: { type: "array", items: S } },
  {
    about: "a list of lists",
    schema: { items: { items: N } },
    plain: { type: "array", items: { type: "array", items: N } },
  },
  {
    about: "a list that may be null",
    schema: { type: ["array", "null"], items: I },
    plain: { type: "array", items: I },
  },
  {
    about: "a tuple",
    schema: { prefixItems: [N, S], items: I },
    plain: { type: "array", items: N },
  },
  {
    about: "a tuple of earlier drafts",
    schema: { items: [N, S] },
    plain: { type: "array", items: N },
  },
  {
    about: "an empty tuple",
    schema: { prefixItems: [], items: I },
    plain: { type: "array", items: I },
  },
  {
    about: "a list of targets",
    schema: { items: { $ref: "#/$defs/I" } },
    plain: { type: "array", items: { ...I, description: "inner" } },
  },
  {
    about: "a tuple that starts with the schema false",
    schema: { prefixItems: [false], items: N },
    plain: { type: "array", items: S },
  },
  // Descriptions.
  {
    about: "a description",
    schema: { type: "number", description: "D", title: "T" },
    plain: { ...N, description: "D" },
  },
  { about: "a description that is not text", schema: { type: "number", description: 5 }, plain: N },
  {
    about: "descriptions of objects and properties",
    schema: { description: "D", properties: { a: { ...N, description: "E" } } },
    plain: { type: "object", properties: { a: { ...N, description: "E" } }, description: "D" },
  },
  {
    about: "the description of a list and an enum",
    schema: { description: "D", items: { enum: ["a"], description: "E" } },
    plain: { type: "array", items: { ...S, enum: ["a"], description: "E" }, description: "D" },
  },
  {
    about: "the description of a target",
    schema: { $ref: "#/$defs/I" },
    plain: { ...I, description: "inner" },
  },
  {
    about: "a description next to a reference",
    schema: { $ref: "#/$defs/I", description: "outer" },
    plain: { ...I, description: "outer" },
  },
  {
    about: "the description of a branch",
    schema: { anyOf: [{ type: "null" }, { ...A, description: "D" }] },
    plain: { ...A, description: "D" },
  },
  {
    about: "a description next to a union",
    schema: { anyOf: [{ ...I, description: "inner" }], description: "outer" },
    plain: { ...I, description: "outer" },
  },
  {
    about: "a description next to constants",
    schema: { anyOf: [{ const: "a" }, { const: "b" }], description: "D" },
    plain: { ...S, enum: ["a", "b"], description: "D" },
  },
  // Required properties.
  {
    about: "required properties that are defined",
    schema: { properties: { a: S, 5: S }, required: ["gone", "toString", 5, "a"] },
    plain: { type: "object", properties: { 5: S, a: S }, required: ["a"] },
  },
  {
    about: "required properties of which none is defined",
    schema: { properties: { a: S }, required: ["gone"] },
    plain: { type: "object", properties: { a: S } },
  },
  // References.
  { about: "the target of a reference", schema: { $ref: "#/$defs/A" }, plain: A },
  {
    about: "a target inside the schema that refers to it",
    schema: { $ref: "#/properties/x/items", items: N },
    plain: { type: "array", items: N },
  },
  {
    about: "a branch next to a missing target",
    schema: { $ref: "#/$defs/gone", anyOf: [N] },
    plain: N,
  },
  {
    about: "a target rather than a branch",
    schema: { $ref: "#/$defs/I", anyOf: [N] },
    plain: { ...I, description: "inner" },
  },
  {
    about: "the object that a reference adds to",
    schema: { $ref: "#/$defs/A", properties: { c: I } },
    plain: { type: "object", properties: { c: I, a: S }, required: ["a"] },
  },
  // Unions of objects are merged.
  { about: "two objects of anyOf", schema: { anyOf: [A, B] }, plain: AB },
  { about: "two objects of oneOf", schema: { oneOf: [A, B] }, plain: AB },
  {
    about: "two objects among other branches",
    schema: { anyOf: [{ type: "string" }, A, B] },
    plain: AB,
  },
  {
    about: "two targets of references",
    schema: { anyOf: [{ $ref: "#/$defs/A" }, { $ref: "#/$defs/B" }] },
    plain: AB,
  },
  {
    about: "an object of anyOf and one of oneOf",
    schema: { anyOf: [A], oneOf: [B] },
    plain: { ...AB, required: ["a", "b"] },
  },
  { about: "objects of allOf", schema: { allOf: [A, B] }, plain: { ...AB, required: ["a", "b"] } },
  { about: "one object of allOf", schema: { allOf: [A] }, plain: A },
  {
    about: "one object of allOf with what a union requires of it",
    schema: { allOf: [AB], anyOf: [{ required: ["a"] }] },
    plain: { ...AB, required: ["a"] },
  },
  { about: "one object of allOf after a title", schema: { allOf: [{ title: "T" }, A] }, plain: A },
  {
    about: "a target in allOf, with a description",
    schema: { allOf: [{ $ref: "#/$defs/A" }], description: "D" },
    plain: { ...A, description: "D" },
  },
  {
    about: "an object with a missing target in allOf",
    schema: { allOf: [{ $ref: "#/$defs/gone", properties: { a: N } }] },
    plain: { type: "object", properties: { a: N } },
  },
  // Of other unions the first type is used.
  { about: "one object after another type", schema: { anyOf: [N, A] }, plain: N },
  { about: "one object before another type", schema: { oneOf: [A, N] }, plain: A },
  {
    about: "the first branch that is not null",
    schema: { oneOf: [{ type: "null" }, I, N] },
    plain: I,
  },
  { about: "one branch of allOf", schema: { allOf: [{ type: "integer", minimum: 1 }] }, plain: I },
  {
    about: "branches of allOf before those of others",
    schema: { oneOf: [S], anyOf: [N], allOf: [I] },
    plain: I,
  },
  { about: "branches that are not schemas", schema: { anyOf: [5, null, true, N] }, plain: N },
  {
    about: "a union inside a union",
    schema: { anyOf: [{ oneOf: [{ type: "null" }, N] }] },
    plain: N,
  },
  {
    about: "a type next to a union",
    schema: { type: "number", anyOf: [{ type: "string" }] },
    plain: N,
  },
  // Unions of string constants.
  {
    about: "string constants of a union",
    schema: { anyOf: [{ const: "a" }, { enum: ["b", "a"] }, { const: "c" }] },
    plain: { ...S, enum: ["a", "b", "c"] },
  },
  {
    about: "string constants and null",
    schema: { oneOf: [{ type: "null" }, { const: "a" }] },
    plain: { ...S, enum: ["a"] },
  },
  { about: "a string constant after a number", schema: { anyOf: [N, { const: "a" }] }, plain: N },
  {
    about: "a string constant before a number",
    schema: { anyOf: [{ const: "a" }, N] },
    plain: { ...S, enum: ["a"] },
  },
  {
    about: "a described constant without its description",
    schema: { anyOf: [{ const: "a", description: "A" }, { type: "null" }] },
    plain: { ...S, enum: ["a"] },
  },
  // Recursive schemas are cut where they repeat.
  {
    about: "an object that contains itself",
    schema: { $ref: "#/$defs/loop" },
    plain: { type: "object", properties: { next: { type: "object", properties: {} }, n: N } },
  },
  {
    about: "a list of itself",
    schema: { $ref: "#/$defs/tree" },
    plain: {
      type: "array",
      items: { type: "array", items: S, description: "Tree" },
      description: "Tree",
    },
  },
  {
    about: "objects that contain each other",
    schema: { $ref: "#/$defs/ping" },
    plain: {
      type: "object",
      properties: {
        pong: { type: "object", properties: { ping: { type: "object", properties: {} } } },
      },
    },
  },
  {
    about: "the same target twice side by side",
    schema: { properties: { one: { $ref: "#/$defs/A" }, two: { $ref: "#/$defs/A" } } },
    plain: { type: "object", properties: { one: A, two: A } },
  },
];

for (const { about, schema, plain } of PROPERTIES) {
  Deno.test(`toPlainSchema writes ${about}`, () => {
    const root = { properties: { x: schema }, $defs };
    const before = JSON.stringify(root);
    assertEquals(toPlainSchema(root), { type: "object", properties: { x: plain } });
    assertEquals(JSON.stringify(root), before);
  });
}

const ROOTS: readonly { about: string; schema: JsonObject; plain: JsonObject }[] = [
  { about: "an empty schema", schema: {}, plain: { type: "object", properties: {} } },
  {
    about: "a schema of another type",
    schema: { type: "string", enum: ["a"] },
    plain: { type: "object", properties: {} },
  },
  {
    about: "its description and required properties",
    schema: {
      ...AB,
      description: "D",
      required: ["b", "gone"],
      title: "T",
      additionalProperties: false,
    },
    plain: { ...AB, description: "D", required: ["b"] },
  },
  { about: "the target of a reference", schema: { $ref: "#/$defs/A", $defs }, plain: A },
  { about: "a union", schema: { anyOf: [A, B] }, plain: AB },
  { about: "allOf", schema: { allOf: [A, B] }, plain: { ...AB, required: ["a", "b"] } },
  {
    about: "a target that contains itself",
    schema: { $ref: "#/$defs/loop", $defs },
    plain: { type: "object", properties: { next: { type: "object", properties: {} }, n: N } },
  },
  ...["allOf", "anyOf", "oneOf"].map((keyword) => ({
    about: `a target in ${keyword} that contains itself`,
    schema: { [keyword]: [{ $ref: "#/$defs/loop" }], $defs },
    plain: { type: "object", properties: { next: { type: "object", properties: {} }, n: N } },
  })),
  ...["allOf", "anyOf", "oneOf"].map((keyword) => ({
    about: `a property that contains its object through ${keyword}`,
    schema: {
      properties: { x: { $ref: "#/$defs/node" } },
      $defs: { node: { properties: { x: { [keyword]: [{ $ref: "#/$defs/node" }] }, n: N } } },
    },
    plain: {
      type: "object",
      properties: {
        x: { type: "object", properties: { x: { type: "object", properties: {} }, n: N } },
      },
    },
  })),
];

for (const { about, schema, plain } of ROOTS) {
  Deno.test(`toPlainSchema writes at the top ${about}`, () => {
    assertEquals(toPlainSchema(schema), plain);
  });
}

/** A schema inside as many objects. */
function nest(inner: JsonObject, depth: number): JsonObject {
  return depth === 0 ? inner : { type: "object", properties: { a: nest(inner, depth - 1) } };
}

Deno.test("toPlainSchema writes 16 levels below the top and empties the next", () => {
  const text = { ...S, enum: ["x"], description: "D" };
  assertEquals(toPlainSchema(nest(text, 16)), nest(text, 16));
  assertEquals(toPlainSchema(nest(text, 17)), nest({ ...S, description: "D" }, 17));
  assertEquals(toPlainSchema(nest({}, 30)), nest({ type: "object", properties: {} }, 17));
});

Deno.test("toPlainSchema counts lists as levels", () => {
  let [list, plain]: JsonObject[] = [N, { type: "array", items: S }];
  for (let depth = 0; depth < 30; depth++) list = { type: "array", items: list };
  for (let depth = 0; depth < 16; depth++) plain = { type: "array", items: plain };
  assertEquals(toPlainSchema({ properties: { x: list } })["properties"], { x: plain });
});

Deno.test("toPlainSchema writes 2000 schemas and empties further ones", () => {
  const names = Array.from({ length: 2002 }, (_, index) => `p${index}`);
  const text = { ...S, enum: ["x"] };
  const properties = Object.fromEntries(names.map((name) => [name, text]));
  const plain = names.map((name, index) => [name, index < 2000 ? text : S]);
  assertEquals(toPlainSchema({ properties })["properties"], Object.fromEntries(plain));
});

for (const [references, type] of [[16, "number"], [17, "string"]] as const) {
  Deno.test(`toPlainSchema writes a ${type} for a number behind ${references} references`, () => {
    const chain = Array.from({ length: references }, (_, index) => [
      `d${index}`,
      index === 0 ? N : { $ref: `#/$defs/d${index - 1}` },
    ]);
    const schema = {
      properties: { x: { $ref: `#/$defs/d${references - 1}` } },
      $defs: Object.fromEntries(chain),
    };
    assertEquals(toPlainSchema(schema)["properties"], { x: { type } });
  });
}
