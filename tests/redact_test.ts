/** Redaction of secrets. */

import { assertEquals } from "@std/assert";
import { createRedactor, listSecrets, looksLikeKey } from "../lib/redact.ts";

const CASES: [about: string, secrets: string[], text: string, expected: string][] = [
  [
    "every occurrence",
    ["secret-1"],
    "a secret-1 b secret-1secret-1",
    "a [redacted] b [redacted][redacted]",
  ],
  ["every secret", ["secret-1", "secret-2"], "secret-2 secret-1", "[redacted] [redacted]"],
  [
    "the longer of two secrets with the same start",
    ["secret", "secret-long"],
    "secret-long",
    "[redacted]",
  ],
  ["secrets with special characters", ["a.*b$1+("], "a.*b$1+( aXXb", "[redacted] aXXb"],
  ["no ordinary words", ["", "a", "short"], "a short word", "a short word"],
  ["nothing without secrets", [], "text", "text"],
];

for (const [about, secrets, text, expected] of CASES) {
  Deno.test(`createRedactor redacts ${about}`, () => {
    assertEquals(createRedactor(secrets)(text), expected);
  });
}

for (
  const [token, expected] of [
    ["anthropic", false],
    ["any-word", false],
    ["claude-sonnet-4", false],
    ["sk-or-v1-0", true],
    ["sk-ant-x", true],
    ["a-team's-own-key", true],
    ["0123456789abcde", false],
    ["0123456789abcdef", true],
  ] as const
) {
  Deno.test(`looksLikeKey returns ${expected} for ${token}`, () => {
    assertEquals(looksLikeKey(token), expected);
  });
}

const BASE64 = /[A-Za-z0-9+/_-]{8,}/;

for (const key of ["sk-or-v1-0123456789abcdef", "sk-or-v1-0123456789abcde", "sk-?>?>~~~?>>?~>?"]) {
  for (const before of ["", "a", "me:", "user", "x:"]) {
    for (const after of ["", "!", "\n\n"]) {
      const whole = JSON.stringify(`${before}…${after}`);
      Deno.test(`createRedactor redacts the key ${key} in the base64 of ${whole}`, () => {
        const redact = createRedactor(listSecrets({ openrouterApiKey: key, proxyApiKeys: [] }));
        const encoded = btoa(before + key + after);
        const urlForm = encoded.replaceAll("+", "-").replaceAll("/", "_");
        for (const text of [encoded, urlForm]) {
          const rest = redact(`[${text}]`).replace("[redacted]", "#");
          assertEquals(BASE64.exec(rest)?.[0], undefined, rest);
        }
      });
    }
  }
}

Deno.test("createRedactor redacts the base64 of a key alone with its padding", () => {
  const proxyApiKeys = ["a-key-of-the-team-1", "a-key-of-the-team-12"];
  const redact = createRedactor(listSecrets({ openrouterApiKey: null, proxyApiKeys }));
  assertEquals(redact(proxyApiKeys.map(btoa).join(" ")), "[redacted] [redacted]");
});
