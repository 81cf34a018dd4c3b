/** What the dashboard reads and switches, through the handler: pages of requests, set-up, capture, error pages. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Peer } from "../../lib/auth.ts";
import { ERROR_POLICY } from "../../lib/dashboard/generated.ts";
import type { Handler } from "../../lib/server.ts";
import { completion } from "../helpers/chunks.ts";
import { countRequest, createRecord, createTimeline } from "../helpers/metrics.ts";
import {
  call,
  createProxy,
  createTestServices,
  get,
  ORIGIN,
  requestBody,
  send,
  SERVER_KEY,
} from "../helpers/proxy.ts";
import { NOWHERE } from "../helpers/unused_port.ts";
import { startUpstream } from "../helpers/upstream.ts";

const REMOTE: Peer = { transport: "tcp", address: "203.0.113.7" };
const JSON_TYPE = { "content-type": "application/json" };
const KEYS = { PROXY_API_KEYS: "team-key-1" };

async function readJson(handler: Handler, path: string, headers = {}) {
  const response = await call(handler, get(path, { headers }));
  assertEquals(response.headers.get("cache-control"), "no-store");
  return { status: response.status, body: await response.json() };
}

function switchCapture(
  handler: Handler,
  { body = '{"on":true}', headers = JSON_TYPE, peer }: {
    body?: string;
    headers?: Record<string, string>;
    peer?: Peer;
  } = {},
): Promise<Response> {
  const request = new Request(`${ORIGIN}/stats/capture`, { method: "POST", headers, body });
  return call(handler, request, peer);
}

Deno.test("GET /stats lists the newest 200 requests, ?limit= other numbers, and ?before= older ones alone", async () => {
  const { handler, services } = createProxy();
  for (let i = 0; i < 250; i++) countRequest(services.metrics, createTimeline(createRecord()));
  const list = async (query: string) => {
    const { body } = await readJson(handler, `/stats${query}`);
    const { requests } = body as { requests: { number: number }[] };
    return [requests.length, requests[0]?.number, requests.at(-1)?.number];
  };
  assertEquals(await list(""), [200, 51, 250]);
  assertEquals(await list("?limit=3"), [3, 248, 250]);
  assertEquals(await list("?after=249"), [1, 250, 250]);
  assertEquals(await list("?before=51&limit=20"), [20, 31, 50]);
  const { body } = await readJson(handler, "/stats?before=2");
  assertEquals(Object.keys(body), ["requests"]);
});

for (const query of ["limit=0", "limit=1001", "limit=x", "before=-1", "before=", "after=1.5"]) {
  Deno.test(`GET /stats rejects ?${query}`, async () => {
    const response = await call(createProxy().handler, get(`/stats?${query}`));
    assertEquals(response.status, 400);
    assertMatch((await response.json()).error.message, /^\w+: Input should be a whole number from/);
  });
}

Deno.test("GET /stats?setup=1 describes the proxy without its key, and does not wait for the credit", async () => {
  const { handler, services } = createProxy({ env: { TARGET_MODEL_OPUS: "a/x,b/y" } });
  const pending = Promise.withResolvers<unknown>();
  services.client.fetchKey = () => pending.promise;
  const { body } = await readJson(handler, "/stats?setup=1");
  assertEquals([body.baseUrl, body.dialect], [NOWHERE, "openrouter"]);
  assertEquals([body.access, body.credit], ["local", null]);
  assertEquals(body.targets.opus, ["a/x", "b/y"]);
  assertEquals(JSON.stringify(body).includes(SERVER_KEY), false);
  pending.resolve({ data: { label: "sk-or", limit: 50, limit_remaining: 12.5, usage: 37.5 } });
  await pending.promise;
  const { body: later } = await readJson(handler, "/stats?setup=1");
  assertEquals(later.credit, { remainingUsd: 12.5, limitUsd: 50, usedUsd: 37.5 });
});

for (
  const [env, access] of [
    [{}, "local"],
    [{ OPENROUTER_API_KEY: undefined }, "client_keys"],
    [{ OPENROUTER_API_KEY: undefined, UPSTREAM_DIALECT: "openai" }, "local"],
    [KEYS, "proxy_keys"],
  ] as const
) {
  Deno.test(`GET /stats?setup=1 names the access ${access} with ${JSON.stringify(env)}`, async () => {
    const { handler } = createProxy({ env });
    const { body } = await readJson(handler, "/stats?setup=1", { "x-api-key": "team-key-1" });
    assertEquals(body.access, access);
  });
}

Deno.test("POST /stats/capture switches capturing on, and off again, which drops bodies and previews", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler, services } = createProxy({ upstream });
  const ask = async (content: string) => {
    const response = await send(handler, requestBody({ messages: [{ role: "user", content }] }));
    await response.text();
    const { body } = await readJson(handler, "/stats");
    return { last: body.requests.at(-1), isCapturing: body.capturesBodies };
  };
  const before = await ask("Before");
  assertEquals([before.isCapturing, "preview" in before.last], [false, false]);
  const on = await switchCapture(handler);
  assertEquals([on.status, await on.json()], [200, { on: true }]);
  const { last, isCapturing } = await ask(`The   key\nis ${SERVER_KEY}`);
  assertEquals([isCapturing, last.preview], [true, "The key is [redacted]"]);
  const path = `/stats?request=${last.requestId}`;
  assertMatch((await readJson(handler, path)).body.request, /The {3}key/);
  await (await switchCapture(handler, { body: '{"on":false}' })).text();
  assertEquals((await call(handler, get(path))).status, 404);
  const after = await ask("After");
  assertEquals([after.isCapturing, "preview" in after.last], [false, false]);
  const { body } = await readJson(handler, "/stats");
  assertEquals(JSON.stringify(body).includes("redacted"), false);
  assert(services.lines.some((line) => line.includes("switched the capture of bodies on")));
});

for (
  const body of ["{}", "[]", "null", '{"on":1}', "{", '{"on":"true"}', '{"on":true}'.padEnd(2000)]
) {
  Deno.test(`POST /stats/capture rejects the body ${body.slice(0, 20).trim()} of ${body.length} characters`, async () => {
    const { handler, services } = createProxy();
    const response = await switchCapture(handler, { body });
    await response.text();
    assertEquals(response.status, body.length > 1024 ? 413 : 400);
    assertEquals(services.metrics.capturesBodies, false);
  });
}

const FORGERIES: [about: string, headers: Record<string, string>, status: number][] = [
  ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ["plain text, which needs no preflight", { "content-type": "text/plain" }, 415],
  ["another origin", { ...JSON_TYPE, origin: "https://evil.example" }, 403],
  ["another port of this computer", { ...JSON_TYPE, origin: "http://localhost:3000" }, 403],
  ["another site", { ...JSON_TYPE, "sec-fetch-site": "cross-site" }, 403],
  ["a name that resolves to this computer", { ...JSON_TYPE, host: "rebound.example" }, 403],
];

for (const [about, headers, status] of FORGERIES) {
  Deno.test(`POST /stats/capture rejects ${about}`, async () => {
    const { handler, services } = createProxy();
    const response = await switchCapture(handler, { headers });
    await response.text();
    assertEquals([response.status, services.metrics.capturesBodies], [status, false]);
  });
}

Deno.test("POST /stats/capture accepts the page itself, and with PROXY_API_KEYS only its password or key", async () => {
  const own = await switchCapture(createProxy().handler, {
    headers: { ...JSON_TYPE, origin: ORIGIN, "sec-fetch-site": "same-origin" },
  });
  assertEquals([own.status, await own.json()], [200, { on: true }]);
  const { handler } = createProxy({ env: KEYS });
  const statuses: number[] = [];
  for (
    const headers of [
      {},
      { authorization: `Basic ${btoa("me:wrong")}` },
      { authorization: `Basic ${btoa("me:team-key-1")}` },
      { "x-api-key": "team-key-1" },
    ]
  ) {
    const response = await switchCapture(handler, { headers: { ...JSON_TYPE, ...headers } });
    await response.text();
    statuses.push(response.status);
  }
  assertEquals(statuses, [401, 401, 200, 200]);
});

Deno.test("POST /stats/capture rejects remote clients without PROXY_API_KEYS", async () => {
  for (const env of [{}, { OPENROUTER_API_KEY: undefined }]) {
    const { handler, services } = createProxy({ env });
    const response = await switchCapture(handler, { peer: REMOTE });
    await response.text();
    assertEquals([response.status, services.metrics.capturesBodies], [403, false]);
  }
});

// --- the page for a browser that may not open the dashboard ---

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

for (
  const [status, env, message, fix] of [
    [401, KEYS, "Invalid API key", "PROXY_API_KEYS as the password"],
    [403, {}, "Only local clients are allowed", "set PROXY_API_KEYS"],
  ] as const
) {
  Deno.test(`a ${status} for the dashboard is a page with the fix in a browser, and JSON for other clients`, async () => {
    const { handler } = createProxy({ env });
    const open = (accept: string) => call(handler, get("/", { headers: { accept } }), REMOTE);
    const page = await open(BROWSER);
    assertEquals([page.status, page.headers.get("content-type")], [
      status,
      "text/html; charset=utf-8",
    ]);
    assertEquals(page.headers.get("content-security-policy"), ERROR_POLICY);
    assertEquals(page.headers.get("www-authenticate") !== null, status === 401);
    const text = await page.text();
    assert(text.includes(message) && text.includes(fix), text);
    assertEquals(text.includes("<script") || text.includes("<!-- "), false);
    const other = await open("application/json");
    assertEquals([other.status, (await other.json()).type], [status, "error"]);
    const data = await call(handler, get("/stats", { headers: { accept: BROWSER } }), REMOTE);
    assertEquals([data.status, (await data.json()).type], [status, "error"]);
  });
}

Deno.test("a request in flight reports how long upstream has been silent", () => {
  const services = createTestServices();
  const timeline = createTimeline(createRecord());
  services.metrics.start(timeline);
  assertEquals(services.metrics.read(0).inFlight[0]?.idleMs, undefined);
  timeline.idleTimer = { upstreamIdleMs: 1234.5 };
  assertEquals(services.metrics.read(0).inFlight[0]?.idleMs, 1235);
});
