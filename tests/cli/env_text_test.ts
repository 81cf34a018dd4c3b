/** The text of a settings file: encodings, and mistakes that are reported with their line. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeEnvFile, parseEnvText } from "../../lib/cli/env_text.ts";
import { StartError } from "../../lib/cli/terminal.ts";

const TEXT = "OPENROUTER_API_KEY=sk-or-v1-secret\nPORT=80\n";
const encoder = new TextEncoder();

/** UTF-16, little-endian unless `swap`. */
function toUtf16(text: string, { swap = false } = {}): Uint8Array {
  const bytes = new Uint8Array(Uint16Array.from(text, (unit) => unit.charCodeAt(0)).buffer);
  return swap ? bytes.map((_, i) => bytes[i ^ 1] ?? 0) : bytes;
}

function failure(read: () => unknown): string {
  return assertThrows(read, StartError).message;
}

Deno.test("decodeEnvFile reads UTF-8 with and without a byte order mark", () => {
  for (const text of [TEXT, `\ufeff${TEXT}`, ""]) {
    assertEquals(decodeEnvFile(encoder.encode(text), ".env"), text.replace("\ufeff", ""));
  }
});

Deno.test("decodeEnvFile rejects UTF-16 and other encodings, and says what to do", () => {
  for (
    const bytes of [
      toUtf16(`\ufeff${TEXT}`),
      toUtf16(`\ufeff${TEXT}`, { swap: true }),
      toUtf16(TEXT),
    ]
  ) {
    assertEquals(
      failure(() => decodeEnvFile(bytes, "a.env")),
      "a.env is in UTF-16: save it again as UTF-8",
    );
  }
  const latin1 = Uint8Array.from("A=\u00e9", (char) => char.charCodeAt(0));
  assertEquals(
    failure(() => decodeEnvFile(latin1, "a.env")),
    "a.env is not valid UTF-8: save it again as UTF-8",
  );
});

for (
  const [about, text, line] of [
    ["a colon", "# key\n\nOPENROUTER_API_KEY: sk-or-v1-secret\n", 3],
    ["a colon without a space", "OPENROUTER_API_KEY:sk-or-v1-secret=\n", 1],
    ["a colon with CRLF", "PORT=80\r\n  export HOST : ::1\r\n", 2],
    ["a colon after another name of a setting", "TARGET_MODEL_SONNET: auto", 1],
  ] as const
) {
  Deno.test(`parseEnvText rejects ${about} instead of =, naming line ${line} and no value`, () => {
    assertEquals(
      failure(() => parseEnvText(text, ".env")),
      `.env line ${line}: write NAME=value, with = instead of a colon`,
    );
  });
}

for (
  const text of [
    "OPENROUTER_BASE_URL=http://localhost:11434/v1\n",
    "# PORT: the port\nPORT=1\n",
    "Port: of call\nNOTE: mine\n",
  ]
) {
  Deno.test(`parseEnvText accepts the colons of ${JSON.stringify(text)}`, () => {
    parseEnvText(text, ".env");
  });
}

Deno.test("parseEnvText names the line of an unquoted $", () => {
  const message = failure(() => parseEnvText("A=1\n\n  export  PROXY_API_KEYS = a$b\n", ".env"));
  assert(message.startsWith(".env line 3 cannot be used: put values that contain $"), message);
});
