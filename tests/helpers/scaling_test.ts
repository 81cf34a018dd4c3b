import { assertThrows } from "@std/assert";
import { assertLinear, type Growth } from "./scaling.ts";

function growth(count: (items: string[]) => number): Growth {
  return {
    about: "items",
    most: 1_000_000,
    prepare(size) {
      const items = Array.from({ length: size }, (_, n) => `item ${n}`);
      return () => count(items);
    },
  };
}

Deno.test("the check of growth accepts linear code, and finds quadratic code", () => {
  assertLinear(growth((items) => new Set(items).size));
  const quadratic = growth((items) => items.filter((item, n) => items.indexOf(item) === n).length);
  assertThrows(() => assertLinear(quadratic), Error, "times as long");
});
