/** Each form of reference, and where its target is moved. @module */

import { assert, assertEquals } from "@std/assert";
import { isJsonObject, type JsonObject } from "../../../lib/json.ts";
import { findTarget } from "../../../lib/translate/schemas/nodes.ts";
import { gatherReferences } from "../../../lib/translate/schemas/references.ts";

const CASES: readonly { about: string; schema: JsonObject; gathered?: JsonObject }[] = [
  {
    about: "moves the target of a pointer into properties, which stays there too",
    schema: {
      properties: { a: { items: { type: "string" } }, b: { $ref: "#/properties/a/items" } },
    },
    gathered: {
      properties: { a: { items: { type: "string" } }, b: { $ref: "#/$defs/items" } },
      $defs: { items: { type: "string" } },
    },
  },
  {
    about: "moves definitions to $defs",
    schema: {
      properties: { a: { $ref: "#/definitions/A", title: "T" } },
      definitions: { A: { items: { $ref: "#/definitions/B" } }, B: { type: "string" }, C: {} },
      required: ["a"],
    },
    gathered: {
      properties: { a: { $ref: "#/$defs/A", title: "T" } },
      required: ["a"],
      $defs: { A: { items: { $ref: "#/$defs/B" } }, B: { type: "string" } },
    },
  },
  {
    about: "moves the targets of references inside $defs",
    schema: {
      $defs: { A: { not: { $ref: "#/properties/b" } } },
      properties: { a: { $ref: "#/$defs/A" }, b: { type: "number" } },
    },
    gathered: {
      $defs: { A: { not: { $ref: "#/$defs/b" } }, b: { type: "number" } },
      properties: { a: { $ref: "#/$defs/A" }, b: { type: "number" } },
    },
  },
  {
    about: "moves a target inside a definition",
    schema: {
      $defs: { A: { properties: { x: { type: "string" } } } },
      properties: { a: { $ref: "#/$defs/A/properties/x" } },
    },
    gathered: {
      $defs: { A: { properties: { x: { type: "string" } } }, x: { type: "string" } },
      properties: { a: { $ref: "#/$defs/x" } },
    },
  },
  {
    about: "moves a target under names that look like a reference",
    schema: {
      properties: { "#": { $defs: { A: { type: "string" } } } },
      items: { $ref: "#/properties/#/$defs/A" },
    },
    gathered: {
      properties: { "#": { $defs: { A: { type: "string" } } } },
      items: { $ref: "#/$defs/A" },
      $defs: { A: { type: "string" } },
    },
  },
  {
    about: "moves the target of a circular reference once",
    schema: {
      properties: { a: { items: { $ref: "#/properties/a" } }, b: { $ref: "#/properties/a" } },
    },
    gathered: {
      properties: { a: { items: { $ref: "#/$defs/a" } }, b: { $ref: "#/$defs/a" } },
      $defs: { a: { items: { $ref: "#/$defs/a" } } },
    },
  },
  {
    about: "moves targets that refer to each other",
    schema: {
      properties: {
        a: { items: { $ref: "#/properties/b" } },
        b: { not: { $ref: "#/properties/a" } },
      },
    },
    gathered: {
      properties: { a: { items: { $ref: "#/$defs/b" } }, b: { not: { $ref: "#/$defs/a" } } },
      $defs: { b: { not: { $ref: "#/$defs/a" } }, a: { items: { $ref: "#/$defs/b" } } },
    },
  },
  {
    about: "numbers names that are taken",
    schema: {
      $defs: { x: { title: "0" }, "x-2": { title: "1" } },
      properties: { x: { title: "2" }, a: { properties: { x: { title: "3" } } } },
      allOf: [{ $ref: "#/properties/x" }, { $ref: "#/properties/a/properties/x" }],
    },
    gathered: {
      $defs: {
        x: { title: "0" },
        "x-2": { title: "1" },
        "x-3": { title: "2" },
        "x-4": { title: "3" },
      },
      properties: { x: { title: "2" }, a: { properties: { x: { title: "3" } } } },
      allOf: [{ $ref: "#/$defs/x-3" }, { $ref: "#/$defs/x-4" }],
    },
  },
  {
    about: "names a target in a list by its number",
    schema: { anyOf: [{ type: "string" }, { $ref: "#/anyOf/0" }] },
    gathered: {
      anyOf: [{ type: "string" }, { $ref: "#/$defs/shared0" }],
      $defs: { shared0: { type: "string" } },
    },
  },
  {
    about: "names a target of an empty name",
    schema: { properties: { "": { type: "string" }, a: { $ref: "#/properties/" } } },
    gathered: {
      properties: { "": { type: "string" }, a: { $ref: "#/$defs/shared" } },
      $defs: { shared: { type: "string" } },
    },
  },
  {
    about: "replaces characters of names that a pointer would escape",
    schema: {
      definitions: { "a/b c.é": { type: "string" } },
      items: { $ref: "#/definitions/a~1b c.é" },
    },
    gathered: {
      items: { $ref: "#/$defs/a_b_c__" },
      $defs: { "a_b_c__": { type: "string" } },
    },
  },
  {
    about: "keeps letters, digits, hyphens and underscores of names",
    schema: { definitions: { "aZ_-09": {} }, items: { $ref: "#/definitions/aZ_-09" } },
    gathered: { items: { $ref: "#/$defs/aZ_-09" }, $defs: { "aZ_-09": {} } },
  },
  {
    about: "keeps data that looks like a reference",
    schema: {
      properties: { a: { type: "string" }, b: { $ref: "#/properties/a" } },
      title: "#/properties/a",
      default: { $ref: "#/properties/a" },
      enum: [{ $ref: "#/properties/a" }],
    },
    gathered: {
      properties: { a: { type: "string" }, b: { $ref: "#/$defs/a" } },
      title: "#/properties/a",
      default: { $ref: "#/properties/a" },
      enum: [{ $ref: "#/properties/a" }],
      $defs: { a: { type: "string" } },
    },
  },
  {
    about: "follows references in a property named $ref",
    schema: {
      properties: { $ref: { items: { $ref: "#/definitions/A" } } },
      definitions: { A: {} },
    },
    gathered: { properties: { $ref: { items: { $ref: "#/$defs/A" } } }, $defs: { A: {} } },
  },
  {
    about: "keeps references to missing targets next to others",
    schema: { definitions: { A: {} }, items: { $ref: "#/definitions/A" }, not: { $ref: "#/gone" } },
    gathered: { items: { $ref: "#/$defs/A" }, not: { $ref: "#/gone" }, $defs: { A: {} } },
  },
  {
    about: "keeps a schema without references",
    schema: { properties: { a: { type: "string" } }, definitions: { A: {} } },
  },
  {
    about: "keeps references to $defs and to the whole schema",
    schema: {
      properties: { a: { $ref: "#/$defs/A" }, b: { $ref: "#" } },
      $defs: { A: {} },
      definitions: { A: {} },
    },
  },
  {
    about: "keeps references to missing targets, other documents and values that are not schemas",
    schema: {
      allOf: ["#/gone", "other.json", "other.json#/$defs/A", "#/title", ""].map(($ref) => ({
        $ref,
      })),
      title: "T",
      definitions: {},
    },
  },
  {
    about: "keeps a reference that is not a string",
    schema: { properties: { a: { $ref: 5 } }, definitions: { A: {} } },
  },
];

for (const { about, schema, gathered } of CASES) {
  Deno.test(`gatherReferences ${about}`, () => {
    const before = JSON.stringify(schema);
    const result = gatherReferences(schema);
    assertEquals(result, gathered ?? schema);
    if (gathered === undefined) assert(result === schema, "a copy");
    assertEquals(JSON.stringify(schema), before);
  });
}

Deno.test("gatherReferences replaces an anchor with a reference that has a target", () => {
  const { items, $defs } = gatherReferences({ items: { $ref: "#anchor" } });
  assert(isJsonObject(items) && isJsonObject($defs));
  assert(findTarget({ $defs }, items["$ref"]) !== undefined, JSON.stringify(items));
});

Deno.test("gatherReferences cuts long names to 64 characters", () => {
  const name = "x".repeat(64);
  const definitions = { [`${name}y`]: { title: "Y" }, [name]: { title: "X" } };
  const items = [`${name}y`, name].map((key) => ({ $ref: `#/definitions/${key}` }));
  assertEquals(gatherReferences({ items, definitions }), {
    items: [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}-2` }],
    $defs: { [name]: { title: "Y" }, [`${name}-2`]: { title: "X" } },
  });
});

Deno.test("gatherReferences moves 200 targets and keeps further references", () => {
  const names = Array.from({ length: 201 }, (_, index) => `d${index}`);
  const definitions = Object.fromEntries(names.map((name) => [name, {}]));
  const $ref = (name: string) => ({ $ref: `#/definitions/${name}` });
  const gathered = gatherReferences({ allOf: [...names, "d0"].map($ref), definitions });
  assertEquals(gathered["allOf"], [
    ...names.slice(0, 200).map((name) => ({ $ref: `#/$defs/${name}` })),
    $ref("d200"),
    { $ref: "#/$defs/d0" },
  ]);
});

/** A schema inside as many others. */
function nest(inner: JsonObject, depth: number): JsonObject {
  return depth === 0 ? inner : { items: nest(inner, depth - 1) };
}

for (const [depth, isMoved] of [[63, true], [64, false]] as const) {
  const moved = (name: string) => ({ $ref: isMoved ? `#/$defs/${name}` : `#/definitions/${name}` });

  Deno.test(`gatherReferences ${isMoved ? "moves" : "keeps"} a reference inside ${depth} schemas`, () => {
    const schema = {
      not: { $ref: "#/definitions/B" },
      ...nest({ $ref: "#/definitions/A" }, depth),
      definitions: { A: { title: "A" }, B: { title: "B" } },
    };
    const { definitions: _, ...rest } = gatherReferences(schema);
    assertEquals(rest, {
      not: { $ref: "#/$defs/B" },
      ...nest(moved("A"), depth),
      $defs: { B: { title: "B" }, ...(isMoved && { A: { title: "A" } }) },
    });
  });

  Deno.test(`gatherReferences ${isMoved ? "moves" : "keeps"} a reference inside ${depth} schemas of a target`, () => {
    const definitions = { A: nest({ $ref: "#/definitions/B" }, depth), B: { title: "B" } };
    const gathered = gatherReferences({ not: { $ref: "#/definitions/A" }, definitions });
    assertEquals(gathered["$defs"], {
      A: nest(moved("B"), depth),
      ...(isMoved && { B: { title: "B" } }),
    });
  });
}
