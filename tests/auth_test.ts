/** Who may use the proxy, and whose key pays: one table over settings, peer, headers, method and path. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type AuthConfig,
  authorize,
  authorizePreflight,
  findAllowedOrigin,
  type Peer,
  readClientKeys,
} from "../lib/auth.ts";
import { ApiError } from "../lib/errors.ts";
import { ask, call, createProxy, get, post } from "./helpers/proxy.ts";

const HELD = "sk-or-v1-held";
const OWN = "sk-or-v1-clients-own";
const KEY = "team-key-1";
const OTHER_KEY = "team-key-2";
const PAGE = "https://app.example.com";

/** The three rules: keys are asked for; nothing to steal; this machine only. */
const KEYED = { openrouterApiKey: HELD, proxyApiKeys: [KEY, OTHER_KEY] };
const KEYED_EMPTY = { openrouterApiKey: null, proxyApiKeys: [KEY] };
const EMPTY = { openrouterApiKey: null, proxyApiKeys: [] };
const HOLDING = { openrouterApiKey: HELD, proxyApiKeys: [] };

const FAR = "203.0.113.9";

interface Case {
  about: string;
  config: Partial<AuthConfig>;
  /** An IP address, or `unix`; unless given, this machine. */
  peer?: string;
  host?: string;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** The key that pays, or null for none; with the origin that may read the answer. */
  allow?: string | null;
  cors?: string;
  /** `status type`. */
  refuse?: string;
}

const NO_KEY = "401 authentication_error";
const NOT_LOCAL = "403 permission_error";
const FOREIGN_PAGE = "403 permission_error";
const NO_JSON = "415 invalid_request_error";

const RULE_1: Case[] = [
  { about: "no key", config: KEYED, refuse: NO_KEY },
  { about: "no key from this machine by a socket", config: KEYED, peer: "unix", refuse: NO_KEY },
  ...refusedKeys([
    "wrong",
    KEY.slice(0, -1),
    `${KEY}1`,
    `${KEY}${KEY}`,
    KEY.toUpperCase(),
    HELD,
    OWN,
  ]),
  {
    about: "the key of another scheme",
    config: KEYED,
    headers: { authorization: `Token ${KEY}` },
    refuse: NO_KEY,
  },
  {
    about: "two keys in one header",
    config: KEYED,
    headers: { "x-api-key": `wrong, ${KEY}` },
    refuse: NO_KEY,
  },
  {
    about: "wrong keys in both headers",
    config: KEYED,
    headers: { "x-api-key": "wrong", authorization: "Bearer wrong" },
    refuse: NO_KEY,
  },
  {
    about: "an upstream key where none is held but proxy keys are set",
    config: KEYED_EMPTY,
    headers: { "x-api-key": OWN },
    refuse: NO_KEY,
  },
  { about: "x-api-key", config: KEYED, headers: { "x-api-key": KEY }, allow: HELD },
  {
    about: "Bearer",
    config: KEYED,
    headers: { authorization: `Bearer ${OTHER_KEY}` },
    allow: HELD,
  },
  {
    about: "bearer in small letters",
    config: KEYED,
    headers: { authorization: `bearer ${KEY}` },
    allow: HELD,
  },
  {
    about: "both headers",
    config: KEYED,
    headers: { "x-api-key": KEY, authorization: `Bearer ${KEY}` },
    allow: HELD,
  },
  {
    about: "a wrong x-api-key beside a right Bearer",
    config: KEYED,
    headers: { "x-api-key": "wrong", authorization: `Bearer ${KEY}` },
    allow: HELD,
  },
  {
    about: "a right x-api-key beside a wrong Bearer",
    config: KEYED,
    headers: { "x-api-key": KEY, authorization: "Bearer wrong" },
    allow: HELD,
  },
  {
    about: "a right key from anywhere, by any host, through a proxy, on Deno Deploy",
    config: { ...KEYED, onDenoDeploy: true },
    peer: FAR,
    host: "proxy.example.com",
    headers: { "x-api-key": KEY, "x-forwarded-for": FAR, via: "1.1 edge", "cf-ray": "1" },
    allow: HELD,
  },
  {
    about: "the client's upstream key does not replace the held one",
    config: KEYED,
    headers: { "x-api-key": KEY, authorization: `Bearer ${OWN}` },
    allow: HELD,
  },
  {
    about: "the client's upstream key in the other header pays where none is held",
    config: KEYED_EMPTY,
    headers: { "x-api-key": KEY, authorization: `Bearer ${OWN}` },
    allow: OWN,
  },
  {
    about: "the same with the headers exchanged",
    config: KEYED_EMPTY,
    headers: { "x-api-key": OWN, authorization: `Bearer ${KEY}` },
    allow: OWN,
  },
  {
    about: "a right key alone where none is held",
    config: KEYED_EMPTY,
    headers: { "x-api-key": KEY },
    allow: null,
  },
  {
    about: "a proxy key that looks like an upstream key never goes upstream",
    config: { openrouterApiKey: null, proxyApiKeys: ["sk-or-team"] },
    headers: { "x-api-key": "sk-or-team" },
    allow: null,
  },
  {
    about: "a proxy key that looks like an upstream key does not displace the client's own",
    config: { openrouterApiKey: null, proxyApiKeys: ["sk-or-team"] },
    headers: { "x-api-key": "sk-or-team", authorization: `Bearer ${OWN}` },
    allow: OWN,
  },
  {
    about: "GET / without a key",
    config: KEYED,
    method: "GET",
    path: "/",
    refuse: NO_KEY,
  },
  {
    about: "GET / with a wrong password",
    config: KEYED,
    method: "GET",
    path: "/",
    headers: { authorization: basic("me", "wrong") },
    refuse: NO_KEY,
  },
  {
    about: "GET / with a key as the password of HTTP Basic",
    config: KEYED,
    method: "GET",
    path: "/",
    headers: { authorization: basic("me", KEY) },
    allow: HELD,
  },
  {
    about: "GET /stats without a key",
    config: KEYED,
    method: "GET",
    path: "/stats",
    refuse: NO_KEY,
  },
  {
    about: "GET /stats with a key as the password of HTTP Basic",
    config: KEYED,
    method: "GET",
    path: "/stats",
    headers: { authorization: basic("me", KEY) },
    allow: HELD,
  },
  {
    about: "a message with a key as the password of HTTP Basic",
    config: KEYED,
    headers: { authorization: basic("me", KEY) },
    refuse: NO_KEY,
  },
  { about: "GET /v1/models without a key", config: KEYED, method: "GET", refuse: NO_KEY },
];

const RULE_2: Case[] = [
  {
    about: "the client's own key in x-api-key, from anywhere, by any host",
    config: EMPTY,
    peer: FAR,
    host: "proxy.example.com",
    headers: { "x-api-key": OWN, "x-forwarded-for": FAR },
    allow: OWN,
  },
  {
    about: "the client's own key as Bearer",
    config: EMPTY,
    headers: { authorization: `Bearer ${OWN}` },
    allow: OWN,
  },
  {
    about: "the client's own key beside another one",
    config: EMPTY,
    headers: { "x-api-key": "sk-ant-1", authorization: `Bearer ${OWN}` },
    allow: OWN,
  },
  {
    about: "the client's own key on Deno Deploy",
    config: { ...EMPTY, onDenoDeploy: true },
    peer: FAR,
    headers: { "x-api-key": OWN },
    allow: OWN,
  },
  { about: "no key at all: the route says what is missing", config: EMPTY, allow: null },
  {
    about: "a key that is not OpenRouter's",
    config: EMPTY,
    headers: { "x-api-key": "sk-ant-api03-1" },
    allow: null,
  },
  {
    about: "a key that only contains sk-or-",
    config: EMPTY,
    headers: { "x-api-key": "x-sk-or-v1" },
    allow: null,
  },
  { about: "GET / from afar", config: EMPTY, peer: FAR, method: "GET", path: "/", allow: null },
  {
    about: "GET /stats from this machine",
    config: EMPTY,
    method: "GET",
    path: "/stats",
    allow: null,
  },
  ...[
    { peer: FAR },
    { host: "evil.com" },
    { headers: { "x-forwarded-for": "127.0.0.1" } },
    { peer: FAR, headers: { "x-api-key": OWN } },
  ].map((from): Case => ({
    about: `GET /stats, which tells of others, from afar: ${JSON.stringify(from)}`,
    config: EMPTY,
    ...from,
    method: "GET",
    path: "/stats",
    refuse: NOT_LOCAL,
  })),
];

const RULE_3: Case[] = [
  ...[
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "unix",
  ].map((peer): Case => ({ about: `the peer ${peer}`, config: HOLDING, peer, allow: HELD })),
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
    config: HOLDING,
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
  ].map((host): Case => ({ about: `the Host ${host}`, config: HOLDING, host, allow: HELD })),
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
    config: HOLDING,
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
    config: HOLDING,
    headers: { [name]: "127.0.0.1" },
    refuse: NOT_LOCAL,
  })),
  {
    about: "this machine on Deno Deploy",
    config: { ...HOLDING, onDenoDeploy: true },
    refuse: NOT_LOCAL,
  },
  {
    about: "the client's own key is ignored",
    config: HOLDING,
    headers: { "x-api-key": OWN, authorization: `Bearer ${OWN}` },
    allow: HELD,
  },
  {
    about: "the client's own key does not open the door",
    config: HOLDING,
    peer: FAR,
    headers: { "x-api-key": OWN },
    refuse: NOT_LOCAL,
  },
  {
    about: "the held key itself does not open the door",
    config: HOLDING,
    peer: FAR,
    headers: { "x-api-key": HELD },
    refuse: NOT_LOCAL,
  },
  {
    about: "GET / from afar",
    config: HOLDING,
    peer: FAR,
    method: "GET",
    path: "/",
    refuse: NOT_LOCAL,
  },
  {
    about: "GET /stats from afar",
    config: HOLDING,
    peer: FAR,
    method: "GET",
    path: "/stats",
    refuse: NOT_LOCAL,
  },
  {
    about: "GET /v1/models from afar",
    config: HOLDING,
    peer: FAR,
    method: "GET",
    refuse: NOT_LOCAL,
  },
];

/** The same in all modes; `x-api-key` opens rule 1 and pays under rule 2. */
const ALL_MODES: Case[] = [
  { name: "rule 1", config: KEYED, key: KEY, allow: HELD },
  { name: "rule 2", config: EMPTY, key: OWN, allow: OWN },
  { name: "rule 3", config: HOLDING, key: "any", allow: HELD },
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
  const listed = { ...config, allowedOrigins: [PAGE] };
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
      PAGE,
    ].map((value) => origin(value, { refuse: FOREIGN_PAGE })),
    origin(PAGE, { config: listed, allow, cors: PAGE }),
    origin(`${PAGE}.evil.com`, { config: listed, refuse: FOREIGN_PAGE }),
    origin("http://app.example.com", { config: listed, refuse: FOREIGN_PAGE }),
    origin("null", { config: listed, refuse: FOREIGN_PAGE }),
    site("cross-site", { refuse: FOREIGN_PAGE }),
    site("cross-site", {
      about: `${name}: Sec-Fetch-Site cross-site of an own Origin`,
      headers: {
        "x-api-key": key,
        "sec-fetch-site": "cross-site",
        origin: "http://localhost:8000",
      },
      refuse: FOREIGN_PAGE,
    }),
    site("cross-site", {
      about: `${name}: Sec-Fetch-Site cross-site of a listed Origin`,
      config: listed,
      headers: { "x-api-key": key, "sec-fetch-site": "cross-site", origin: PAGE },
      allow,
      cors: PAGE,
    }),
    site("cross-site", {
      about: `${name}: GET by a foreign page`,
      method: "GET",
      refuse: FOREIGN_PAGE,
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
    ].map((value) => type(value, { refuse: NO_JSON })),
  ];
});

/** Liveness is for everyone, even for a foreign page. */
const OPEN: Case[] = [KEYED, EMPTY, HOLDING].flatMap((config) =>
  [
    ["GET", "/health"],
    ["HEAD", "/health"],
    ["GET", "/api/hello"],
    ["HEAD", "/api/hello"],
    ["HEAD", "/"],
  ].map(([method = "", path = ""]): Case => ({
    about: `${method} ${path} from afar, through a proxy`,
    config,
    peer: FAR,
    host: "evil.com",
    method,
    path,
    headers: { "x-forwarded-for": FAR, origin: "https://evil.com", "sec-fetch-site": "cross-site" },
    allow: null,
  }))
);

const CLOSED: Case[] = [
  ["GET", "/health/"],
  ["GET", "/healthy"],
  ["GET", "/stats"],
  ["HEAD", "/v1/models"],
  ["POST", "/health"],
  ["DELETE", "/api/hello"],
].map(([method = "", path = ""]) => ({
  about: `${method} ${path} from afar`,
  config: HOLDING,
  peer: FAR,
  method,
  path,
  refuse: NOT_LOCAL,
}));

function refusedKeys(keys: string[]): Case[] {
  return keys.flatMap((key) => [
    { about: `x-api-key ${key}`, config: KEYED, headers: { "x-api-key": key }, refuse: NO_KEY },
    {
      about: `Bearer ${key}`,
      config: KEYED,
      headers: { authorization: `Bearer ${key}` },
      refuse: NO_KEY,
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
  const visit = {
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
    const access = authorize(visit, config);
    return `allow ${access.upstreamKey} cors ${findAllowedOrigin(headers, config)}`;
  } catch (error) {
    if (error instanceof ApiError) return `${error.status} ${error.type}`;
    throw error;
  }
}

const TABLE: [string, Case[]][] = [
  ["under rule 1 (PROXY_API_KEYS)", RULE_1],
  ["under rule 2 (no key held)", RULE_2],
  ["under rule 3 (this machine only)", RULE_3],
  ["in all modes", ALL_MODES],
  ["of open paths", OPEN],
  ["of other paths", CLOSED],
];

for (const [where, cases] of TABLE) {
  for (const row of cases) {
    const verb = row.refuse === undefined ? "allows" : "refuses";
    Deno.test(`decideAccess ${verb} ${where}: ${row.about}`, () => {
      const expected = row.refuse ?? `allow ${row.allow} cors ${row.cors ?? null}`;
      assertEquals(decide(row), expected);
    });
  }
}

Deno.test("decideAccess says what to set when it refuses", () => {
  const visit = {
    method: "POST",
    path: "/v1/messages",
    headers: new Headers({ "content-type": "application/json" }),
    host: "localhost",
    peer: toPeer(FAR),
  };
  const config: AuthConfig = {
    ...HOLDING,
    allowedOrigins: [],
    onDenoDeploy: false,
    dialect: "openrouter",
  };
  const local = assertThrows(() => authorize(visit, config), ApiError);
  assertStringIncludes(local.message, "set PROXY_API_KEYS");
  const keyed = assertThrows(
    () => authorize(visit, { ...config, proxyApiKeys: [KEY] }),
    ApiError,
  );
  assertStringIncludes(keyed.message, "this proxy wants one of its own keys (PROXY_API_KEYS)");
  // Measured on Claude Code 2.1.330: at these words it shows "Please run /login" instead of the message.
  assertEquals(/x-api-key/i.test(keyed.message), false);
  assertEquals(keyed.message.includes(KEY), false);
  visit.headers.set("origin", "https://evil.com");
  const page = assertThrows(() => authorize(visit, config), ApiError);
  assertStringIncludes(
    page.message,
    "This origin may not use the proxy; list it in ALLOWED_ORIGINS",
  );
  visit.headers.delete("origin");
  visit.headers.set("sec-fetch-site", "cross-site");
  const silent = assertThrows(() => authorize(visit, config), ApiError);
  assertStringIncludes(
    silent.message,
    "Cross-site requests are refused; list the origin in ALLOWED",
  );
  const preflight = { ...visit, headers: new Headers() };
  const own = assertThrows(() => authorizePreflight(preflight, config), ApiError);
  assertEquals(own.message, "Preflights are answered only for ALLOWED_ORIGINS");
  const type = assertThrows(() => authorize(preflight, config), ApiError);
  assertEquals([type.message, type.status], ["Content-Type must be application/json", 415]);
});

Deno.test("readClientKeys reads both headers and leaves blank ones out", () => {
  const read = (headers: Record<string, string>) => readClientKeys(new Headers(headers));
  assertEquals(read({}), []);
  assertEquals(read({ "x-api-key": "", authorization: "Bearer " }), []);
  assertEquals(read({ "x-api-key": " a ", authorization: "bearer  b " }), ["a", "b"]);
  assertEquals(read({ authorization: "Basic b" }), []);
});

Deno.test("the handler refuses preflights unless ALLOWED_ORIGINS lists the origin", async () => {
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
  const listed = createProxy({ env: { ALLOWED_ORIGINS: PAGE } }).handler;
  for (
    const [handler, origin] of [[closed, PAGE], [listed, "https://evil.com"], [
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

Deno.test("the handler answers the preflight of a listed origin, without a key and from anywhere", async () => {
  const { handler } = createProxy({ env: { ALLOWED_ORIGINS: `https://a.example,${PAGE}/` } });
  const request = get("/v1/messages", {
    method: "OPTIONS",
    headers: {
      origin: PAGE,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-api-key,anthropic-version",
      "sec-fetch-site": "cross-site",
    },
  });
  const response = await call(handler, request, toPeer(FAR));
  assertEquals(response.status, 204);
  assertEquals(await response.text(), "");
  assertEquals(response.headers.get("access-control-allow-origin"), PAGE);
  assertEquals(
    response.headers.get("access-control-allow-headers"),
    "content-type,x-api-key,anthropic-version",
  );
  assertStringIncludes(response.headers.get("access-control-allow-methods") ?? "", "POST");
  assertStringIncludes(response.headers.get("vary") ?? "", "Origin");
});

Deno.test("the handler lets a listed origin read answers and errors, and no other", async () => {
  const { handler } = createProxy({ env: { ALLOWED_ORIGINS: PAGE } });
  const headers = { origin: PAGE, "content-type": "application/json" };
  const count = new Request("http://localhost:8000/v1/messages/count_tokens", {
    method: "POST",
    headers,
    body: JSON.stringify(ask()),
  });
  const text = { ...headers, "content-type": "text/plain" };
  const requests: [request: Request, status: number, peer?: Peer][] = [
    [count, 200],
    [get("/v1/nothing", { headers }), 404],
    [post("{", headers), 400],
    [post("{", text), 415],
    [post(ask(), headers), 403, toPeer(FAR)],
  ];
  for (const [request, status, peer] of requests) {
    const response = await call(handler, request, peer);
    await response.body?.cancel();
    assertEquals(response.status, status);
    assertEquals(response.headers.get("access-control-allow-origin"), PAGE);
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

Deno.test("the handler lets a listed origin read that its key is wrong", async () => {
  const env = { ALLOWED_ORIGINS: PAGE, PROXY_API_KEYS: KEY };
  const response = await call(createProxy({ env }).handler, post(ask(), { origin: PAGE }));
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("access-control-allow-origin"), PAGE);
  await response.body?.cancel();
});

Deno.test("a click on a link of another site gets the page, and nothing else of that site does", async () => {
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
  const stranger = await call(handler, get("/", { headers: link }), toPeer(FAR));
  assertEquals(stranger.status, 403);
  await stranger.body?.cancel();
});

function corsHeaders(response: Response): string[] {
  return [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
}
