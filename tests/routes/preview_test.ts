/** The user's last words in a request. */

import { assertEquals } from "@std/assert";
import { findLastWords } from "../../lib/routes/preview.ts";

const text = (words: string) => ({ type: "text", text: words });
const RESULT = { type: "tool_result", tool_use_id: "t", content: "a result" };
const REMINDER = text("<system-reminder>\nDo not forget.\n</system-reminder>");

const CASES: [about: string, messages: unknown, words: string][] = [
  ["a string", [{ role: "user", content: "Hello" }], "Hello"],
  ["the last of several texts", [{ role: "user", content: [text("a"), text("b")] }], "b"],
  [
    "a text before a reminder of the client",
    [{ role: "user", content: [text("a"), REMINDER] }],
    "a",
  ],
  [
    "an earlier turn if the last has only results",
    [{ role: "user", content: "Fix it" }, { role: "assistant", content: "ok" }, {
      role: "user",
      content: [RESULT, REMINDER],
    }],
    "Fix it",
  ],
  [
    "no text of a system turn",
    [{ role: "user", content: "Hi" }, { role: "system", content: "You" }],
    "Hi",
  ],
  ["nothing in a request without words", [{ role: "user", content: [RESULT] }], ""],
  ["nothing in a command's record", [{ role: "user", content: "<command-name>/x" }], ""],
  ["nothing in messages of other types", ["a", null, { role: "user", content: 5 }], ""],
  ["nothing where messages are not a list", { length: 3 }, ""],
];

for (const [about, messages, words] of CASES) {
  Deno.test(`findLastWords finds ${about}`, () => {
    assertEquals(findLastWords({ messages }), words);
  });
}

Deno.test("findLastWords finds nothing in a body that is not an object", () => {
  for (const body of [null, [], "text", 1, {}]) assertEquals(findLastWords(body), "");
});
