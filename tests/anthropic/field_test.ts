// Values at their limits, and errors with the API's wording: lib/anthropic/field.ts.

import { assertEquals, assertThrows } from "@std/assert";
import { Field, invalidError } from "../../lib/anthropic/field.ts";
import { ApiError } from "../../lib/errors.ts";

/** The error for a value under the key `a`. */
function refuse(value: unknown, parse: (field: Field) => unknown): string {
  const error = assertThrows(() => parse(new Field({ a: value }).at("a")), ApiError);
  assertEquals([error.type, error.status], ["invalid_request_error", 400]);
  return error.message;
}

const take = <T>(value: unknown, parse: (field: Field) => T): T =>
  parse(new Field({ a: value }).at("a"));

const RANGE = { min: 2, max: 4 };
const TOO_LOW = "a: Input should be greater than or equal to 2";
const TOO_HIGH = "a: Input should be less than or equal to 4";

Deno.test("Field has the value that it is created with", () => {
  assertEquals(new Field(7).value, 7);
});

Deno.test("Field takes numbers at both ends of their range, and none beyond", () => {
  for (
    const parse of [
      (field: Field) => field.asNumber(RANGE),
      (field: Field) => field.asInteger(RANGE),
    ]
  ) {
    assertEquals([2, 3, 4].map((value) => take(value, parse)), [2, 3, 4]);
    assertEquals([1, 5].map((value) => refuse(value, parse)), [TOO_LOW, TOO_HIGH]);
    assertEquals(refuse(undefined, parse), "a: Field required");
  }
  assertEquals(take(2.5, (field) => field.asNumber(RANGE)), 2.5);
  assertEquals(take(-1, (field) => field.asNumber()), -1);
  assertEquals(take(-1, (field) => field.asInteger()), -1);
});

Deno.test("Field takes only safe integers as integers", () => {
  const largest = 2 ** 53 - 1;
  assertEquals(take(largest, (field) => field.asInteger()), largest);
  for (const value of [largest + 1, 1.5, "1", null, true]) {
    assertEquals(refuse(value, (field) => field.asInteger()), "a: Input should be a valid integer");
  }
});

Deno.test("Field names what it expects", () => {
  const cases: [value: unknown, parse: (field: Field) => unknown, problem: string][] = [
    [1, (field) => field.asString(), "Input should be a valid string"],
    ["", (field) => field.asNonEmptyString(), "String should have at least 1 character"],
    ["abc", (field) => field.asStringUpTo(2), "String should have at most 2 characters"],
    ["", (field) => field.asName(), "String should have at least 1 character"],
    ["", (field) => field.asNameInHistory(), "String should have at least 1 character"],
    ["true", (field) => field.asBoolean(), "Input should be a valid boolean"],
    ["1", (field) => field.asNumber(), "Input should be a valid number"],
    [{}, (field) => field.asList(), "Input should be a valid list"],
    [
      [1, 2],
      (field) => field.asList(1),
      "List should have at most 1 items after validation, not 2",
    ],
    [[], (field) => field.asObject(), "Input should be a valid dictionary"],
    [null, (field) => field.requireObject(), "Input should be a valid dictionary"],
    ["c", (field) => field.asOneOf(["b"]), "Input should be 'b'"],
    ["c", (field) => field.asOneOf(["a", "b"]), "Input should be 'a' or 'b'"],
    ["d", (field) => field.asOneOf(["a", "b", "c"]), "Input should be 'a', 'b' or 'c'"],
  ];
  for (const [value, parse, problem] of cases) assertEquals(refuse(value, parse), `a: ${problem}`);
});

Deno.test("Field returns what is valid", () => {
  assertEquals(take("", (field) => field.asString()), "");
  assertEquals(take("ab", (field) => field.asStringUpTo(2)), "ab");
  assertEquals(take(false, (field) => field.asBoolean()), false);
  assertEquals(take(true, (field) => field.asBoolean()), true);
  assertEquals(take("b", (field) => field.asOneOf(["a", "b"])), "b");
  assertEquals(take({ type: "y" }, (field) => field.asTag(["x", "y"])), "y");
  assertEquals(take([3, 4], (field) => field.asList(2).map(({ value, path }) => [value, path])), [
    [3, "a.0"],
    [4, "a.1"],
  ]);
});

Deno.test("Field repeats an unknown tag up to 256 characters", () => {
  for (const length of [256, 257]) {
    const type = `${"t".repeat(255)}${"u".repeat(length - 255)}`;
    const expected = `a: Input tag '${type.slice(0, 256)}' found using 'type' does not match any ` +
      "of the expected tags: 'x', 'y'";
    assertEquals(refuse({ type }, (field) => field.asTag(["x", "y"])), expected);
  }
  assertEquals(
    refuse({ type: 7 }, (field) => field.asTag(["x"])),
    "a: Input tag '7' found using 'type' does not match any of the expected tags: 'x'",
  );
  for (const type of [null, undefined]) {
    assertEquals(refuse({ type }, (field) => field.asTag(["x"])), "a.type: Field required");
  }
});

Deno.test("Field takes own keys only, and absent or null for missing", () => {
  const root = new Field({ nothing: null, zero: 0 });
  assertEquals(
    ["nothing", "absent", "toString", "zero"].map((key) => root.at(key).isMissing),
    [true, true, true, false],
  );
  const isOptional = (key: string) => root.optional(key, ({ value }) => value);
  assertEquals(["nothing", "absent", "zero"].map(isOptional), [undefined, undefined, 0]);
  assertEquals(new Field("text").at("length").value, undefined);
  assertEquals(new Field(null).at("a").at("b").path, "a.b");
});

Deno.test("Field reports what is not read, at every level", () => {
  const root = new Field({ a: 1, b: { c: 1, d: 1 }, e: { f: 1 }, g: { h: 1 }, i: { j: 1 } });
  root.at("a");
  root.at("b").at("c");
  root.at("e").ignore();
  root.at("g").drop();
  root.at("i").ignore("j");
  // Nothing is in a text.
  root.at("a").ignore("x");
  new Field("text").ignore("x");
  assertEquals(root.listDroppedFields(), ["g", "b.d"]);
  const text = new Field("text");
  text.ignore("x");
  assertEquals([text.listDroppedFields(), text.name, text.path], [[], "", ""]);
});

Deno.test("invalidError names the path, unless it is the whole body", () => {
  assertEquals(invalidError("a.0", "no").message, "a.0: no");
  assertEquals(invalidError("", "no").message, "no");
});

Deno.test("Field takes lists of 100,000 items, 200,000 items in all lists together, and not one more", () => {
  const items = Array(100_000).fill(1);
  const root = new Field({ a: items, b: items, none: [], one: [1], long: [...items, 1] });
  const refuseList = (key: string) => assertThrows(() => root.at(key).asList(), ApiError).message;
  assertEquals(
    refuseList("long"),
    "long: List should have at most 100000 items after validation, not 100001",
  );
  assertEquals(["a", "b", "none"].map((key) => root.at(key).asList().length), [
    100_000,
    100_000,
    0,
  ]);
  assertEquals(
    refuseList("one"),
    "one: Lists should have at most 200000 items in the whole request",
  );
});
