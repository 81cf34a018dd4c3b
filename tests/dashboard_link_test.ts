/**
 * The one-time link to the dashboard: what it and its cookie give access to, by path, method, origin, host and peer.
 * @module
 */

import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { Peer } from "../lib/auth.ts";
import { DashboardLink } from "../lib/dashboard_link.ts";
import { createHandler, type Handler } from "../lib/server.ts";
import { call, createTestServices, get, LOCAL, post, requestBody } from "./helpers/proxy.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const SESSION = "fedcba9876543210fedcba9876543210";
const KEY = "key-of-this-run-0123456789";
const LINK = `/?link=${TOKEN}`;
const COOKIE = { cookie: `other=1; claudeproxy-17891=${SESSION}` };
const REMOTE: Peer = { transport: "tcp", address: "203.0.113.7" };
const BROWSER = { accept: "text/html", "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };

function createHandlerWithLink(): { handler: Handler; lines: string[] } {
  const services = createTestServices({ env: { PROXY_API_KEYS: KEY, PORT: "17891" } });
  const dashboardLink = new DashboardLink({ token: TOKEN, session: SESSION });
  return { handler: createHandler({ ...services, dashboardLink }), lines: services.lines };
}

async function readMessage(response: Response): Promise<string> {
  return (await response.json()).error.message;
}

Deno.test("the link opens the dashboard once and sets a cookie with which the page reads the data", async () => {
  const { handler, lines } = createHandlerWithLink();
  const opened = await call(handler, get(LINK, { headers: BROWSER }));
  assertEquals([opened.status, opened.headers.get("content-type")], [
    200,
    "text/html; charset=utf-8",
  ]);
  const cookie = opened.headers.get("set-cookie") ?? "";
  assertEquals(cookie, `claudeproxy-17891=${SESSION}; Path=/; HttpOnly; SameSite=Strict`);
  await opened.body?.cancel();
  const headers = { cookie: cookie.split(";")[0] ?? "", "sec-fetch-site": "same-origin" };
  const stats = await call(handler, get("/stats?after=0", { headers }));
  assertEquals(stats.status, 200);
  assert("totals" in await stats.json());
  const again = await call(handler, get(LINK, { headers: BROWSER }));
  assertEquals([again.status, again.headers.get("www-authenticate")], [401, null]);
  assertEquals(again.headers.get("set-cookie"), null);
  assertMatch(await again.text(), /The link to the dashboard was used before, or is from/);
  assertFalse(lines.join().includes(TOKEN) || lines.join().includes(SESSION), lines.join());
});

Deno.test("a browser with the cookie can reload the link", async () => {
  const { handler } = createHandlerWithLink();
  await (await call(handler, get(LINK))).body?.cancel();
  const reloaded = await call(handler, get(LINK, { headers: { ...BROWSER, ...COOKIE } }));
  assertEquals([reloaded.status, reloaded.headers.get("set-cookie")], [200, null]);
  await reloaded.body?.cancel();
});

Deno.test("of two simultaneous requests with the link one is accepted", async () => {
  const { handler } = createHandlerWithLink();
  const responses = await Promise.all([call(handler, get(LINK)), call(handler, get(LINK))]);
  assertEquals(responses.map(({ status }) => status).sort(), [200, 401]);
  for (const { body } of responses) await body?.cancel();
});

interface Refused {
  about: string;
  request: Request;
  peer?: Peer;
  status?: number;
}

const withHeaders = (path: string, headers: Record<string, string>) => get(path, { headers });

const REFUSED: Refused[] = [
  { about: "another token", request: get(`/?link=${TOKEN.replace("0", "1")}`) },
  { about: "a token of another length", request: get(`/?link=${TOKEN}0`) },
  { about: "an empty token", request: get("/?link=") },
  { about: "the session as the token", request: get(`/?link=${SESSION}`) },
  { about: "the token as the cookie", request: withHeaders("/", { cookie: `a=${TOKEN}` }) },
  { about: "the session with more text", request: withHeaders("/", { cookie: `a=${SESSION}=` }) },
  { about: "the token for another path", request: get(`/stats?link=${TOKEN}`) },
  { about: "the token from a remote client", request: get(LINK), peer: REMOTE },
  { about: "the cookie from a remote client", request: withHeaders("/", COOKIE), peer: REMOTE },
  {
    about: "the token under a name that is not local",
    request: withHeaders(LINK, { host: "rebound.example" }),
  },
  {
    about: "the cookie under a name that is not local",
    request: withHeaders("/stats", { ...COOKIE, host: "rebound.example" }),
  },
  {
    about: "the cookie through a proxy",
    request: withHeaders("/stats", { ...COOKIE, "x-forwarded-for": "203.0.113.7" }),
  },
  {
    about: "the cookie from another origin",
    request: withHeaders("/stats", { ...COOKIE, origin: "http://127.0.0.1:3000" }),
    status: 403,
  },
  {
    about: "the cookie from another site",
    request: withHeaders("/stats", { ...COOKIE, "sec-fetch-site": "cross-site" }),
    status: 403,
  },
  {
    about: "the cookie from another port",
    request: withHeaders("/stats", { ...COOKIE, "sec-fetch-site": "same-site" }),
  },
  { about: "the cookie for messages", request: post(requestBody(), COOKIE) },
  {
    about: "the cookie for a token count",
    request: get("/v1/messages/count_tokens", {
      method: "POST",
      headers: { ...COOKIE, "content-type": "application/json" },
      body: JSON.stringify(requestBody()),
    }),
  },
  { about: "the cookie for the model list", request: withHeaders("/v1/models", COOKIE) },
  { about: "the cookie for one model", request: withHeaders("/v1/models/x", COOKIE) },
  {
    about: "the cookie for another method",
    request: get("/stats", { method: "DELETE", headers: COOKIE }),
  },
];

for (const { about, request, peer = LOCAL, status = 401 } of REFUSED) {
  Deno.test(`with a link to the dashboard, ${about} is refused`, async () => {
    const { handler } = createHandlerWithLink();
    const response = await call(handler, request, peer);
    assertEquals([response.status, response.headers.get("set-cookie")], [status, null]);
    const text = await response.text();
    assertFalse(text.includes(TOKEN) || text.includes(SESSION), text);
    // A refused request does not use the link up.
    const opened = await call(handler, get(LINK));
    assertEquals(opened.status, 200);
    await opened.body?.cancel();
  });
}

Deno.test("HEAD of the link does not use it up", async () => {
  const { handler } = createHandlerWithLink();
  assertEquals((await call(handler, get(LINK, { method: "HEAD" }))).status, 200);
  const opened = await call(handler, get(LINK));
  assertEquals(opened.status, 200);
  await opened.body?.cancel();
});

Deno.test("without a link the same URL and cookie are refused", async () => {
  const handler = createHandler(createTestServices({ env: { PROXY_API_KEYS: KEY } }));
  for (const request of [get(LINK), withHeaders("/stats", COOKIE)]) {
    const response = await call(handler, request);
    assertEquals(response.status, 401);
    assertStringIncludes(await readMessage(response), "Invalid API key");
  }
});

Deno.test("a key of PROXY_API_KEYS opens the dashboard whatever its link", async () => {
  const { handler } = createHandlerWithLink();
  const headers = { authorization: `Basic ${btoa(`x:${KEY}`)}` };
  for (const path of ["/?link=used", "/", "/stats"]) {
    const response = await call(handler, withHeaders(path, headers));
    assertEquals([response.status, response.headers.get("set-cookie")], [200, null], path);
    await response.body?.cancel();
  }
});

Deno.test("the link has the address of the proxy", () => {
  const link = new DashboardLink({ token: TOKEN, session: SESSION });
  assertEquals(link.toUrl("http://127.0.0.1:17891"), `http://127.0.0.1:17891/?link=${TOKEN}`);
});
