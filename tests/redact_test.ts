/** Secrets taken out of text. */

import { assertEquals } from "@std/assert";
import { createRedactor } from "../lib/redact.ts";

const CASES: [about: string, secrets: string[], text: string, expected: string][] = [
  [
    "every occurrence",
    ["secret-1"],
    "a secret-1 b secret-1secret-1",
    "a [redacted] b [redacted][redacted]",
  ],
  ["every secret", ["secret-1", "secret-2"], "secret-2 secret-1", "[redacted] [redacted]"],
  [
    "the longer of two that share a beginning",
    ["secret", "secret-long"],
    "secret-long",
    "[redacted]",
  ],
  ["secrets full of signs", ["a.*b$1+("], "a.*b$1+( aXXb", "[redacted] aXXb"],
  ["no ordinary words", ["", "a", "short"], "a short word", "a short word"],
  ["nothing where there are no secrets", [], "text", "text"],
];

for (const [about, secrets, text, expected] of CASES) {
  Deno.test(`createRedactor takes out ${about}`, () => {
    assertEquals(createRedactor(secrets)(text), expected);
  });
}
