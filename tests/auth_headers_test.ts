/** Authorization with nearly valid keys and headers. @module */

import { assertEquals, assertThrows } from "@std/assert";
import { type AuthConfig, authorize, type AuthRequest } from "../lib/auth.ts";
import { ApiError } from "../lib/errors.ts";

const KEYS = ["team-key-1", "k"];
const BASIC = `Basic ${btoa(`user:${KEYS[0]}`)}`;

/** The upstream key for a request. */
function findUpstreamKey(
  headers: Record<string, string>,
  { request, config }: { request?: Partial<AuthRequest>; config?: Partial<AuthConfig> } = {},
): string | null {
  return authorize({
    method: "POST",
    path: "/v1/messages",
    headers: new Headers({ "content-type": "application/json", ...headers }),
    host: "localhost:8000",
    peer: { transport: "unix" },
    ...request,
  }, {
    openrouterApiKey: "server",
    proxyApiKeys: KEYS,
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
    ...config,
  }).upstreamKey;
}

Deno.test("authorize accepts every listed key", () => {
  assertEquals(KEYS.map((key) => findUpstreamKey({ "x-api-key": key })), ["server", "server"]);
});

Deno.test("authorize rejects a key that differs in any one character or in its length", () => {
  const near = KEYS.flatMap((key) => [
    ...[...key].map((_, place) => `${key.slice(0, place)}X${key.slice(place + 1)}`),
    ...[key.slice(1), key.slice(0, -1), `${key}1`, `1${key}`, key + key].filter((one) =>
      one !== ""
    ),
  ]);
  for (const key of near) {
    assertThrows(() => findUpstreamKey({ "x-api-key": key }), ApiError, "", key);
  }
});

Deno.test("authorize rejects a key with a scheme that only ends like Bearer or Basic", () => {
  for (
    const authorization of [`XBearer ${KEYS[0]}`, `Bearer ${KEYS[0]} x`, `X${BASIC}`, `${BASIC} x`]
  ) {
    const request = { method: "GET", path: "/" };
    assertThrows(
      () => findUpstreamKey({ authorization }, { request }),
      ApiError,
      "",
      authorization,
    );
  }
});

Deno.test("authorize accepts a password for the dashboard, and only a key elsewhere", () => {
  for (const path of ["/", "/stats"]) {
    const request = { method: "GET", path };
    assertEquals(findUpstreamKey({ authorization: BASIC }, { request }), "server");
    assertEquals(findUpstreamKey({ "x-api-key": "k" }, { request }), "server");
  }
  for (const request of [{ method: "GET", path: "/v1/models" }, { method: "POST", path: "/" }]) {
    assertThrows(() => findUpstreamKey({ authorization: BASIC }, { request }), ApiError);
  }
});

Deno.test("authorize prefers the client's OpenRouter key in x-api-key to the one in Authorization", () => {
  const config = { openrouterApiKey: null, proxyApiKeys: [] };
  const headers = { "x-api-key": "sk-or-1", authorization: "Bearer sk-or-2" };
  assertEquals(findUpstreamKey(headers, { config }), "sk-or-1");
});

Deno.test("authorize treats a client as remote only for exact names of forwarding headers", () => {
  const config = { proxyApiKeys: [] };
  assertEquals(
    findUpstreamKey({ "x-via": "1", "viaduct": "1", "my-forwarded": "1" }, { config }),
    "server",
  );
  for (const name of ["via", "forwarded", "x-real-ip", "x-forwarded-host", "cf-ray"]) {
    assertThrows(() => findUpstreamKey({ [name]: "1" }, { config }), ApiError, "", name);
  }
});
