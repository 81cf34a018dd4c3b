/** Authorization with nearly valid keys and headers. @module */

import { assertEquals, assertThrows } from "@std/assert";
import {
  type AuthConfig,
  authorize,
  authorizePreflight,
  type AuthRequest,
  type RemoteAddress,
  toPeer,
} from "../lib/auth.ts";
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

/** The headers of the error for a request without a key. */
function refusalHeaders(request: Partial<AuthRequest>): unknown {
  const error = assertThrows(() => findUpstreamKey({}, { request }), ApiError);
  assertEquals([error.type, error.status], ["authentication_error", 401]);
  return error.headers;
}

Deno.test("a browser that opens the dashboard is asked for a password, and other clients are not", () => {
  for (const path of ["/", "/stats"]) {
    assertEquals(refusalHeaders({ method: "GET", path }), {
      "www-authenticate": 'Basic realm="claudeproxy"',
    });
  }
  for (
    const request of [
      { method: "GET", path: "/v1/models" },
      { method: "POST", path: "/v1/messages" },
      { method: "POST", path: "/" },
      { method: "HEAD", path: "/stats" },
    ]
  ) {
    assertEquals(refusalHeaders(request), {});
  }
});

Deno.test("authorize reads the password behind the first colon, and any spelling of the scheme", () => {
  const request = { method: "GET", path: "/" };
  const send = (credentials: string, scheme = "Basic ", rest = "") =>
    findUpstreamKey({ authorization: `${scheme}${btoa(credentials)}${rest}` }, {
      request,
      config: { proxyApiKeys: ["a:b\nc", "k"] },
    });
  for (const credentials of ["user:a:b\nc", ":a:b\nc", "us\ner:k", ":k"]) {
    assertEquals(send(credentials), "server", credentials);
  }
  assertEquals(["basic ", "BASIC   "].map((scheme) => send("u:k", scheme, " ")), [
    "server",
    "server",
  ]);
  for (const credentials of ["k", "k:", ":", "", "u:K", "u: k", "u:k "]) {
    assertThrows(() => send(credentials), ApiError, "Invalid API key", credentials);
  }
  for (const encoded of ["a", "=", "!", "%%%"]) {
    const headers = { authorization: `Basic ${encoded}` };
    assertThrows(() => findUpstreamKey(headers, { request }), ApiError, "Invalid API key", encoded);
  }
});

Deno.test("authorize sends a client's key to OpenRouter only, never to another server", () => {
  const headers = { "x-api-key": "sk-or-1" };
  for (const openrouterApiKey of [null, "server"]) {
    const config = { openrouterApiKey, proxyApiKeys: [], dialect: "openai" as const };
    assertEquals(findUpstreamKey(headers, { config }), openrouterApiKey);
    const peer = { transport: "tcp", address: "203.0.113.9" } as const;
    assertThrows(
      () => findUpstreamKey(headers, { config, request: { peer } }),
      ApiError,
      "Only local",
    );
    const keyed = { ...config, proxyApiKeys: ["k"] };
    const both = { ...headers, authorization: "Bearer k" };
    assertEquals(findUpstreamKey(both, { config: keyed }), openrouterApiKey);
  }
});

Deno.test("authorize compares local addresses in any case and spelling", () => {
  const from = (address: string) => ({
    config: { proxyApiKeys: [] },
    request: { peer: { transport: "tcp", address } as const },
  });
  for (
    const address of ["127.0.0.1", "::FFFF:127.0.0.1", "::ffff:7F00:1", "0:0:0:0:0:FFFF:7f12:1"]
  ) {
    assertEquals(findUpstreamKey({}, from(address)), "server", address);
  }
  for (const address of ["1::ffff:127.0.0.1", "x127.0.0.1", "2::1", "::1%eth0", "::ffff:7f001:1"]) {
    assertThrows(() => findUpstreamKey({}, from(address)), ApiError, "Only local", address);
  }
});

Deno.test("authorize requires JSON in the body, whatever its parameters", () => {
  const send = (type: string | null, method = "POST") => {
    const headers = new Headers({ "x-api-key": "k", ...type !== null && { "content-type": type } });
    return findUpstreamKey({}, { request: { method, headers } });
  };
  for (const type of ["application/json", " application/json ;x=1", "Application/Vnd.api+JSON"]) {
    assertEquals(send(type), "server", type);
  }
  for (const type of [null, "", "xapplication/json", "application/jsonx", ";application/json"]) {
    assertThrows(() => send(type), ApiError, "Content-Type must be", `${type}`);
  }
  assertEquals(
    ["GET", "DELETE", "PUT"].map((method) => send(null, method)),
    Array(3).fill("server"),
  );
});

Deno.test("toPeer takes an address without a host, or none at all, for a remote client", () => {
  const cases: [RemoteAddress | undefined, unknown][] = [
    [{ transport: "unix" }, { transport: "unix" }],
    [{ transport: "tcp", hostname: "127.0.0.1" }, { transport: "tcp", address: "127.0.0.1" }],
    [{ transport: "tcp" }, { transport: "tcp", address: "" }],
    [{ transport: "vsock", hostname: "127.0.0.1" }, { transport: "tcp", address: "" }],
    [{ transport: "vsock" }, { transport: "tcp", address: "" }],
    [undefined, { transport: "tcp", address: "" }],
  ];
  for (const [address, peer] of cases) assertEquals<unknown>(toPeer(address), peer);
});

Deno.test("authorizePreflight returns the listed origin", () => {
  const request: AuthRequest = {
    method: "OPTIONS",
    path: "/v1/messages",
    headers: new Headers({ origin: "https://a.example" }),
    host: "localhost",
    peer: { transport: "unix" },
  };
  const config: AuthConfig = {
    openrouterApiKey: null,
    proxyApiKeys: [],
    allowedOrigins: ["https://a.example"],
    onDenoDeploy: false,
    dialect: "openrouter",
  };
  assertEquals(authorizePreflight(request, config), { corsOrigin: "https://a.example" });
});
