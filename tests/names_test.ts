/** Tool names and call ids: lib/translate/names.ts. @module */

import { assert, assertEquals, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { CallIds, ToolNames } from "../lib/translate/names.ts";

const UPSTREAM_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const CALL_ID = /^[a-zA-Z0-9_-]+$/;
const LONG = `mcp__${"very_long_server_name_".repeat(4)}__tool`;

Deno.test("ToolNames leaves names alone that upstream accepts", () => {
  const names = new ToolNames(["Read", "mcp__a__b-c", "x".repeat(64)]);
  for (const name of ["Read", "mcp__a__b-c", "x".repeat(64)]) {
    assertEquals(names.toUpstream(name), name);
    assertEquals(names.toClient(name), name);
  }
});

Deno.test("ToolNames replaces names that upstream refuses, and turns each back", () => {
  const all = [LONG, "a.b", "a/b", "a b", "größe", "道具", "", "x".repeat(65), "__proto__.x"];
  const names = new ToolNames(all);
  const sent = all.map((name) => names.toUpstream(name));
  for (const alias of sent) assertMatch(alias, UPSTREAM_NAME);
  assertEquals(sent.map((alias) => names.toClient(alias)), all);
  assertEquals(new Set(sent).size, all.length);
});

Deno.test("ToolNames tells names apart that differ only where they are cut or replaced", () => {
  const names = new ToolNames([`${LONG}a`, `${LONG}b`, "a.b", "a:b"]);
  assertNotEquals(names.toUpstream(`${LONG}a`), names.toUpstream(`${LONG}b`));
  assertNotEquals(names.toUpstream("a.b"), names.toUpstream("a:b"));
});

Deno.test("ToolNames gives no alias the place of a name that travels as it is", () => {
  const alias = new ToolNames(["a.b"]).toUpstream("a.b");
  const names = new ToolNames(["a.b", alias]);
  assertEquals(names.toUpstream(alias), alias);
  assertEquals(names.toClient(alias), alias);
  assertNotEquals(names.toUpstream("a.b"), alias);
  assertEquals(names.toClient(names.toUpstream("a.b")), "a.b");
});

Deno.test("ToolNames gives a name the same alias in every request, whatever else is in it", () => {
  const alone = new ToolNames(["a.b"]).toUpstream("a.b");
  const among = new ToolNames(["z", LONG, "a:b", "a.b"]).toUpstream("a.b");
  assertEquals(alone, among);
});

Deno.test("ToolNames leaves names alone that it does not know", () => {
  const names = new ToolNames(["Read"]);
  for (const name of ["Teleport", "constructor", "__proto__", "a.b"]) {
    assertEquals(names.toClient(name), name);
    assertEquals(names.toUpstream(name), name);
  }
});

Deno.test("CallIds keeps an id that is valid and free", () => {
  assertEquals(new CallIds().claim("toolu_01AbC-9"), "toolu_01AbC-9");
});

Deno.test("CallIds gives no id twice", () => {
  const ids = new CallIds(["call_0", "call_0_2"]);
  assertEquals(ids.claim("call_0"), "call_0_3");
  assertEquals(ids.claim("call_0"), "call_0_4");
  assertEquals(ids.claim("call_1"), "call_1");
});

Deno.test("CallIds replaces ids that Anthropic's clients refuse", () => {
  const ids = new CallIds();
  const all = ["functions.Bash:0", "functions_Bash:0", "ü", "", " ", "x".repeat(500), "a\nb"];
  const claimed = all.map((id) => ids.claim(id));
  for (const id of claimed) {
    assertMatch(id, CALL_ID);
    assert(id.length <= 128, id);
  }
  assertEquals(new Set(claimed).size, all.length);
});

Deno.test("CallIds replaces an id by the same one in every request", () => {
  assertEquals(new CallIds().claim("functions.Bash:0"), new CallIds().claim("functions.Bash:0"));
});

Deno.test("CallIds takes linear time for many calls of one id, and goes on counting", () => {
  const ids = new CallIds(["same_3"]);
  const begin = performance.now();
  const claimed = Array.from({ length: 20_000 }, () => ids.claim("same"));
  // Some 10 ms; counted from 2 for each it takes 200 million look-ups.
  assertLess(performance.now() - begin, 1500);
  assertEquals(claimed.slice(0, 4), ["same", "same_2", "same_4", "same_5"]);
  assertEquals(new Set(claimed).size, claimed.length);
});
