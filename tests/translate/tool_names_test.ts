/** Replaced tool names, and their restoration. @module */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { hashText, ToolNames } from "../../lib/translate/tool_names.ts";

const UPSTREAM_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const LONG = `mcp__${"very_long_server_name_".repeat(4)}__tool`;

Deno.test("ToolNames keeps names that upstream accepts", () => {
  const names = new ToolNames(["Read", "mcp__a__b-c", "x".repeat(64)]);
  for (const name of ["Read", "mcp__a__b-c", "x".repeat(64)]) {
    assertEquals(names.toUpstream(name), name);
    assertEquals(names.toClient(name), name);
  }
});

Deno.test("ToolNames replaces names that upstream rejects, and restores them", () => {
  const all = [LONG, "a.b", "a/b", "a b", "größe", "道具", "", "x".repeat(65), "__proto__.x"];
  const names = new ToolNames(all);
  const sent = all.map((name) => names.toUpstream(name));
  for (const alias of sent) assertMatch(alias, UPSTREAM_NAME);
  assertEquals(sent.map((alias) => names.toClient(alias)), all);
  assertEquals(new Set(sent).size, all.length);
});

Deno.test("ToolNames gives different aliases to names that differ only where they are cut or replaced", () => {
  const names = new ToolNames([`${LONG}a`, `${LONG}b`, "a.b", "a:b"]);
  assertNotEquals(names.toUpstream(`${LONG}a`), names.toUpstream(`${LONG}b`));
  assertNotEquals(names.toUpstream("a.b"), names.toUpstream("a:b"));
});

Deno.test("ToolNames never uses an alias that equals a valid name of the request", () => {
  const alias = new ToolNames(["a.b"]).toUpstream("a.b");
  const names = new ToolNames(["a.b", alias]);
  assertEquals(names.toUpstream(alias), alias);
  assertEquals(names.toClient(alias), alias);
  assertNotEquals(names.toUpstream("a.b"), alias);
  assertEquals(names.toClient(names.toUpstream("a.b")), "a.b");
});

Deno.test("ToolNames gives a name the same alias whatever other names the request has", () => {
  const alone = new ToolNames(["a.b"]).toUpstream("a.b");
  const among = new ToolNames(["z", LONG, "a:b", "a.b"]).toUpstream("a.b");
  assertEquals(alone, among);
});

Deno.test("ToolNames keeps unknown names", () => {
  const names = new ToolNames(["Read"]);
  for (const name of ["Teleport", "constructor", "__proto__", "a.b"]) {
    assertEquals(names.toClient(name), name);
    assertEquals(names.toUpstream(name), name);
  }
});

Deno.test("an alias is the readable part of the name, of at most 55 characters, and a hash", () => {
  const names = new ToolNames(["a.b", "x".repeat(65)]);
  assertMatch(names.toUpstream("a.b"), /^a_b_[0-9a-f]{8}$/);
  assertMatch(names.toUpstream("x".repeat(65)), /^x{55}_[0-9a-f]{8}$/);
});

Deno.test("hashText is FNV-1a in eight hex digits", () => {
  const hashes = { "": "811c9dc5", a: "e40c292c", foobar: "bf9cf968" };
  for (const [text, hash] of Object.entries(hashes)) assertEquals(hashText(text), hash);
  // With leading zeros: the length is fixed.
  assertEquals(hashText("call_622"), "0045e208");
});

Deno.test("isUpstream accepts the names that were sent, and any name if none were", () => {
  const names = new ToolNames(["Read", "a.b"]);
  const sent = ["Read", names.toUpstream("a.b"), "a.b", "Write", ""];
  assertEquals(sent.map((name) => names.isUpstream(name)), [true, true, false, false, false]);
  assertEquals(new ToolNames([]).isUpstream("Write"), true);
});
