/** How proxy keys are compared: lib/access.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import { decideAccess } from "../lib/access.ts";
import { ApiError } from "../lib/errors.ts";

const KEYS = ["team-key-1", "k"];

function show(key: string): string | null {
  return decideAccess({
    method: "POST",
    path: "/v1/messages",
    headers: new Headers({ "content-type": "application/json", "x-api-key": key }),
    host: "localhost:8000",
    peer: { transport: "unix" },
  }, {
    openrouterApiKey: "held",
    proxyApiKeys: KEYS,
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
  }).upstreamKey;
}

Deno.test("every listed key opens the proxy", () => {
  assertEquals(KEYS.map(show), ["held", "held"]);
});

Deno.test("a key that differs in one character, wherever it stands, or in its length is refused", () => {
  const near = KEYS.flatMap((key) => [
    ...[...key].map((_, place) => `${key.slice(0, place)}X${key.slice(place + 1)}`),
    ...[key.slice(1), key.slice(0, -1), `${key}1`, `1${key}`, key + key].filter((one) =>
      one !== ""
    ),
  ]);
  for (const key of near) assertThrows(() => show(key), ApiError, "", key);
});
