/** Fixes of enums, unions and references, which move types: what each changes, keeps and reports. @module */

import {
  dropTypeOfReference,
  isolateUnions,
  keepTextEnums,
  typeEnums,
} from "../../../lib/translate/schemas/fixes.ts";
import { testFix } from "../../helpers/schema_fixes.ts";

testFix("keepTextEnums", keepTextEnums, [
  {
    about: "drops an enum of numbers",
    schema: { type: "integer", enum: [1, 2], minimum: 1 },
    fixed: { type: "integer", minimum: 1 },
    dropped: ["enum"],
  },
  {
    about: "drops an enum of strings and numbers",
    schema: { enum: ["a", 1] },
    fixed: {},
    dropped: ["enum"],
  },
  {
    about: "drops an enum of null alone",
    schema: { type: "null", enum: [null] },
    fixed: { type: "null" },
    dropped: ["enum"],
  },
  {
    about: "drops an enum with null next to a union",
    schema: { enum: ["a", null], anyOf: [{ minLength: 1 }] },
    fixed: { anyOf: [{ minLength: 1 }] },
    dropped: ["enum"],
  },
  {
    about: "moves null of an enum to a union if null is a type",
    schema: { type: ["string", "null"], enum: ["a", null, "b"], description: "D" },
    fixed: {
      description: "D",
      anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "null" }],
    },
  },
  {
    about: "moves null of an enum to a union if there is no type",
    schema: { enum: [null, "a"] },
    fixed: { anyOf: [{ type: "string", enum: ["a"] }, { type: "null" }] },
  },
  {
    about: "removes null from an enum of strings, which it can never be",
    schema: { type: "string", enum: ["a", null] },
    fixed: { type: "string", enum: ["a"] },
  },
  { about: "keeps an enum of strings", schema: { type: "string", enum: ["a", "b"] } },
  { about: "keeps an empty enum", schema: { enum: [] } },
  { about: "keeps a schema without an enum", schema: { type: "integer" } },
]);

testFix("typeEnums", typeEnums, [
  {
    about: "adds the type of strings",
    schema: { enum: ["a", "b"], title: "T" },
    fixed: { enum: ["a", "b"], title: "T", type: "string" },
  },
  {
    about: "adds the type of integers",
    schema: { enum: [1, 2] },
    fixed: { enum: [1, 2], type: "integer" },
  },
  {
    about: "adds the type of other numbers",
    schema: { enum: [1.5] },
    fixed: { enum: [1.5], type: "number" },
  },
  {
    about: "adds the type of booleans",
    schema: { enum: [true, false] },
    fixed: { enum: [true, false], type: "boolean" },
  },
  {
    about: "adds null as a second type",
    schema: { enum: ["a", null] },
    fixed: { enum: ["a", null], type: ["string", "null"] },
  },
  {
    about: "adds null as the only type",
    schema: { enum: [null] },
    fixed: { enum: [null], type: "null" },
  },
  {
    about: "removes values that the type excludes, without a report",
    schema: { type: "string", enum: ["a", 1, null] },
    fixed: { type: "string", enum: ["a"] },
  },
  {
    about: "keeps integers of numbers",
    schema: { type: "number", enum: [1, 1.5, "a"] },
    fixed: { type: "number", enum: [1, 1.5] },
  },
  {
    about: "removes other numbers from integers",
    schema: { type: "integer", enum: [1, 1.5] },
    fixed: { type: "integer", enum: [1] },
  },
  {
    about: "keeps a type and null",
    schema: { type: ["string", "null"], enum: ["a", null] },
  },
  {
    about: "writes a list of one type as a type",
    schema: { type: ["string"], enum: ["a"] },
    fixed: { type: "string", enum: ["a"] },
  },
  {
    about: "drops an enum of several types",
    schema: { enum: ["a", 1] },
    fixed: {},
    dropped: ["enum"],
  },
  {
    about: "drops an enum next to several types",
    schema: { type: ["string", "integer"], enum: ["a"] },
    fixed: { type: ["string", "integer"] },
    dropped: ["enum"],
  },
  {
    about: "drops an enum without values of the type",
    schema: { type: "string", enum: [1] },
    fixed: { type: "string" },
    dropped: ["enum"],
  },
  {
    about: "drops an enum of objects",
    schema: { type: "object", enum: [{}] },
    fixed: { type: "object" },
    dropped: ["enum"],
  },
  { about: "drops an enum of lists", schema: { enum: [[1]] }, fixed: {}, dropped: ["enum"] },
  { about: "drops an enum of an object", schema: { enum: [{}] }, fixed: {}, dropped: ["enum"] },
  { about: "keeps an empty enum", schema: { enum: [] } },
  { about: "keeps a schema without an enum", schema: { type: ["string", "integer"] } },
]);

testFix("isolateUnions", isolateUnions, [
  {
    about: "moves the type to branches without one",
    schema: { type: "string", anyOf: [{ const: "x" }, { minLength: 3 }], title: "T" },
    fixed: {
      anyOf: [{ type: "string", const: "x" }, { type: "string", minLength: 3 }],
      title: "T",
    },
  },
  {
    about: "moves several types to branches without one",
    schema: { type: ["string", "null"], anyOf: [{ minLength: 1 }] },
    fixed: { anyOf: [{ type: ["string", "null"], minLength: 1 }] },
  },
  {
    about: "keeps branches of the type and removes those of others",
    schema: {
      type: "string",
      anyOf: [{ type: "string", minLength: 1 }, { type: "null" }, { type: "number" }],
    },
    fixed: { anyOf: [{ type: "string", minLength: 1 }] },
  },
  {
    about: "keeps an integer of a number, but not a number of an integer",
    schema: { type: "number", anyOf: [{ type: "integer" }, { type: "string" }] },
    fixed: { anyOf: [{ type: "integer" }] },
  },
  {
    about: "removes a number from a union of integers",
    schema: { type: "integer", anyOf: [{ type: "number" }, { minimum: 1 }] },
    fixed: { anyOf: [{ type: "integer", minimum: 1 }] },
  },
  {
    about: "reduces the types of a branch to those of the union",
    schema: {
      type: ["string", "null"],
      anyOf: [{ type: ["string", "number"], minLength: 1 }, { type: ["null", "string"] }],
    },
    fixed: { anyOf: [{ type: ["string"], minLength: 1 }, { type: ["null", "string"] }] },
  },
  {
    about: "keeps references and unions inside the union",
    schema: {
      type: "string",
      anyOf: [{ $ref: "#/$defs/A" }, { anyOf: [{ type: "string" }] }, { enum: ["a"] }],
    },
    fixed: {
      anyOf: [
        { $ref: "#/$defs/A" },
        { anyOf: [{ type: "string" }] },
        { type: "string", enum: ["a"] },
      ],
    },
  },
  {
    about: "removes branches that are not schemas",
    schema: { type: "string", anyOf: [5, null, { minLength: 1 }] },
    fixed: { anyOf: [{ type: "string", minLength: 1 }] },
  },
  {
    about: "keeps a union without a possible branch",
    schema: { type: "string", anyOf: [{ type: "number" }] },
  },
  {
    about: "keeps branches with and without a type of a union without one",
    schema: { anyOf: [{ type: "string" }, { minLength: 1 }, { $ref: "#/$defs/A" }] },
  },
  {
    about: "keeps a union without a type",
    schema: { anyOf: [{ type: "string" }, { type: "number" }], description: "D" },
  },
  {
    about: "keeps a schema without a union",
    schema: { type: "object", properties: { a: {} }, required: ["a"] },
  },
  { about: "keeps a union that is not a list", schema: { type: "string", anyOf: {} } },
  {
    about: "flattens a union next to properties",
    schema: {
      properties: { p: { type: "string" } },
      anyOf: [{ required: ["p"] }, { required: ["q"] }],
    },
    fixed: { type: "object", properties: { p: { type: "string" } } },
    dropped: ["anyOf"],
  },
  {
    about: "flattens a union next to required properties",
    schema: {
      type: "object",
      required: ["p"],
      anyOf: [{ properties: { p: { type: "string" } } }],
    },
    fixed: { type: "object", required: ["p"], properties: { p: { type: "string" } } },
  },
  {
    about: "flattens a union next to properties with the targets of its references",
    schema: { type: ["object", "null"], properties: {}, anyOf: [{ $ref: "#/$defs/A" }] },
    root: { $defs: { A: { properties: { a: { type: "number" } } } } },
    fixed: { type: ["object", "null"], properties: { a: { type: "number" } } },
  },
]);

testFix("dropTypeOfReference", dropTypeOfReference, [
  {
    about: "removes a type that the target has too",
    schema: { $ref: "#/$defs/A", type: "string", title: "T" },
    root: { $defs: { A: { type: "string" } } },
    fixed: { $ref: "#/$defs/A", title: "T" },
  },
  {
    about: "reports a type that the target does not have",
    schema: { $ref: "#/$defs/A", type: "string" },
    root: { $defs: { A: { type: ["string", "null"] } } },
    fixed: { $ref: "#/$defs/A" },
    dropped: ["type"],
  },
  {
    about: "reports a type whose target does not exist",
    schema: { $ref: "#/$defs/A", type: "string" },
    root: {},
    fixed: { $ref: "#/$defs/A" },
    dropped: ["type"],
  },
  { about: "keeps a reference without a type", schema: { $ref: "#/$defs/A" } },
  { about: "keeps a type without a reference", schema: { type: "string" } },
]);
