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

Deno.test("ClientCallIds numbers the uses of an id from 2, past numbers that are taken", () => {
  const ids = new ClientCallIds(["or3-a-3ab"]);
  const claimed = Array.from({ length: 4 }, () => ids.claim("a:b"));
  assertEquals(claimed, ["or-a-3ab", "or2-a-3ab", "or4-a-3ab", "or5-a-3ab"]);
  const used = new ClientCallIds(["call_a"]);
  assertEquals([1, 2].map(() => used.claim("call_a")), ["or-call_a", "or2-call_a"]);
});

Deno.test("ClientCallIds escapes a character by its UTF-8 bytes, two digits each", () => {
  assertEquals(new ClientCallIds().claim("\né😀-"), "or--0a-c3-a9-f0-9f-98-80-2d");
});

Deno.test("ClientCallIds numbers an id that it cannot encode after its hash", () => {
  for (const [id, readable] of [["\ud800:1", "__1"], ["x".repeat(129), "x".repeat(100)]] as const) {
    const ids = new ClientCallIds();
    const [first = "", ...later] = Array.from({ length: 3 }, () => ids.claim(id));
    assertMatch(first, new RegExp(`^${readable}_h[0-9a-f]{8}$`));
    assertEquals(later, [`${first}_r2`, `${first}_r3`]);
  }
});

Deno.test("ClientCallIds keeps a valid id of 128 characters, and replaces an empty one", () => {
  const long = "x".repeat(128);
  assertEquals(new ClientCallIds().claim(long), long);
  assertMatch(new ClientCallIds().claim(""), /^_h[0-9a-f]{8}$/);
});

Deno.test("ClientCallIds keeps an id that only begins with an underscore and digits", () => {
  const ids = new ClientCallIds(["_1"]);
  assertEquals(["_2", "a"].map((id) => ids.claim(id)), ["_2", "a"]);
});

Deno.test("an id of one character and a number is a part of the call with that id", () => {
  assertEquals(new ClientCallIds(["a"]).claim("a_0"), "or-a-5f0");
  assertEquals(new ClientCallIds(["a"]).claim("a_9"), "or-a-5f9");
  assertEquals(new ClientCallIds(["a_1"]).claim("a"), "or-a");
});

Deno.test("UpstreamCallIds continues a number of up to nine digits", () => {
  assertEquals(send(["call_123456789", "call_123456789"]), ["call_123456789", "call_123456790"]);
  assertEquals(send(["call_1234567890", "call_1234567890"]), [
    "call_1234567890",
    "call_1234567890_r2",
  ]);
  assertEquals(send(["_7", "_7", "a:09", "a:09"]), ["_7", "_8", "a:09", "a:10"]);
});

Deno.test("UpstreamCallIds skips numbers that are in use, and returns the model's own id too", () => {
  const ids = new UpstreamCallIds({ isStrict: false });
  const claimed = ["call_1", "call_2", "call_1", "or2-call-5f1"].map((id) => ids.claim(id));
  assertEquals(claimed, [
    { id: "call_1", original: "call_1" },
    { id: "call_2", original: "call_2" },
    { id: "call_3", original: "call_1" },
    { id: "call_4", original: "call_1" },
  ]);
});

Deno.test("UpstreamCallIds hashes ids that Claude rejects", () => {
  const [hashed = ""] = send(["a b:c"], true);
  assertMatch(hashed, /^a_b_c_h[0-9a-f]{8}$/);
  const long = "x".repeat(128);
  assertEquals(send([long], true), [long]);
  assertMatch(send([`${long}x`], true)[0] ?? "", /^x{100}_h[0-9a-f]{8}$/);
});

Deno.test("toUpstreamId decodes ids with up to six digits and 128 characters", () => {
  assertEquals(toUpstreamId("or123456-a-3ab"), "a:b");
  assertEquals(toUpstreamId(`or-${"-3a".repeat(128)}`), ":".repeat(128));
  const long = `or-${"a".repeat(129)}`;
  assertEquals(toUpstreamId(long), long);
  for (const id of ["or--3A", "xor-a", "or-a-3", "or-a:"]) assertEquals(toUpstreamId(id), id);
});
