/** Keys and headers that are nearly right: lib/auth.ts. @module */

import { assertEquals, assertThrows } from "@std/assert";
import { type AuthConfig, authorize, type AuthRequest } from "../lib/auth.ts";
import { ApiError } from "../lib/errors.ts";

const KEYS = ["team-key-1", "k"];
const BASIC = `Basic ${btoa(`user:${KEYS[0]}`)}`;

/** The key that pays for a request. */
function decide(
  headers: Record<string, string>,
  { visit, config }: { visit?: Partial<AuthRequest>; config?: Partial<AuthConfig> } = {},
): string | null {
  return authorize({
    method: "POST",
    path: "/v1/messages",
    headers: new Headers({ "content-type": "application/json", ...headers }),
    host: "localhost:8000",
    peer: { transport: "unix" },
    ...visit,
  }, {
    openrouterApiKey: "held",
    proxyApiKeys: KEYS,
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
    ...config,
  }).upstreamKey;
}

Deno.test("every listed key opens the proxy", () => {
  assertEquals(KEYS.map((key) => decide({ "x-api-key": key })), ["held", "held"]);
});

Deno.test("a key that differs in one character, wherever it stands, or in its length is refused", () => {
  const near = KEYS.flatMap((key) => [
    ...[...key].map((_, place) => `${key.slice(0, place)}X${key.slice(place + 1)}`),
    ...[key.slice(1), key.slice(0, -1), `${key}1`, `1${key}`, key + key].filter((one) =>
      one !== ""
    ),
  ]);
  for (const key of near) assertThrows(() => decide({ "x-api-key": key }), ApiError, "", key);
});

Deno.test("a key in a scheme that only ends like Bearer or Basic is refused", () => {
  for (
    const authorization of [`XBearer ${KEYS[0]}`, `Bearer ${KEYS[0]} x`, `X${BASIC}`, `${BASIC} x`]
  ) {
    const visit = { method: "GET", path: "/" };
    assertThrows(() => decide({ authorization }, { visit }), ApiError, "", authorization);
  }
});

Deno.test("a browser's page takes a password or a key, every other path only a key", () => {
  for (const path of ["/", "/stats"]) {
    const visit = { method: "GET", path };
    assertEquals(decide({ authorization: BASIC }, { visit }), "held");
    assertEquals(decide({ "x-api-key": "k" }, { visit }), "held");
  }
  for (const visit of [{ method: "GET", path: "/v1/models" }, { method: "POST", path: "/" }]) {
    assertThrows(() => decide({ authorization: BASIC }, { visit }), ApiError);
  }
});

Deno.test("of two OpenRouter keys of the client the first header's pays", () => {
  const config = { openrouterApiKey: null, proxyApiKeys: [] };
  const headers = { "x-api-key": "sk-or-1", authorization: "Bearer sk-or-2" };
  assertEquals(decide(headers, { config }), "sk-or-1");
});

Deno.test("only whole names of forwarding headers make a local client a remote one", () => {
  const config = { proxyApiKeys: [] };
  assertEquals(decide({ "x-via": "1", "viaduct": "1", "my-forwarded": "1" }, { config }), "held");
  for (const name of ["via", "forwarded", "x-real-ip", "x-forwarded-host", "cf-ray"]) {
    assertThrows(() => decide({ [name]: "1" }, { config }), ApiError, "", name);
  }
});
