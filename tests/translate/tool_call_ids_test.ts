/** Tool call ids in both directions. @module */

import { assert, assertEquals, assertFalse, assertLess, assertMatch } from "@std/assert";
import { ClientCallIds, toUpstreamId, UpstreamCallIds } from "../../lib/translate/tool_call_ids.ts";

const CALL_ID = /^[a-zA-Z0-9_-]{1,128}$/;

/** Ids of OpenRouter, Kimi, Gemini, Mistral and vLLM, and some that none of them generates. */
const UPSTREAM_IDS = [
  "toolu_01AbC-9",
  "call_0",
  "call_abc123",
  "functions.Bash:0",
  "functions.mcp__github__create-issue:12",
  "functions_Bash:0",
  "tool_0_Bash",
  "D681PevKs",
  "chatcmpl-tool-0f9e",
  "fc_1|call_2",
  "größe",
  "道具:1",
  "😀_7",
  " ",
  "a\nb",
  "or-abc",
  "or2-call-5f0",
];

Deno.test("ClientCallIds keeps an id that is valid and free", () => {
  for (const id of ["toolu_01AbC-9", "call_0", "tool_0_Bash"]) {
    assertEquals(new ClientCallIds().claim(id), id);
  }
});

for (const id of UPSTREAM_IDS) {
  Deno.test(`toUpstreamId restores ${JSON.stringify(id)} after any number of uses`, () => {
    const ids = new ClientCallIds();
    const claimed = Array.from({ length: 12 }, () => ids.claim(id));
    for (const clientId of claimed) {
      assertMatch(clientId, CALL_ID);
      assertEquals(toUpstreamId(clientId), id);
    }
    assertEquals(new Set(claimed).size, claimed.length);
  });
}

Deno.test("ClientCallIds generates no id that ends in an underscore and digits", () => {
  const ids = new ClientCallIds();
  for (const id of [...UPSTREAM_IDS, "x".repeat(200), "\ud800_1", "y".repeat(127) + ":1"]) {
    const first = ids.claim(id);
    if (first !== id) assertFalse(/_\d+$/.test(first), first);
    for (let n = 0; n < 11; n++) assertFalse(/_\d+$/.test(ids.claim(id)), id);
  }
});

Deno.test("ClientCallIds generates no id that looks like a part of another call", () => {
  // Claude Code treats `call_2` as a part of `call`, in either order.
  const later = new ClientCallIds(["call"]).claim("call_2");
  assertEquals([later, toUpstreamId(later)], ["or-call-5f2", "call_2"]);
  const earlier = new ClientCallIds(["call_2"]).claim("call");
  assertEquals([earlier, toUpstreamId(earlier)], ["or-call", "call"]);
  assertEquals(new ClientCallIds(["call_1"]).claim("call_2"), "call_2");
});

Deno.test("ClientCallIds replaces an id that is too long to encode, the same way in every request", () => {
  const long = "x".repeat(500);
  const [one, two] = [new ClientCallIds().claim(long), new ClientCallIds().claim(long)];
  assertEquals(one, two);
  assertMatch(one, CALL_ID);
  assertEquals(toUpstreamId(one), one);
});

Deno.test("toUpstreamId keeps ids that were not encoded here", () => {
  // A conversation may have started with another proxy that forwards Kimi's ids unchanged.
  for (const id of ["toolu_01AbC-9", "functions.Bash:0", "or-%", "or--ff", "or-", "or--e2-82"]) {
    assertEquals(toUpstreamId(id), id);
  }
  for (const id of ["color-abc", "or-abc ", "or1234567-abc"]) assertEquals(toUpstreamId(id), id);
});

Deno.test("an id that is too long keeps its first 100 characters, and a hash distinguishes it", () => {
  const [x, y] = ["x", "y"].map((char) => new ClientCallIds().claim(char.repeat(500)));
  assertMatch(x ?? "", /^x{100}_h[0-9a-f]{8}$/);
  assertMatch(y ?? "", /^y{100}_h[0-9a-f]{8}$/);
});

Deno.test("an id is encoded as long as the result has at most 128 characters", () => {
  const claim = (length: number) => new ClientCallIds().claim("x".repeat(length - 1) + ":");
  assertEquals([123, 124].map((length) => claim(length).length), [128, 110]);
  assertEquals(toUpstreamId(claim(123)), "x".repeat(122) + ":");
});

Deno.test("only digits after an underscore make an id look like a part of another call", () => {
  for (const id of ["call_1-2", "call-2", "call2", "call_a2"]) {
    assertEquals(new ClientCallIds(["call"]).claim(id), id);
  }
});

function send(clientIds: readonly string[], isStrict = false): string[] {
  const ids = new UpstreamCallIds({ isStrict });
  return clientIds.map((id) => ids.claim(id).id);
}

Deno.test("UpstreamCallIds sends each id once, numbered as the model itself would", () => {
  const client = new ClientCallIds();
  const first = ["functions.Bash:0", "functions.Read:1", "functions.Bash:0", "call_0", "call_1"];
  const second = ["call_0", "call_1", "tool_0_Bash", "tool_0_Bash", "D681PevKs"];
  const clientIds = [...first, ...second].map((id) => client.claim(id));
  assertEquals(send(clientIds), [
    "functions.Bash:0",
    "functions.Read:1",
    "functions.Bash:1",
    "call_0",
    "call_1",
    "call_2",
    "call_3",
    "tool_0_Bash",
    "tool_0_Bash_r2",
    "D681PevKs",
  ]);
});

Deno.test("UpstreamCallIds numbers an id without a number at its end after _r", () => {
  for (const id of ["call_", "call", "call.x", "17"]) {
    assertEquals(send([id, id, id]), [id, `${id}_r2`, `${id}_r3`]);
  }
  assertEquals(send(["call-9", "call-9", "a.3", "a.3"]), ["call-9", "call-10", "a.3", "a.4"]);
});

Deno.test("UpstreamCallIds never changes the ids of earlier turns as the conversation grows", () => {
  const client = new ClientCallIds();
  const clientIds = Array.from({ length: 9 }, (_, n) => client.claim(`call_${n % 3}`));
  for (let n = 1; n <= clientIds.length; n++) {
    assertEquals(send(clientIds.slice(0, n)), send(clientIds).slice(0, n));
  }
});

Deno.test("UpstreamCallIds sends Claude the client's ids: it rejects other characters", () => {
  const clientId = new ClientCallIds().claim("functions.Bash:0");
  assertEquals(send([clientId, "a b", clientId], true).every((id) => CALL_ID.test(id)), true);
  assertEquals(send([clientId], true), [clientId]);
});

Deno.test("many calls with the same id take linear time in both directions", () => {
  const client = new ClientCallIds(["same_3"]);
  const begin = performance.now();
  const claimed = Array.from({ length: 20_000 }, () => client.claim("same"));
  const sent = send(claimed);
  // About 50 ms; numbering each call from 2 would take 200 million lookups.
  assertLess(performance.now() - begin, 3000);
  assertEquals(new Set(claimed).size, claimed.length);
  assertEquals(new Set(sent).size, sent.length);
  assert(claimed.every((id) => toUpstreamId(id) === "same"));
});
