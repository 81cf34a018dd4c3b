/** Each composition at the top of a schema, what it is merged to and whether that is reported. @module */

import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import { flatten } from "../../../lib/translate/schemas/flatten.ts";

interface Case {
  about: string;
  schema: JsonObject;
  flat: JsonObject;
  /** The keywords whose result accepts more than before, or has no exact form. */
  dropped?: readonly string[];
  root?: JsonObject;
}

const A = { properties: { a: { type: "string" } } };
const B = { properties: { b: { type: "number" } } };
const BOTH = { properties: { ...A.properties, ...B.properties } };

const REFERENCES: readonly Case[] = [
  {
    about: "keeps a schema without a composition",
    schema: { type: "object", ...A, $defs: { A }, not: { anyOf: [A] } },
    flat: { type: "object", ...A, $defs: { A }, not: { anyOf: [A] } },
  },
  {
    about: "merges the target of a reference",
    schema: { $ref: "#/$defs/A", required: ["a"], $defs: { A } },
    flat: { ...A, required: ["a"], $defs: { A } },
  },
  {
    about: "follows a reference to a reference",
    schema: { $ref: "#/$defs/B" },
    root: { $defs: { A, B: { $ref: "#/$defs/A", required: ["a"] } } },
    flat: { ...A, required: ["a"] },
  },
  {
    about: "merges the composition of a target",
    schema: { $ref: "#/$defs/C" },
    root: { $defs: { C: { allOf: [A, B] } } },
    flat: BOTH,
  },
  {
    about: "reports a reference to a missing target",
    schema: { $ref: "#/$defs/B", ...A },
    flat: A,
    dropped: ["$ref"],
  },
  {
    about: "reports a reference to another document",
    schema: { $ref: "other.json#/$defs/A", ...A, $defs: { A: B } },
    flat: { ...A, $defs: { A: B } },
    dropped: ["$ref"],
  },
  {
    about: "reports a reference that is not a string",
    schema: { $ref: 5, ...A },
    flat: A,
    dropped: ["$ref"],
  },
  {
    about: "removes a reference to the whole schema",
    schema: { $ref: "#", ...A },
    flat: A,
  },
  {
    about: "ends at a target that refers to itself",
    schema: { $ref: "#/$defs/A" },
    root: { $defs: { A: { ...A, $ref: "#/$defs/A" } } },
    flat: A,
  },
  {
    about: "ends at targets that refer to each other",
    schema: { $ref: "#/$defs/A" },
    root: {
      $defs: { A: { ...A, $ref: "#/$defs/B" }, B: { ...B, allOf: [{ $ref: "#/$defs/A" }] } },
    },
    flat: BOTH,
  },
  {
    about: "merges a target that two branches refer to",
    schema: { allOf: [{ $ref: "#/$defs/A" }, { ...B, $ref: "#/$defs/A" }] },
    root: { $defs: { A } },
    flat: BOTH,
  },
];

const JOINS: readonly Case[] = [
  { about: "merges allOf into nothing", schema: { allOf: [A] }, flat: A },
  { about: "merges allOf into properties", schema: { ...A, allOf: [B] }, flat: BOTH },
  { about: "merges allOf inside allOf", schema: { allOf: [{ allOf: [A] }, B] }, flat: BOTH },
  { about: "removes an empty allOf", schema: { ...A, allOf: [] }, flat: A },
  { about: "removes an allOf that is not a list", schema: { ...A, allOf: "x" }, flat: A },
  {
    about: "ignores branches that are not schemas or not objects",
    schema: {
      allOf: [5, null, "x", true, { type: "null" }, { type: ["string"], minLength: 1 }, A],
    },
    flat: A,
  },
  {
    about: "merges branches that may be objects",
    schema: { allOf: [{ type: ["null", "object"], ...A }, { type: "object", ...B }] },
    flat: { type: ["null", "object"], ...BOTH },
  },
  {
    about: "lists each required property once",
    schema: { required: ["a", "b"], allOf: [{ required: ["b", "c"] }, { required: ["d", "a"] }] },
    flat: { required: ["a", "b", "c", "d"] },
  },
  {
    about: "demands both schemas of a property that is defined twice",
    schema: {
      properties: { a: { type: "string" } },
      allOf: [{ properties: { a: { minLength: 1 } } }],
    },
    flat: { properties: { a: { allOf: [{ type: "string" }, { minLength: 1 }] } } },
  },
  {
    about: "keeps a property that is defined twice in the same way",
    schema: { ...A, allOf: [A, A] },
    flat: A,
  },
  {
    about: "keeps the first of two different constraints and reports the second",
    schema: { minProperties: 1, allOf: [{ minProperties: 2, maxProperties: 3 }] },
    flat: { minProperties: 1, maxProperties: 3 },
    dropped: ["allOf"],
  },
  {
    about: "reports two branches with different constraints",
    schema: { allOf: [{ minProperties: 1 }, { minProperties: 2 }, A] },
    flat: { minProperties: 1, ...A },
    dropped: ["allOf"],
  },
  {
    about: "reports different constraints after equal ones",
    schema: { allOf: [{ minProperties: 1 }, { minProperties: 1 }, { minProperties: 2 }, {}] },
    flat: { minProperties: 1 },
    dropped: ["allOf"],
  },
  {
    about: "keeps equal constraints",
    schema: { minProperties: 1, allOf: [{ minProperties: 1 }, { not: A }, { not: A }] },
    flat: { minProperties: 1, not: A },
  },
  {
    about: "keeps the first of two types",
    schema: { type: "object", allOf: [{ type: ["object", "null"] }] },
    flat: { type: "object" },
  },
  {
    about: "merges all compositions",
    schema: {
      $ref: "#/$defs/A",
      allOf: [B],
      anyOf: [{ required: ["a"] }],
      oneOf: [{ required: ["b"] }],
    },
    root: { $defs: { A } },
    flat: { ...BOTH, required: ["a", "b"] },
  },
  {
    about: "reports the composition inside which something is loosened, for each level",
    schema: { allOf: [{ anyOf: [A, B] }] },
    flat: BOTH,
    dropped: ["anyOf"],
  },
];

const CLOSED = { additionalProperties: false };

const CLOSURES: readonly Case[] = [
  {
    about: "opens a closed schema that gets further properties",
    schema: { ...A, ...CLOSED, allOf: [B] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "opens a closed branch that gets further properties",
    schema: { ...A, allOf: [{ ...B, ...CLOSED }] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "opens two closed schemas of different properties",
    schema: { ...A, ...CLOSED, allOf: [{ ...B, ...CLOSED }] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "opens a closed schema of fewer properties",
    schema: { ...A, ...CLOSED, allOf: [{ ...BOTH, ...CLOSED }] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "opens a closed branch of fewer properties",
    schema: { ...BOTH, ...CLOSED, allOf: [{ ...A, ...CLOSED }] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "opens a map that gets further properties",
    schema: { ...A, additionalProperties: { type: "string" }, allOf: [B] },
    flat: BOTH,
    dropped: ["allOf"],
  },
  {
    about: "leaves a union of maps open: closing it would refuse what every branch accepts",
    schema: {
      anyOf: [
        { additionalProperties: { type: "string" } },
        { additionalProperties: { type: "number" } },
      ],
    },
    flat: { properties: {} },
    dropped: ["anyOf"],
  },
  {
    about: "keeps two closed schemas of the same properties closed",
    schema: { ...A, ...CLOSED, allOf: [{ ...A, ...CLOSED }] },
    flat: { ...A, ...CLOSED },
  },
  {
    about: "keeps a schema closed to which nothing is added",
    schema: { ...BOTH, ...CLOSED, allOf: [A, { required: ["a"] }] },
    flat: { ...BOTH, ...CLOSED, required: ["a"] },
  },
  {
    about: "keeps a branch closed that defines all properties",
    schema: { ...A, allOf: [{ ...BOTH, ...CLOSED }] },
    flat: { ...BOTH, ...CLOSED },
  },
  {
    about: "joins schemas that are declared open",
    schema: { ...A, additionalProperties: true, allOf: [{ ...B, additionalProperties: true }] },
    flat: { ...BOTH, additionalProperties: true },
  },
  {
    about: "joins schemas that are open by an empty schema",
    schema: { ...A, additionalProperties: {}, allOf: [{ ...B, additionalProperties: {} }] },
    flat: { ...BOTH, additionalProperties: {} },
  },
];

const UNIONS: readonly Case[] = [
  { about: "replaces an anyOf of one branch with it", schema: { anyOf: [A] }, flat: A },
  { about: "replaces a oneOf of one branch with it", schema: { oneOf: [A] }, flat: A },
  {
    about: "replaces a union of one object and null with the object",
    schema: { anyOf: [{ type: "null" }, { ...A, required: ["a"] }] },
    flat: { ...A, required: ["a"] },
  },
  { about: "removes an empty union", schema: { ...A, anyOf: [] }, flat: A },
  {
    about: "removes a union without an object",
    schema: { ...A, oneOf: [{ type: "null" }] },
    flat: A,
  },
  {
    about: "allows the properties of each branch of anyOf",
    schema: { anyOf: [A, B] },
    flat: BOTH,
    dropped: ["anyOf"],
  },
  {
    about: "allows the properties of each branch of oneOf",
    schema: { oneOf: [A, B] },
    flat: BOTH,
    dropped: ["oneOf"],
  },
  {
    about: "requires what every branch requires",
    schema: {
      anyOf: [{ required: ["a", "b", "c"] }, { required: ["c", "a"] }, {
        required: ["c", "a", "b"],
      }],
    },
    flat: { properties: {}, required: ["a", "c"] },
    dropped: ["anyOf"],
  },
  {
    about: "requires nothing if a branch requires nothing",
    schema: { anyOf: [{ ...A, required: ["a"] }, A] },
    flat: A,
    dropped: ["anyOf"],
  },
  {
    about: "closes a union of closed branches",
    schema: { anyOf: [{ ...A, ...CLOSED }, { ...B, ...CLOSED }] },
    flat: { ...BOTH, ...CLOSED },
    dropped: ["anyOf"],
  },
  {
    about: "opens a union with an open branch",
    schema: { anyOf: [{ ...A, ...CLOSED }, { ...B, additionalProperties: true }] },
    flat: BOTH,
    dropped: ["anyOf"],
  },
  {
    about: "loses other constraints of the branches",
    schema: { anyOf: [{ ...A, minProperties: 1 }, { ...B, title: "B" }] },
    flat: BOTH,
    dropped: ["anyOf"],
  },
];

/** The schemas of one property in the branches of a union, and its schema in the result. */
const UNITED: readonly { about: string; schemas: readonly unknown[]; united: unknown }[] = [
  {
    about: "equal schemas",
    schemas: [{ type: "string" }, { type: "string" }],
    united: { type: "string" },
  },
  {
    about: "different schemas",
    schemas: [{ type: "string" }, { type: "number" }, { type: "string" }],
    united: { anyOf: [{ type: "string" }, { type: "number" }] },
  },
  {
    about: "string constants",
    schemas: [{ const: "a" }, { type: "string", const: "b" }, { const: "a" }],
    united: { type: "string", enum: ["a", "b"] },
  },
  {
    about: "enums and constants of strings",
    schemas: [{ enum: ["a", "b"] }, { const: "b" }, { type: "string", enum: ["c"] }],
    united: { type: "string", enum: ["a", "b", "c"] },
  },
  {
    about: "constants of other types",
    schemas: [{ const: "a" }, { const: 1 }],
    united: { anyOf: [{ const: "a" }, { const: 1 }] },
  },
  {
    about: "enums of other types",
    schemas: [{ enum: ["a", null] }, { enum: ["b"] }],
    united: { anyOf: [{ enum: ["a", null] }, { enum: ["b"] }] },
  },
  {
    about: "constants with a description",
    schemas: [{ const: "a", description: "A" }, { const: "b" }],
    united: { anyOf: [{ const: "a", description: "A" }, { const: "b" }] },
  },
  {
    about: "a constant and any string",
    schemas: [{ const: "a" }, { type: "string" }],
    united: { anyOf: [{ const: "a" }, { type: "string" }] },
  },
  {
    about: "a constant and an empty enum",
    schemas: [{ const: "a" }, { enum: [] }],
    united: { anyOf: [{ const: "a" }, { enum: [] }] },
  },
  {
    about: "a constant and a boolean schema",
    schemas: [{ const: "a" }, true],
    united: { anyOf: [{ const: "a" }, true] },
  },
];

/** Numbered properties. */
function define(...names: (string | number)[]): JsonObject {
  return { properties: Object.fromEntries(names.map((name) => [`p${name}`, {}])) };
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index);
}

/** Definitions that each refer to the one before. */
function chain(length: number): JsonObject {
  const definitions = count(length).map((index) => [
    `d${index}`,
    index === 0 ? A : { $ref: `#/$defs/d${index - 1}` },
  ]);
  return Object.fromEntries(definitions);
}

const TARGET = { $defs: { A, T: define("t") } };
const REFERENCE = { $ref: "#/$defs/T" };

const BOUNDS: readonly Case[] = [
  {
    about: "merges 200 branches",
    schema: { allOf: count(200).map((index) => define(index)) },
    flat: define(...count(200)),
  },
  {
    about: "merges the first 200 of 201 branches and reports it",
    schema: { allOf: count(201).map((index) => define(index)) },
    flat: define(...count(200)),
    dropped: ["allOf"],
  },
  {
    about: "allows the properties of 200 alternatives",
    schema: { anyOf: count(200).map((index) => ({ ...define(index), ...CLOSED })) },
    flat: { ...define(...count(200)), ...CLOSED },
    dropped: ["anyOf"],
  },
  {
    about: "allows everything in place of 201 alternatives",
    schema: { ...A, anyOf: count(201).map((index) => ({ ...define(index), ...CLOSED })) },
    flat: A,
    dropped: ["anyOf"],
  },
  {
    about: "allows everything in place of an alternative beyond 200 branches",
    schema: { allOf: count(199).map(() => A), anyOf: [define(1), define(2)] },
    flat: A,
    dropped: ["anyOf"],
  },
  {
    about: "merges nothing more inside the branches once 200 are merged",
    schema: {
      allOf: count(200).map((index) => ({ allOf: [define(`a${index}`), define(`b${index}`)] })),
    },
    // Three a branch; two are left for the last one.
    flat: define(...count(66).flatMap((index) => [`a${index}`, `b${index}`]), "a66"),
    dropped: ["allOf"],
  },
  {
    about: "counts a branch and its reference as two steps",
    schema: { allOf: count(101).map((index) => ({ ...define(index), ...REFERENCE })) },
    root: TARGET,
    flat: define(...count(101), "t"),
    dropped: ["$ref"],
  },
  {
    about: "follows 200 references one after another",
    schema: { $ref: "#/$defs/d199" },
    root: { $defs: chain(200) },
    flat: A,
  },
  {
    about: "does not follow the last of 201 references and reports it",
    schema: { $ref: "#/$defs/d200" },
    root: { $defs: chain(201) },
    flat: {},
    dropped: ["$ref"],
  },
  {
    about: "follows a reference as the last of 200 steps",
    schema: { allOf: [...count(198).map(() => A), { ...define(1), ...REFERENCE }] },
    root: TARGET,
    flat: { properties: { ...A.properties, p1: {}, pt: {} } },
  },
  {
    about: "does not follow a reference after 200 steps and reports it",
    schema: { allOf: [...count(199).map(() => A), { ...define(1), ...REFERENCE }] },
    root: TARGET,
    flat: { properties: { ...A.properties, p1: {} } },
    dropped: ["$ref"],
  },
];

const TABLES = [...REFERENCES, ...JOINS, ...CLOSURES, ...UNIONS, ...BOUNDS];

for (const { about, schema, flat, dropped = [], root = schema } of TABLES) {
  Deno.test(`flatten ${about}`, () => {
    const before = JSON.stringify(schema);
    const reported = new Set<string>();
    const result = flatten(schema, { root, drop: (keyword) => reported.add(keyword) });
    assertEquals(result, flat);
    assertEquals([...reported], dropped);
    assertEquals(JSON.stringify(schema), before);
  });
}

for (const { about, schemas, united } of UNITED) {
  Deno.test(`flatten unites ${about} of one property`, () => {
    const anyOf = schemas.map((a) => ({ properties: { a } }));
    assertEquals(flatten({ anyOf }, { root: {}, drop: () => {} }), { properties: { a: united } });
  });
}

for (
  const keyword of [
    ...["$comment", "$id", "$schema", "default", "deprecated", "description", "examples"],
    ...["readOnly", "title", "writeOnly"],
  ]
) {
  Deno.test(`flatten keeps the first ${keyword} without a report`, () => {
    const reported: string[] = [];
    const schema = { [keyword]: "first", allOf: [{ [keyword]: "second" }] };
    const flat = flatten(schema, { root: schema, drop: (name) => reported.push(name) });
    assertEquals(flat, { [keyword]: "first" });
    assertEquals(reported, []);
  });
}
