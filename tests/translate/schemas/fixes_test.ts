/** Fixes of patterns, lists and objects: what each changes, keeps and reports. @module */

import {
  addItems,
  addProperties,
  dropObjectKeys,
  dropPatterns,
  modernizeTuples,
  requireDefined,
} from "../../../lib/translate/schemas/fixes.ts";
import { testFix } from "../../helpers/schema_fixes.ts";

testFix("dropPatterns", dropPatterns, [
  {
    about: "drops a pattern that not every dialect compiles",
    schema: { type: "string", pattern: "(?=a)" },
    fixed: { type: "string" },
    dropped: ["pattern"],
  },
  {
    about: "drops a pattern that is not a string",
    schema: { pattern: 5 },
    fixed: {},
    dropped: ["pattern"],
  },
  { about: "keeps a portable pattern", schema: { pattern: "^a+$", minLength: 1 } },
  { about: "keeps a schema without a pattern", schema: { type: "string" } },
  {
    about: "drops only the names that not every dialect compiles, and opens the object",
    schema: {
      patternProperties: { "(?=a)": { type: "string" }, "^b": {}, "\\p{L}": {} },
      additionalProperties: false,
      properties: { c: {} },
    },
    fixed: { properties: { c: {} }, patternProperties: { "^b": {} } },
    dropped: [
      "patternProperties.(?=a)",
      "patternProperties.\\p{L}",
      "additionalProperties",
    ],
  },
  {
    about: "does not report additionalProperties of an object that was open",
    schema: { patternProperties: { "(?=a)": {} } },
    fixed: { patternProperties: {} },
    dropped: ["patternProperties.(?=a)"],
  },
  {
    about: "drops both a pattern and a name",
    schema: { pattern: "\\p{L}", patternProperties: { "(?=a)": {} } },
    fixed: { patternProperties: {} },
    dropped: ["pattern", "patternProperties.(?=a)"],
  },
  {
    about: "drops a pattern next to portable names",
    schema: { pattern: "\\p{L}", patternProperties: { "^a": {} }, additionalProperties: false },
    fixed: { patternProperties: { "^a": {} }, additionalProperties: false },
    dropped: ["pattern"],
  },
  {
    about: "keeps a closed object with portable names",
    schema: { patternProperties: { "^a": {} }, additionalProperties: false },
  },
  {
    about: "keeps patternProperties that are not an object",
    schema: { patternProperties: ["(?=a)"], additionalProperties: false },
  },
]);

testFix("modernizeTuples", modernizeTuples, [
  {
    about: "rewrites an open tuple",
    schema: { type: "array", items: [{ type: "string" }] },
    fixed: { type: "array", prefixItems: [{ type: "string" }], items: {} },
  },
  {
    about: "rewrites a closed tuple",
    schema: { items: [{}], additionalItems: false },
    fixed: { prefixItems: [{}], items: { not: {} } },
  },
  {
    about: "rewrites a tuple whose other items have a schema",
    schema: { items: [{}], additionalItems: { type: "number" } },
    fixed: { prefixItems: [{}], items: { type: "number" } },
  },
  {
    about: "rewrites a tuple with any other items",
    schema: { items: [{}], additionalItems: true },
    fixed: { prefixItems: [{}], items: {} },
  },
  { about: "keeps a list", schema: { items: { type: "string" }, additionalItems: false } },
  { about: "keeps a modern tuple", schema: { prefixItems: [{}], items: { not: {} } } },
]);

testFix("addItems", addItems, [
  {
    about: "adds items to a list",
    schema: { type: "array", minItems: 1 },
    fixed: { type: "array", minItems: 1, items: {} },
  },
  {
    about: "adds items to a list that may be null",
    schema: { type: ["null", "array"] },
    fixed: { type: ["null", "array"], items: {} },
  },
  { about: "keeps items", schema: { type: "array", items: { type: "string" } } },
  { about: "keeps a string", schema: { type: "string" } },
  { about: "keeps a schema without a type", schema: {} },
]);

testFix("addProperties", addProperties, [
  {
    about: "adds properties to an object with required ones",
    schema: { type: "object", required: ["a"] },
    fixed: { type: "object", required: ["a"], properties: {} },
  },
  {
    about: "adds properties to an object that may be null",
    schema: { type: ["object", "null"], required: [] },
    fixed: { type: ["object", "null"], required: [], properties: {} },
  },
  { about: "keeps an object without required properties", schema: { type: "object" } },
  { about: "keeps a schema without a type", schema: { required: ["a"] } },
  { about: "keeps a string", schema: { type: "string", required: ["a"] } },
  {
    about: "keeps properties",
    schema: { type: "object", required: ["a"], properties: { a: {} } },
  },
]);

testFix("dropObjectKeys", dropObjectKeys, [
  {
    about: "removes properties of a string without a report",
    schema: { type: "string", properties: { a: {} }, required: ["a"], minLength: 1 },
    fixed: { type: "string", minLength: 1 },
  },
  {
    about: "removes properties of a value of several other types",
    schema: { type: ["array", "null"], properties: {}, required: [] },
    fixed: { type: ["array", "null"] },
  },
  {
    about: "keeps properties of an object",
    schema: { type: "object", properties: { a: {} }, required: ["a"] },
  },
  {
    about: "keeps properties of an object that may be null",
    schema: { type: ["null", "object"], properties: { a: {} }, required: ["a"] },
  },
  {
    about: "keeps properties of a schema without a type",
    schema: { properties: { a: {} }, required: ["a"] },
  },
]);

testFix("requireDefined", requireDefined, [
  {
    about: "drops undefined properties from required",
    schema: { properties: { a: {}, b: {} }, required: ["a", "gone", "b"] },
    fixed: { properties: { a: {}, b: {} }, required: ["a", "b"] },
    dropped: ["required"],
  },
  {
    about: "drops required if nothing is left",
    schema: { properties: { a: {} }, required: ["gone"] },
    fixed: { properties: { a: {} } },
    dropped: ["required"],
  },
  {
    about: "drops required of an object without properties",
    schema: { type: "object", required: ["a"] },
    fixed: { type: "object" },
    dropped: ["required"],
  },
  {
    about: "drops names that every object inherits, and values that are not strings",
    schema: { properties: { a: {}, 5: {} }, required: ["toString", 5, "a"] },
    fixed: { properties: { a: {}, 5: {} }, required: ["a"] },
    dropped: ["required"],
  },
  {
    about: "keeps defined properties in required",
    schema: { properties: { a: {} }, required: ["a"] },
  },
  { about: "keeps an empty required", schema: { properties: { a: {} }, required: [] } },
  { about: "keeps a required that is not a list", schema: { required: true } },
]);
