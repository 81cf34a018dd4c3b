/**
 * Tests the rules for recorded traffic without recordings: the reference reader of responses, the list of known
 * failures, and the search for lost text.
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { expectResponse } from "../replay/expected.ts";
import { byByte, byChance, byEvent, whole } from "../replay/pieces.ts";
import { parseResponse, readErrorMessage } from "../replay/reference.ts";
import { findLostTexts } from "../replay/texts.ts";
import { KNOWN_FAILURES, Verdict } from "../replay/verdict.ts";
import { sse } from "../helpers/chunks.ts";

Deno.test("at most four recordings are known to fail, each with a reason", () => {
  assert(KNOWN_FAILURES.length <= 4);
  for (const { name, reason } of KNOWN_FAILURES) assert(reason !== "", name);
});

Deno.test("a recording that differs fails unless it is known to", () => {
  const known = [{ subject: "responses", name: "a", reason: "for this test" } as const];
  const verdict = new Verdict("responses", known);
  verdict.note("a", ["text"]);
  verdict.note("b", []);
  verdict.check(2);
  verdict.note("c", ["usage"]);
  assertThrows(() => verdict.check(2), Error, "c: usage");
  const other = new Verdict("history", known);
  other.note("a", ["ids"]);
  assertThrows(() => other.check(1), Error, "a: ids");
});

Deno.test("a known failure that passes is an error, and so are too few recordings", () => {
  const verdict = new Verdict("errors", [{
    subject: "errors",
    name: "a",
    reason: "for this test",
  }]);
  verdict.note("a", []);
  assertThrows(() => verdict.check(1), Error, "remove it");
  assertThrows(() => new Verdict("errors").check(1), Error, "only 0 recordings");
});

Deno.test("the reference reader joins deltas and reads only the first choice", () => {
  const call = (index: number, more: object) => ({ tool_calls: [{ index, ...more }] });
  const deltas = [
    { reasoning_details: [{ type: "reasoning.text", text: "Hm", signature: "" }], reasoning: "Hm" },
    { reasoning_details: [{ type: "reasoning.text", text: "", signature: "s" }] },
    { content: "Hi" },
    call(0, { id: "a", function: { name: "one", arguments: "" } }),
    call(1, { id: "b", function: { name: "two", arguments: "{" } }),
    call(0, { function: { arguments: '{"x":1}' } }),
    call(1, { function: { arguments: "}" } }),
  ];
  const chunks = deltas.map((delta) => ({
    choices: [{ index: 1, delta: { content: "other" } }, { index: 0, delta }],
  }));
  const reading = parseResponse(
    sse(...chunks, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }, "[DONE]"),
  );
  assertEquals([reading.text, reading.thinking, reading.isEnded], ["Hi", "Hm", true]);
  assertEquals(
    reading.calls.map(({ id, name, arguments: text }) => [id, name, text]),
    [["a", "one", '{"x":1}'], ["b", "two", "{}"]],
  );
  assertEquals(reading.details, [{ type: "reasoning.text", text: "Hm", signature: "s" }]);
  const expected = expectResponse(reading, true);
  assert("stopReason" in expected);
  assertEquals(expected.stopReason, "tool_use");
});

Deno.test("the reference reader finds the message of any vendor's error", () => {
  const raw = JSON.stringify({ error: { message: "inner" } });
  const bodies = [
    { error: { message: "text" } },
    { error: "text" },
    { message: "text", code: 400 },
    { detail: "text" },
    { detail: [{ msg: "text" }] },
  ];
  for (const body of bodies) assertEquals(readErrorMessage(body), "text");
  assertEquals(readErrorMessage({ error: { message: "outer", metadata: { raw } } }), "inner");
});

Deno.test("text that is neither sent nor reported as dropped is lost", () => {
  const request = {
    system: "Be brief",
    messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
    tools: [{ name: "act", description: "Acts" }],
  };
  const sent = { messages: [{ role: "user", content: "Hello" }], tools: [{ name: "act" }] };
  assertEquals(findLostTexts(request, sent, []), ['system "Be brief"', 'tools.0 "Acts"']);
  assertEquals(findLostTexts(request, sent, ["tools.0", "system"]), []);
});

Deno.test("chunking a body does not change its bytes", () => {
  const body = 'data: {"a":"ü🙂"}\n\ndata: [DONE]\r\n\r\n';
  for (const cut of [whole, byEvent, byByte, byChance]) {
    const bytes = cut(body).flatMap((piece) => [...piece]);
    assertEquals(new TextDecoder().decode(new Uint8Array(bytes)), body);
  }
  assertEquals(byEvent(body).length, 2);
});
