/**
 * lib/handler.ts, the proxy embedded in another server: settings are options, and environment variables are not read.
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import about from "../../deno.json" with { type: "json" };
import { createHandler, type HandlerOptions } from "../../lib/handler.ts";
import { VARIABLES } from "../../lib/config.ts";
import { get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";
import { completion } from "../helpers/chunks.ts";

const LOCAL = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 } };

/** An embedded proxy with a fake fetch, and the requests of that fetch. */
function embed(
  settings: HandlerOptions["settings"] = {},
  more: Omit<HandlerOptions, "fetch"> = {},
) {
  const requests: { url: string; key: string | null }[] = [];
  const proxy = createHandler({
    settings: { OPENROUTER_API_KEY: SERVER_KEY, ...settings },
    ...more,
    fetch: (url, init) => {
      requests.push({ url: `${url}`, key: new Headers(init?.headers).get("authorization") });
      const isList = `${url}`.endsWith("/models");
      return Promise.resolve(Response.json(isList ? { data: [] } : completion("Embedded")));
    },
  });
  return { proxy, requests };
}

Deno.test("an embedded proxy does not read environment variables", async () => {
  Deno.env.set("OPENROUTER_BASE_URL", "http://127.0.0.1:9/from-the-environment");
  try {
    const { proxy, requests } = embed();
    const response = await proxy(post(requestBody()), LOCAL);
    assertEquals((await response.json()).content, [{ type: "text", text: "Embedded" }]);
    assertEquals(requests.filter(({ url }) => url.endsWith("/completions")), [{
      url: "https://openrouter.ai/api/v1/chat/completions",
      key: `Bearer ${SERVER_KEY}`,
    }]);
  } finally {
    Deno.env.delete("OPENROUTER_BASE_URL");
  }
});

Deno.test("a client without a known address is remote", async () => {
  const { proxy, requests } = embed();
  for (
    const info of [undefined, { remoteAddr: { transport: "vsock" } }, {
      remoteAddr: { transport: "tcp" },
    }]
  ) {
    const response = await proxy(post(requestBody()), info);
    assertEquals(response.status, 403);
    assertStringIncludes((await response.json()).error.message, "Set PROXY_API_KEYS");
  }
  assertEquals(requests.filter(({ key }) => key !== null), []);
});

Deno.test("a client on a Unix socket is local", async () => {
  const { proxy } = embed();
  const response = await proxy(post(requestBody()), { remoteAddr: { transport: "unix" } });
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("a remote client with a key of PROXY_API_KEYS is accepted", async () => {
  const { proxy } = embed({ PROXY_API_KEYS: "one,two" });
  const response = await proxy(post(requestBody(), { "x-api-key": "two" }));
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("no client is local on Deno Deploy", async () => {
  const { proxy } = embed({ DENO_DEPLOY: "true" });
  const response = await proxy(post(requestBody()), LOCAL);
  assertEquals(response.status, 403);
  await response.body?.cancel();
});

Deno.test("an unknown setting is an error that lists the known ones", () => {
  const error = assertThrows(() => createHandler({ settings: { OPENROUTER_KEY: "x" } }), TypeError);
  assertMatch(error.message, /^Unknown setting OPENROUTER_KEY: allowed are OPENROUTER_API_KEY, /);
});

for (const { name } of VARIABLES) {
  const isServers = ["HOST", "PORT", "DRAIN_S", "HISTORY", "HISTORY_DAYS"].includes(name);
  Deno.test(`${name} is ${isServers ? "not a setting" : "a setting"} of an embedded proxy`, () => {
    if (isServers) assertThrows(() => createHandler({ settings: { [name]: "" } }), TypeError, name);
    else createHandler({ settings: { [name]: undefined } });
  });
}

Deno.test("an invalid value is an error of createHandler", () => {
  const error = assertThrows(
    () => createHandler({ settings: { TIMEOUT_S: "soon" } }),
    Error,
  );
  assertStringIncludes(error.message, 'TIMEOUT_S="soon" cannot be used');
});

Deno.test("the log is written with writeLog, without keys", async () => {
  const lines: string[] = [];
  const { proxy } = embed({ PROXY_API_KEYS: "secret-of-mine" }, {
    writeLog: (line) => lines.push(line),
  });
  const response = await proxy(
    post(requestBody({ model: "secret-of-mine" }), { "x-api-key": "secret-of-mine" }),
  );
  await response.text();
  await Promise.resolve();
  assertEquals(lines.length, 1);
  const record = JSON.parse(lines[0] ?? "");
  assertEquals([record.status, record.path, record.outcome], [200, "/v1/messages", "complete"]);
  assertEquals(lines[0]?.includes("secret-of-mine"), false);
});

const failing: [about: string, writeLog: NonNullable<HandlerOptions["writeLog"]>][] = [
  ["throws", () => {
    throw new Error("The disk is full");
  }],
  // TypeScript accepts a function that returns a promise as one that returns void.
  ["fails later", () => Promise.reject(new Error("The disk is full"))],
];

for (const [about, writeLog] of failing) {
  Deno.test(`a writeLog that ${about} fails no request and does not reduce MAX_INFLIGHT`, async () => {
    const { proxy } = embed({ MAX_INFLIGHT: "2", LOG_LEVEL: "debug" }, { writeLog });
    for (let i = 0; i < 3; i++) {
      const response = await proxy(post(requestBody()), LOCAL);
      assertEquals(response.status, 200);
      await response.text();
      const rejected = await proxy(post(requestBody()));
      assertEquals(rejected.status, 403);
      await rejected.text();
    }
  });
}

Deno.test("GET / names the package and its version", async () => {
  const { proxy } = embed();
  const response = await proxy(get("/"), LOCAL);
  assertStringIncludes(await response.text(), about.version);
});

Deno.test("an embedded proxy in Deno.serve streams from upstream", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Over sockets")));
  const proxy = createHandler({
    settings: { OPENROUTER_API_KEY: SERVER_KEY, OPENROUTER_BASE_URL: upstream.baseUrl },
  });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, proxy);
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(requestBody({ stream: true })),
  });
  assertStringIncludes(await response.text(), "Over sockets");
});
