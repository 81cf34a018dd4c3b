/** Which keywords contain schemas, how references are resolved, and how values are read. @module */

import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../../lib/json.ts";
import {
  findTarget,
  formatPlace,
  isSame,
  listAt,
  listTypes,
  mapSchemas,
  mapValues,
  MAX_DEPTH,
  objectAt,
  type Place,
  splitPointer,
  without,
} from "../../../lib/translate/schemas/nodes.ts";

/** The value of a keyword with each schema replaced by its path and its content. */
function mapValue(key: string, value: unknown): unknown {
  return mapSchemas({ key, parent: null }, value, (schema, at) => ({ [formatPlace(at)]: schema }));
}

const ONE = [
  ...["additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if"],
  ...["items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"],
];
const LISTS = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const MAPS = [
  ...["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties"],
  "properties",
];
const DATA = ["enum", "const", "default", "examples", "required", "type", "x-anything"];
const OFTEN_BOOLEAN = [
  ...["additionalItems", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"],
];

for (const key of ONE) {
  Deno.test(`mapSchemas visits the schema under ${key}`, () => {
    assertEquals(mapValue(key, { a: 1 }), { [key]: { a: 1 } });
    for (const data of ["text", 5, null]) assertEquals(mapValue(key, data), data);
    const isKept = OFTEN_BOOLEAN.includes(key);
    assertEquals(mapValue(key, true), isKept ? true : { [key]: {} });
    assertEquals(mapValue(key, false), isKept ? false : { [key]: { not: {} } });
  });
}

for (const key of LISTS) {
  Deno.test(`mapSchemas visits the schemas in the list under ${key}`, () => {
    assertEquals(mapValue(key, [{ a: 1 }, true, false, 5, "text", null, [{}]]), [
      { [`${key}.0`]: { a: 1 } },
      { [`${key}.1`]: {} },
      { [`${key}.2`]: { not: {} } },
      ...[5, "text", null, [{}]],
    ]);
    if (!ONE.includes(key)) assertEquals(mapValue(key, { a: 1 }), { a: 1 });
  });
}

for (const key of MAPS) {
  Deno.test(`mapSchemas visits the schemas by name under ${key}`, () => {
    const map = { pattern: { a: 1 }, x: true, y: false, list: ["z"], text: "t", none: null };
    assertEquals(mapValue(key, map), {
      pattern: { [`${key}.pattern`]: { a: 1 } },
      x: { [`${key}.x`]: {} },
      y: { [`${key}.y`]: { not: {} } },
      list: ["z"],
      text: "t",
      none: null,
    });
    for (const data of [[{ a: 1 }], true, "text", null]) assertEquals(mapValue(key, data), data);
  });
}

for (const key of [...DATA, ...ONE.filter((one) => one !== "items")]) {
  Deno.test(`mapSchemas keeps a list under ${key}`, () => {
    assertEquals(mapValue(key, [{ a: 1 }, true]), [{ a: 1 }, true]);
  });
}

for (const key of DATA) {
  Deno.test(`mapSchemas keeps the data under ${key}, even if it looks like schemas`, () => {
    for (const data of [{ items: {} }, true, false]) assertEquals(mapValue(key, data), data);
  });
}

Deno.test("formatPlace joins the keys from the outside in", () => {
  const properties: Place = { key: "properties", parent: null };
  const place: Place = { key: "items", parent: { key: "a", parent: properties } };
  assertEquals(formatPlace(place), "properties.a.items");
  assertEquals(formatPlace(properties), "properties");
  assertEquals(formatPlace(null), "");
});

const ROOT: JsonObject = {
  $defs: { A: { title: "A" }, "b c": { title: "b c" }, text: "abc", none: null, list: [1] },
  allOf: [{ title: "first" }, { title: "second" }],
  "a/b": { title: "slash" },
  "a~b": { title: "tilde" },
  "~1": { title: "escaped" },
  "%E0%A4%A": { title: "percent" },
  "": { title: "empty", "": { title: "twice empty" } },
};

const TARGETS: readonly [reference: unknown, title: string | undefined][] = [
  ["#/$defs/B", undefined],
  ["#/$defs/A/title", undefined],
  ["#/$defs/text", undefined],
  ["#/$defs/text/length", undefined],
  ["#/$defs/none", undefined],
  ["#/$defs/none/a", undefined],
  ["#/$defs/list", undefined],
  ["#/$defs/list/0", undefined],
  ["#/allOf", undefined],
  ["#/allOf/2", undefined],
  ["#/toString", undefined],
  ["#/__proto__", undefined],
  ["other.json#/$defs/A", undefined],
  ["/$defs/A", undefined],
  ["", undefined],
  [undefined, undefined],
  [null, undefined],
  [5, undefined],
  [["#/$defs/A"], undefined],
  ["#/$defs/A", "A"],
  ["#/%24defs/A", "A"],
  ["#/$defs/b%20c", "b c"],
  ["#/allOf/0", "first"],
  ["#/allOf/1", "second"],
  ["#/a~1b", "slash"],
  ["#/a~0b", "tilde"],
  ["#/~01", "escaped"],
  ["#/%E0%A4%A", "percent"],
  ["#/", "empty"],
  ["#//", "twice empty"],
];

for (const [reference, title] of TARGETS) {
  Deno.test(`findTarget finds ${title ?? "nothing"} at ${JSON.stringify(reference)}`, () => {
    assertEquals(findTarget(ROOT, reference)?.["title"], title);
  });
}

Deno.test("findTarget finds the whole schema at #", () => {
  assertEquals(findTarget(ROOT, "#"), ROOT);
});

Deno.test("splitPointer unescapes each key of a reference, all of its escapes", () => {
  assertEquals(splitPointer("#"), []);
  assertEquals(splitPointer("#/a/b"), ["a", "b"]);
  assertEquals(splitPointer("#/a~1b~1c/d~0e~0f/%C3%A9"), ["a/b/c", "d~e~f", "é"]);
  assertEquals(splitPointer("#/100%/a~1b"), ["100%", "a/b"]);
});

Deno.test("listTypes lists a type, several types or none", () => {
  assertEquals(listTypes({ type: "string" }), ["string"]);
  assertEquals(listTypes({ type: ["string", "null"] }), ["string", "null"]);
  assertEquals(listTypes({}), []);
});

Deno.test("objectAt and listAt read only values of their kind", () => {
  const node = { object: { a: 1 }, list: [1], text: "t", none: null };
  assertEquals(objectAt(node, "object"), { a: 1 });
  assertEquals(listAt(node, "list"), [1]);
  for (const key of ["list", "text", "none", "missing"]) assertEquals(objectAt(node, key), {});
  for (const key of ["object", "text", "none", "missing"]) assertEquals(listAt(node, key), []);
});

Deno.test("without returns a copy without the keywords, in the same order", () => {
  const node = { a: 1, b: 2, c: 3, d: 4 };
  assertEquals(Object.entries(without(node, "c", "a", "x")), [["b", 2], ["d", 4]]);
  assertEquals(node, { a: 1, b: 2, c: 3, d: 4 });
});

Deno.test("what needs no change is not copied", () => {
  const node = { type: "object", properties: { a: { type: "string" } } };
  assert(without(node, "x") === node);
  assert(mapValues(node, (value) => value) === node);
  for (const [key, value] of Object.entries({ ...node, anyOf: [node], items: node })) {
    assert(mapSchemas({ key, parent: null }, value, (schema) => schema) === value, key);
  }
});

Deno.test("mapValues changes and removes values, in the same order, and keeps __proto__ a key", () => {
  const node = JSON.parse('{"b":1,"__proto__":{"x":1},"a":2,"c":3}');
  const mapped = mapValues(node, (value, key) => key === "b" ? undefined : key === "c" ? 4 : value);
  assertEquals(JSON.stringify(mapped), '{"__proto__":{"x":1},"a":2,"c":4}');
  assertEquals(JSON.stringify(node), '{"b":1,"__proto__":{"x":1},"a":2,"c":3}');
});

Deno.test("isSame compares the text of JSON values", () => {
  assertEquals(isSame({ a: [1] }, { a: [1] }), true);
  assertEquals(isSame("a", "a"), true);
  assertEquals(isSame(undefined, undefined), true);
  assertEquals(isSame({ a: [1] }, { a: [2] }), false);
  assertEquals(isSame("1", 1), false);
  assertEquals(isSame(undefined, null), false);
});

Deno.test("schemas are adapted to a depth of 64", () => {
  assertEquals(MAX_DEPTH, 64);
});
