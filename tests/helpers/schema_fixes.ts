/**
 * Registers tests of a schema fix.
 * @module
 */

import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import type { SchemaFix } from "../../lib/translate/schemas/fixes.ts";

/** One schema and what a fix makes of it. */
export interface FixCase {
  about: string;
  schema: JsonObject;
  /** The result; the same schema if it is left out. */
  fixed?: JsonObject;
  /** The reported keywords. */
  dropped?: readonly string[];
  /** The whole schema; the same schema if it is left out. */
  root?: JsonObject;
}

/** A test for each case. No fix may change the given schema. */
export function testFix(name: string, fix: SchemaFix, cases: readonly FixCase[]): void {
  for (const { about, schema, fixed = schema, dropped = [], root = schema } of cases) {
    Deno.test(`${name} ${about}`, () => {
      const before = JSON.stringify(schema);
      const reported: string[] = [];
      assertEquals(fix(schema, { root, drop: (keyword) => reported.push(keyword) }), fixed);
      assertEquals(reported, dropped);
      assertEquals(JSON.stringify(schema), before);
    });
  }
}
