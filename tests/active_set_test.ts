import { assertEquals } from "@std/assert";
import { ActiveSet } from "../lib/active_set.ts";

Deno.test("ActiveSet keeps the order of addition", () => {
  const set = new ActiveSet<string>();
  for (const item of ["a", "b", "c", "d"]) set.add(item);
  assertEquals([set.delete("b"), set.delete("b"), set.size], [true, false, 3]);
  assertEquals([...set], ["a", "c", "d"]);
});

Deno.test("ActiveSet lists all items even if each one leaves when it is read", () => {
  const set = new ActiveSet<number>();
  for (let i = 0; i < 5; i++) set.add(i);
  const read: number[] = [];
  for (const item of set) {
    read.push(item);
    set.delete(item);
  }
  assertEquals([read, set.size], [[0, 1, 2, 3, 4], 0]);
});
