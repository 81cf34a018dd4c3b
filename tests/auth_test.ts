/** Authorization and the upstream key, by settings, peer, headers, method and path. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type AuthConfig,
  authorize,
  authorizePreflight,
  findAllowedOrigin,
  type Peer,
  readClientKeys,
} from "../lib/auth.ts";
import { ApiError } from "../lib/errors.ts";
import { call, createProxy, get, post, requestBody } from "./helpers/proxy.ts";

const SERVER_KEY = "sk-or-v1-server";
const CLIENT_KEY = "sk-or-v1-client";
const KEY = "team-key-1";
const OTHER_KEY = "team-key-2";
const ORIGIN = "https://app.example.com";

/** A proxy key is required; the client sends its own upstream key; only local clients are allowed. */
const WITH_PROXY_KEYS = { openrouterApiKey: SERVER_KEY, proxyApiKeys: [KEY, OTHER_KEY] };
const PROXY_KEYS_ONLY = { openrouterApiKey: null, proxyApiKeys: [KEY] };
const NO_KEYS = { openrouterApiKey: null, proxyApiKeys: [] };
const SERVER_KEY_ONLY = { openrouterApiKey: SERVER_KEY, proxyApiKeys: [] };

const REMOTE = "203.0.113.9";

interface Case {
  about: string;
  config: Partial<AuthConfig>;
  /** An IP address, or `unix`; by default a local address. */
  peer?: string;
  host?: string;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** The expected upstream key, or null for none. */
  allow?: string | null;
  /** The origin that may read the response. */
  cors?: string;
  /** The expected error: `status type`. */
  refuse?: string;
}

const BAD_KEY = "401 authentication_error";
const NOT_LOCAL = "403 permission_error";
const BAD_ORIGIN = "403 permission_error";
const BAD_TYPE = "415 invalid_request_error";

const PROXY_KEY_CASES: Case[] = [
  { about: "no key", config: WITH_PROXY_KEYS, refuse: BAD_KEY },
  { about: "no key from a local socket", config: WITH_PROXY_KEYS, peer: "unix", refuse: BAD_KEY },
  ...refusedKeys([
    "wrong",
    KEY.slice(0, -1),
    `${KEY}1`,
    `${KEY}${KEY}`,
    KEY.toUpperCase(),
    SERVER_KEY,
    CLIENT_KEY,
  ]),
  {
    about: "a key with another scheme",
    config: WITH_PROXY_KEYS,
    headers: { authorization: `Token ${KEY}` },
    refuse: BAD_KEY,
  },
  {
    about: "two keys in one header",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": `wrong, ${KEY}` },
    refuse: BAD_KEY,
  },
  {
    about: "wrong keys in both headers",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": "wrong", authorization: "Bearer wrong" },
    refuse: BAD_KEY,
  },
  {
    about: "a client's upstream key instead of a proxy key",
    config: PROXY_KEYS_ONLY,
    headers: { "x-api-key": CLIENT_KEY },
    refuse: BAD_KEY,
  },
  { about: "x-api-key", config: WITH_PROXY_KEYS, headers: { "x-api-key": KEY }, allow: SERVER_KEY },
  {
    about: "Bearer",
    config: WITH_PROXY_KEYS,
    headers: { authorization: `Bearer ${OTHER_KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "bearer in lower case",
    config: WITH_PROXY_KEYS,
    headers: { authorization: `bearer ${KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "both headers",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": KEY, authorization: `Bearer ${KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "a wrong x-api-key with a valid Bearer",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": "wrong", authorization: `Bearer ${KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "a valid x-api-key with a wrong Bearer",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": KEY, authorization: "Bearer wrong" },
    allow: SERVER_KEY,
  },
  {
    about: "a valid key from a remote client, with any host, through a proxy, on Deno Deploy",
    config: { ...WITH_PROXY_KEYS, onDenoDeploy: true },
    peer: REMOTE,
    host: "proxy.example.com",
    headers: { "x-api-key": KEY, "x-forwarded-for": REMOTE, via: "1.1 edge", "cf-ray": "1" },
    allow: SERVER_KEY,
  },
  {
    about: "the client's upstream key does not replace the server's",
    config: WITH_PROXY_KEYS,
    headers: { "x-api-key": KEY, authorization: `Bearer ${CLIENT_KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "the client's upstream key in the other header is used if the server has none",
    config: PROXY_KEYS_ONLY,
    headers: { "x-api-key": KEY, authorization: `Bearer ${CLIENT_KEY}` },
    allow: CLIENT_KEY,
  },
  {
    about: "the same with the headers exchanged",
    config: PROXY_KEYS_ONLY,
    headers: { "x-api-key": CLIENT_KEY, authorization: `Bearer ${KEY}` },
    allow: CLIENT_KEY,
  },
  {
    about: "a valid key alone if the server has no upstream key",
    config: PROXY_KEYS_ONLY,
    headers: { "x-api-key": KEY },
    allow: null,
  },
  {
    about: "a proxy key that looks like an upstream key is never sent upstream",
    config: { openrouterApiKey: null, proxyApiKeys: ["sk-or-team"] },
    headers: { "x-api-key": "sk-or-team" },
    allow: null,
  },
  {
    about: "a proxy key that looks like an upstream key does not replace the client's upstream key",
    config: { openrouterApiKey: null, proxyApiKeys: ["sk-or-team"] },
    headers: { "x-api-key": "sk-or-team", authorization: `Bearer ${CLIENT_KEY}` },
    allow: CLIENT_KEY,
  },
  {
    about: "GET / without a key",
    config: WITH_PROXY_KEYS,
    method: "GET",
    path: "/",
    refuse: BAD_KEY,
  },
  {
    about: "GET / with a wrong password",
    config: WITH_PROXY_KEYS,
    method: "GET",
    path: "/",
    headers: { authorization: basic("me", "wrong") },
    refuse: BAD_KEY,
  },
  {
    about: "GET / with a key as the password of HTTP Basic",
    config: WITH_PROXY_KEYS,
    method: "GET",
    path: "/",
    headers: { authorization: basic("me", KEY) },
    allow: SERVER_KEY,
  },
  {
    about: "GET /stats without a key",
    config: WITH_PROXY_KEYS,
    method: "GET",
    path: "/stats",
    refuse: BAD_KEY,
  },
  {
    about: "GET /stats with a key as the password of HTTP Basic",
    config: WITH_PROXY_KEYS,
    method: "GET",
    path: "/stats",
    headers: { authorization: basic("me", KEY) },
    allow: SERVER_KEY,
  },
  {
    about: "a message with a key as the password of HTTP Basic",
    config: WITH_PROXY_KEYS,
    headers: { authorization: basic("me", KEY) },
    refuse: BAD_KEY,
  },
  {
    about: "GET /v1/models without a key",
    config: WITH_PROXY_KEYS,
    method: "GET",
    refuse: BAD_KEY,
  },
];

const CLIENT_KEY_CASES: Case[] = [
  {
    about: "the client's key in x-api-key, from a remote client, with any host",
    config: NO_KEYS,
    peer: REMOTE,
    host: "proxy.example.com",
    headers: { "x-api-key": CLIENT_KEY, "x-forwarded-for": REMOTE },
    allow: CLIENT_KEY,
  },
  {
    about: "the client's key as Bearer",
    config: NO_KEYS,
    headers: { authorization: `Bearer ${CLIENT_KEY}` },
    allow: CLIENT_KEY,
  },
  {
    about: "the client's key next to another one",
    config: NO_KEYS,
    headers: { "x-api-key": "sk-ant-1", authorization: `Bearer ${CLIENT_KEY}` },
    allow: CLIENT_KEY,
  },
  {
    about: "the client's key on Deno Deploy",
    config: { ...NO_KEYS, onDenoDeploy: true },
    peer: REMOTE,
    headers: { "x-api-key": CLIENT_KEY },
    allow: CLIENT_KEY,
  },
  { about: "no key at all: the route returns the 401", config: NO_KEYS, allow: null },
  {
    about: "a key that is not an OpenRouter key",
    config: NO_KEYS,
    headers: { "x-api-key": "sk-ant-api03-1" },
    allow: null,
  },
  {
    about: "a key that only contains sk-or-",
    config: NO_KEYS,
    headers: { "x-api-key": "x-sk-or-v1" },
    allow: null,
  },
  {
    about: "GET / from a remote client",
    config: NO_KEYS,
    peer: REMOTE,
    method: "GET",
    path: "/",
    allow: null,
  },
  {
    about: "GET /stats from a local client",
    config: NO_KEYS,
    method: "GET",
    path: "/stats",
    allow: null,
  },
  ...[
    { peer: REMOTE },
    { host: "evil.com" },
    { headers: { "x-forwarded-for": "127.0.0.1" } },
    { peer: REMOTE, headers: { "x-api-key": CLIENT_KEY } },
  ].map((from): Case => ({
    about: `GET /stats from a remote client: ${JSON.stringify(from)}`,
    config: NO_KEYS,
    ...from,
    method: "GET",
    path: "/stats",
    refuse: NOT_LOCAL,
  })),
];

const LOCAL_CASES: Case[] = [
  ...[
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "unix",
  ].map((peer): Case => ({
    about: `the peer ${peer}`,
    config: SERVER_KEY_ONLY,
    peer,
    allow: SERVER_KEY,
  })),
  ...[
    "10.0.0.1",
    "192.168.1.5",
    "128.0.0.1",
    "12.7.0.1",
    "1127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8000:1",
    "::ffff:7e00:1",
    "::",
    "::2",
    "::11",
    "fe80::1",
    "2001:db8::127.0.0.1",
    "0.0.0.0",
    "",
  ].map((peer): Case => ({
    about: `the peer “${peer}”`,
    config: SERVER_KEY_ONLY,
    peer,
    refuse: NOT_LOCAL,
  })),
  ...[
    "localhost",
    "localhost:8000",
    "LOCALHOST",
    "foo.localhost",
    "a.b.localhost:8000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "[::1]",
    "[::1]:8000",
    "192.168.1.5",
    "192.168.1.5:8000",
  ].map((host): Case => ({
    about: `the Host ${host}`,
    config: SERVER_KEY_ONLY,
    host,
    allow: SERVER_KEY,
  })),
  ...[
    "evil.com",
    "evil.com:8000",
    "localhost.evil.com",
    "evillocalhost",
    "evil.com.localhost.com",
    "127.0.0.1.evil.com",
    "127.0.0.1.nip.io",
    "localhost:8000.evil.com",
    "evil.com#localhost",
    "evil.com/localhost",
    ".localhost",
    "localhost\nevil.com",
    "[::1].evil.com",
    "",
  ].map((host): Case => ({
    about: `the Host ${JSON.stringify(host)}`,
    config: SERVER_KEY_ONLY,
    host,
    refuse: NOT_LOCAL,
  })),
  ...[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "X-Forwarded-Proto",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
    "cf-ray",
    "x-client-ip",
    "client-ip",
    "real-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "fly-client-ip",
    "fastly-client-ip",
    "x-envoy-external-address",
    "x-forwarded",
    "x-original-forwarded-for",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
    "cdn-loop",
    "tailscale-user-login",
  ].map((name): Case => ({
    about: `the header ${name}`,
    config: SERVER_KEY_ONLY,
    headers: { [name]: "127.0.0.1" },
    refuse: NOT_LOCAL,
  })),
  {
    about: "a local peer on Deno Deploy",
    config: { ...SERVER_KEY_ONLY, onDenoDeploy: true },
    refuse: NOT_LOCAL,
  },
  {
    about: "the client's key is ignored",
    config: SERVER_KEY_ONLY,
    headers: { "x-api-key": CLIENT_KEY, authorization: `Bearer ${CLIENT_KEY}` },
    allow: SERVER_KEY,
  },
  {
    about: "the client's key does not authorize a remote client",
    config: SERVER_KEY_ONLY,
    peer: REMOTE,
    headers: { "x-api-key": CLIENT_KEY },
    refuse: NOT_LOCAL,
  },
  {
    about: "the server's key itself does not authorize a remote client",
    config: SERVER_KEY_ONLY,
    peer: REMOTE,
    headers: { "x-api-key": SERVER_KEY },
    refuse: NOT_LOCAL,
  },
  {
    about: "GET / from a remote client",
    config: SERVER_KEY_ONLY,
    peer: REMOTE,
    method: "GET",
    path: "/",
    refuse: NOT_LOCAL,
  },
  {
    about: "GET /stats from a remote client",
    config: SERVER_KEY_ONLY,
    peer: REMOTE,
    method: "GET",
    path: "/stats",
    refuse: NOT_LOCAL,
  },
  {
    about: "GET /v1/models from a remote client",
    config: SERVER_KEY_ONLY,
    peer: REMOTE,
    method: "GET",
    refuse: NOT_LOCAL,
  },
];

/** Checks that do not depend on the configured keys. `x-api-key` is the proxy key, or the client's upstream key. */
const ALL_MODES: Case[] = [
  { name: "proxy keys", config: WITH_PROXY_KEYS, key: KEY, allow: SERVER_KEY },
  { name: "client key", config: NO_KEYS, key: CLIENT_KEY, allow: CLIENT_KEY },
  { name: "local only", config: SERVER_KEY_ONLY, key: "any", allow: SERVER_KEY },
].flatMap(({ name, config, key, allow }): Case[] => {
  const origin = (value: string, more: Partial<Case> = {}): Case => ({
    about: `${name}: the Origin ${value}`,
    config,
    headers: { "x-api-key": key, origin: value },
    ...more,
  });
  const site = (value: string, more: Partial<Case>): Case => ({
    about: `${name}: Sec-Fetch-Site ${value}`,
    config,
    headers: { "x-api-key": key, "sec-fetch-site": value },
    ...more,
  });
  const type = (value: string, more: Partial<Case>): Case => ({
    about: `${name}: the content type “${value}”`,
    config,
    headers: { "x-api-key": key, "content-type": value },
    ...more,
  });
  const listed = { ...config, allowedOrigins: [ORIGIN] };
  return [
    origin("http://localhost:8000", { allow }),
    origin("https://localhost:8000", { allow }),
    ...[
      "https://evil.com",
      "http://localhost",
      "http://localhost:8001",
      "http://localhost:8000.evil.com",
      "null",
      "",
      ORIGIN,
    ].map((value) => origin(value, { refuse: BAD_ORIGIN })),
    origin(ORIGIN, { config: listed, allow, cors: ORIGIN }),
    origin(`${ORIGIN}.evil.com`, { config: listed, refuse: BAD_ORIGIN }),
    origin("http://app.example.com", { config: listed, refuse: BAD_ORIGIN }),
    origin("null", { config: listed, refuse: BAD_ORIGIN }),
    site("cross-site", { refuse: BAD_ORIGIN }),
    site("cross-site", {
      about: `${name}: Sec-Fetch-Site cross-site with the proxy's own Origin`,
      headers: {
        "x-api-key": key,
        "sec-fetch-site": "cross-site",
        origin: "http://localhost:8000",
      },
      refuse: BAD_ORIGIN,
    }),
    site("cross-site", {
      about: `${name}: Sec-Fetch-Site cross-site with a listed Origin`,
      config: listed,
      headers: { "x-api-key": key, "sec-fetch-site": "cross-site", origin: ORIGIN },
      allow,
      cors: ORIGIN,
    }),
    site("cross-site", {
      about: `${name}: GET from another site`,
      method: "GET",
      refuse: BAD_ORIGIN,
    }),
    site("same-origin", { allow }),
    site("none", { allow }),
    type("application/json; charset=utf-8", { allow }),
    type("APPLICATION/JSON", { allow }),
    type("application/problem+json", { allow }),
    ...[
      "text/plain",
      "",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=json",
      "application/jsonp",
      "application/json-seq",
      "text/plain; application/json",
      "text/json-ish+json",
    ].map((value) => type(value, { refuse: BAD_TYPE })),
  ];
});

/** Liveness checks are public, also for web pages of other origins. */
const PUBLIC: Case[] = [WITH_PROXY_KEYS, NO_KEYS, SERVER_KEY_ONLY].flatMap((config) =>
  [
    ["GET", "/health"],
    ["HEAD", "/health"],
    ["GET", "/api/hello"],
    ["HEAD", "/api/hello"],
    ["HEAD", "/"],
  ].map(([method = "", path = ""]): Case => ({
    about: `${method} ${path} from a remote client, through a proxy`,
    config,
    peer: REMOTE,
    host: "evil.com",
    method,
    path,
    headers: {
      "x-forwarded-for": REMOTE,
      origin: "https://evil.com",
      "sec-fetch-site": "cross-site",
    },
    allow: null,
  }))
);

const PRIVATE: Case[] = [
  ["GET", "/health/"],
  ["GET", "/healthy"],
  ["GET", "/stats"],
  ["HEAD", "/v1/models"],
  ["POST", "/health"],
  ["DELETE", "/api/hello"],
].map(([method = "", path = ""]) => ({
  about: `${method} ${path} from a remote client`,
  config: SERVER_KEY_ONLY,
  peer: REMOTE,
  method,
  path,
  refuse: NOT_LOCAL,
}));

function refusedKeys(keys: string[]): Case[] {
  return keys.flatMap((key) => [
    {
      about: `x-api-key ${key}`,
      config: WITH_PROXY_KEYS,
      headers: { "x-api-key": key },
      refuse: BAD_KEY,
    },
    {
      about: `Bearer ${key}`,
      config: WITH_PROXY_KEYS,
      headers: { authorization: `Bearer ${key}` },
      refuse: BAD_KEY,
    },
  ]);
}

function basic(user: string, password: string): string {
  return `Basic ${btoa(`${user}:${password}`)}`;
}

function toPeer(peer: string): Peer {
  return peer === "unix" ? { transport: "unix" } : { transport: "tcp", address: peer };
}

function decide(row: Case): string {
  const method = row.method ?? "POST";
  const headers = new Headers(row.headers);
  if (method === "POST" && !headers.has("content-type")) {
    headers.set("content-type", "application/json");
  }
  const request = {
    method,
    path: row.path ?? (method === "GET" ? "/v1/models" : "/v1/messages"),
    headers,
    host: row.host ?? "localhost:8000",
    peer: toPeer(row.peer ?? "127.0.0.1"),
  };
  const config: AuthConfig = {
    openrouterApiKey: null,
    proxyApiKeys: [],
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
    ...row.config,
  };
  try {
    const { upstreamKey } = authorize(request, config);
    return `allow ${upstreamKey} cors ${findAllowedOrigin(headers, config)}`;
  } catch (error) {
    if (error instanceof ApiError) return `${error.status} ${error.type}`;
    throw error;
  }
}

const TABLE: [string, Case[]][] = [
  ["with PROXY_API_KEYS", PROXY_KEY_CASES],
  ["without a server key", CLIENT_KEY_CASES],
  ["with a server key only", LOCAL_CASES],
  ["with any keys", ALL_MODES],
  ["on public paths", PUBLIC],
  ["on other paths", PRIVATE],
];

for (const [where, cases] of TABLE) {
  for (const row of cases) {
    const verb = row.refuse === undefined ? "allows" : "rejects";
    Deno.test(`authorize ${verb}, ${where}: ${row.about}`, () => {
      const expected = row.refuse ?? `allow ${row.allow} cors ${row.cors ?? null}`;
      assertEquals(decide(row), expected);
    });
  }
}

Deno.test("authorize says in its errors what to set", () => {
  const request = {
    method: "POST",
    path: "/v1/messages",
    headers: new Headers({ "content-type": "application/json" }),
    host: "localhost",
    peer: toPeer(REMOTE),
  };
  const config: AuthConfig = {
    ...SERVER_KEY_ONLY,
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
  };
  const local = assertThrows(() => authorize(request, config), ApiError);
  assertEquals(
    local.message,
    "Only local clients are allowed, and this connection is from another machine. " +
      "Set PROXY_API_KEYS to accept remote clients",
  );
  const stats = { ...request, method: "GET", path: "/stats" };
  const remote = assertThrows(() => authorize(stats, { ...config, ...NO_KEYS }), ApiError);
  assertEquals(
    remote.message,
    "Statistics are for local clients only, and this connection is from another machine. " +
      "Set PROXY_API_KEYS to accept remote clients",
  );
  const keyed = assertThrows(
    () => authorize(request, { ...config, proxyApiKeys: [KEY] }),
    ApiError,
  );
  // Measured on Claude Code 2.1.330: at "x-api-key" it shows "Please run /login" instead of the message.
  assertEquals(
    keyed.message,
    "Invalid API key: send one of the keys configured in PROXY_API_KEYS",
  );
  request.headers.set("origin", "https://evil.com");
  const page = assertThrows(() => authorize(request, config), ApiError);
  assertEquals(page.message, "Origin not allowed: add it to ALLOWED_ORIGINS");
  request.headers.delete("origin");
  request.headers.set("sec-fetch-site", "cross-site");
  const crossSite = assertThrows(() => authorize(request, config), ApiError);
  assertEquals(
    crossSite.message,
    "Cross-site requests not allowed: add the origin to ALLOWED_ORIGINS",
  );
  const preflight = { ...request, headers: new Headers() };
  const own = assertThrows(() => authorizePreflight(preflight, config), ApiError);
  assertEquals(own.message, "CORS preflight not allowed: add the origin to ALLOWED_ORIGINS");
  const type = assertThrows(() => authorize(preflight, config), ApiError);
  assertEquals([type.message, type.status], ["Content-Type must be application/json", 415]);
});

for (
  const [about, change, reason] of [
    ["another machine", { peer: toPeer(REMOTE) }, "this connection is from another machine"],
    ["a host name", { host: "my-laptop:8000" }, "the Host header is neither localhost nor an IP"],
    ["a forwarding header", {
      headers: new Headers({ "x-forwarded-for": "203.0.113.9", "x-api-key": KEY }),
    }, "a proxy forwarded this request (header x-forwarded-for)"],
    ["a long forwarding header", {
      headers: new Headers({ [`cf-${"x".repeat(500)}`]: "1" }),
    }, `a proxy forwarded this request (header cf-${"x".repeat(37)})`],
    ["Deno Deploy", {}, "on Deno Deploy no client is local"],
  ] as const
) {
  Deno.test(`a 403 for ${about} says which rule failed, and nothing of the proxy or its keys`, () => {
    const local = {
      ...{ method: "GET", path: "/v1/models", headers: new Headers(), host: "localhost:8000" },
      peer: toPeer("127.0.0.1"),
    };
    const request = { ...local, ...change };
    const config: AuthConfig = {
      ...{ ...SERVER_KEY_ONLY, allowedOrigins: [], dialect: "openrouter" },
      onDenoDeploy: about === "Deno Deploy",
    };
    const { message } = assertThrows(() => authorize(request, config), ApiError);
    assert(message.startsWith(`Only local clients are allowed, and ${reason}`), message);
    assertEquals(/203\.0\.113|my-laptop|sk-/.test(message), false, message);
  });
}

Deno.test("readClientKeys reads both headers and skips blank ones", () => {
  const read = (headers: Record<string, string>) => readClientKeys(new Headers(headers));
  assertEquals(read({}), []);
  assertEquals(read({ "x-api-key": "", authorization: "Bearer " }), []);
  assertEquals(read({ "x-api-key": " a ", authorization: "bearer  b " }), ["a", "b"]);
  assertEquals(read({ authorization: "Basic b" }), []);
});

Deno.test("the handler rejects preflights unless ALLOWED_ORIGINS lists the origin", async () => {
  const preflight = (origin?: string) =>
    get("/v1/messages", {
      method: "OPTIONS",
      headers: {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key",
        ...(origin !== undefined && { origin }),
      },
    });
  const closed = createProxy().handler;
  const listed = createProxy({ env: { ALLOWED_ORIGINS: ORIGIN } }).handler;
  for (
    const [handler, origin] of [[closed, ORIGIN], [listed, "https://evil.com"], [
      listed,
      undefined,
    ]] as const
  ) {
    const response = await call(handler, preflight(origin));
    assertEquals(response.status, 403);
    assertEquals(corsHeaders(response), []);
    await response.body?.cancel();
  }
});

Deno.test("the handler allows the preflight of a listed origin without a key, from a remote client", async () => {
  const { handler } = createProxy({ env: { ALLOWED_ORIGINS: `https://a.example,${ORIGIN}/` } });
  const request = get("/v1/messages", {
    method: "OPTIONS",
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-api-key,anthropic-version",
      "sec-fetch-site": "cross-site",
    },
  });
  const response = await call(handler, request, toPeer(REMOTE));
  assertEquals(response.status, 204);
  assertEquals(await response.text(), "");
  assertEquals(response.headers.get("access-control-allow-origin"), ORIGIN);
  assertEquals(
    response.headers.get("access-control-allow-headers"),
    "content-type,x-api-key,anthropic-version",
  );
  assertStringIncludes(response.headers.get("access-control-allow-methods") ?? "", "POST");
  assertStringIncludes(response.headers.get("vary") ?? "", "Origin");
});

Deno.test("the handler sets CORS headers on responses and errors only for a listed origin", async () => {
  const { handler } = createProxy({ env: { ALLOWED_ORIGINS: ORIGIN } });
  const headers = { origin: ORIGIN, "content-type": "application/json" };
  const count = new Request("http://localhost:8000/v1/messages/count_tokens", {
    method: "POST",
    headers,
    body: JSON.stringify(requestBody()),
  });
  const text = { ...headers, "content-type": "text/plain" };
  const requests: [request: Request, status: number, peer?: Peer][] = [
    [count, 200],
    [get("/v1/nothing", { headers }), 404],
    [post("{", headers), 400],
    [post("{", text), 415],
    [post(requestBody(), headers), 403, toPeer(REMOTE)],
  ];
  for (const [request, status, peer] of requests) {
    const response = await call(handler, request, peer);
    await response.body?.cancel();
    assertEquals(response.status, status);
    assertEquals(response.headers.get("access-control-allow-origin"), ORIGIN);
    assertStringIncludes(
      response.headers.get("access-control-expose-headers") ?? "",
      "x-proxy-model",
    );
    assertStringIncludes(response.headers.get("vary") ?? "", "Origin");
  }
  for (
    const request of [
      get("/v1/nothing"),
      get("/", { headers: { origin: "http://localhost:8000" } }),
    ]
  ) {
    const response = await call(handler, request);
    await response.body?.cancel();
    assertEquals(corsHeaders(response), []);
  }
});

Deno.test("the handler sets CORS headers on the error for a wrong key", async () => {
  const env = { ALLOWED_ORIGINS: ORIGIN, PROXY_API_KEYS: KEY };
  const response = await call(
    createProxy({ env }).handler,
    post(requestBody(), { origin: ORIGIN }),
  );
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("access-control-allow-origin"), ORIGIN);
  await response.body?.cancel();
});

Deno.test("a link on another site opens the dashboard, and other requests of that site are rejected", async () => {
  const { handler } = createProxy();
  const link = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    accept: "text/html",
  };
  const page = await call(handler, get("/", { headers: link }));
  assertEquals(page.status, 200);
  assertMatch(await page.text(), /^<!doctype html>/);
  const others: [path: string, init: RequestInit][] = [
    ["/", { headers: { ...link, "sec-fetch-dest": "iframe" } }],
    ["/", { headers: { ...link, "sec-fetch-mode": "no-cors" } }],
    ["/", { headers: { ...link, origin: "https://evil.com" } }],
    ["/stats", { headers: link }],
    ["/v1/models", { headers: link }],
    ["/", { method: "POST", headers: { ...link, "content-type": "application/json" } }],
  ];
  for (const [path, init] of others) {
    const response = await call(handler, get(path, init));
    assertEquals(response.status, 403, `${path} ${JSON.stringify(init)}`);
    await response.body?.cancel();
  }
  const remote = await call(handler, get("/", { headers: link }), toPeer(REMOTE));
  assertEquals(remote.status, 403);
  await remote.body?.cancel();
});

function corsHeaders(response: Response): string[] {
  return [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
}
