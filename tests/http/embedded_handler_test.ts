/**
 * The proxy inside somebody else's server: settings as options, no environment, no timer, no output.
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import about from "../../deno.json" with { type: "json" };
import { createHandler, type HandlerOptions } from "../../lib/handler.ts";
import { VARIABLES } from "../../lib/variables.ts";
import { ask, get, HELD_KEY, post } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";
import { completion } from "../helpers/chunks.ts";

const LOCAL = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 } };

/** Options around a stand-in for fetch, and what it was asked. */
function embed(
  settings: HandlerOptions["settings"] = {},
  more: Omit<HandlerOptions, "fetch"> = {},
) {
  const asked: { url: string; key: string | null }[] = [];
  const proxy = createHandler({
    settings: { OPENROUTER_API_KEY: HELD_KEY, ...settings },
    ...more,
    fetch: (url, init) => {
      asked.push({ url: `${url}`, key: new Headers(init?.headers).get("authorization") });
      const isList = `${url}`.endsWith("/models");
      return Promise.resolve(Response.json(isList ? { data: [] } : completion("Embedded")));
    },
  });
  return { proxy, asked };
}

Deno.test("the environment says nothing to an embedded proxy", async () => {
  Deno.env.set("OPENROUTER_BASE_URL", "http://127.0.0.1:9/from-the-environment");
  try {
    const { proxy, asked } = embed();
    const answer = await proxy(post(ask()), LOCAL);
    assertEquals((await answer.json()).content, [{ type: "text", text: "Embedded" }]);
    assertEquals(asked.filter(({ url }) => url.endsWith("/completions")), [{
      url: "https://openrouter.ai/api/v1/chat/completions",
      key: `Bearer ${HELD_KEY}`,
    }]);
  } finally {
    Deno.env.delete("OPENROUTER_BASE_URL");
  }
});

Deno.test("without a word on who asks, the client is a stranger", async () => {
  const { proxy, asked } = embed();
  for (
    const info of [undefined, { remoteAddr: { transport: "vsock" } }, {
      remoteAddr: { transport: "tcp" },
    }]
  ) {
    const answer = await proxy(post(ask()), info);
    assertEquals(answer.status, 403);
    assertStringIncludes((await answer.json()).error.message, "set PROXY_API_KEYS");
  }
  assertEquals(asked.filter(({ key }) => key !== null), []);
});

Deno.test("a socket of this machine is this machine", async () => {
  const { proxy } = embed();
  const answer = await proxy(post(ask()), { remoteAddr: { transport: "unix" } });
  assertEquals(answer.status, 200);
  await answer.body?.cancel();
});

Deno.test("a stranger with a key of PROXY_API_KEYS is served", async () => {
  const { proxy } = embed({ PROXY_API_KEYS: "one,two" });
  const answer = await proxy(post(ask(), { "x-api-key": "two" }));
  assertEquals(answer.status, 200);
  await answer.body?.cancel();
});

Deno.test("on Deno Deploy nobody is local, embedded or not", async () => {
  const { proxy } = embed({ DENO_DEPLOY: "true" });
  const answer = await proxy(post(ask()), LOCAL);
  assertEquals(answer.status, 403);
  await answer.body?.cancel();
});

Deno.test("a setting that does not exist is named, with those that do", () => {
  const error = assertThrows(() => createHandler({ settings: { OPENROUTER_KEY: "x" } }), TypeError);
  assertMatch(error.message, /^Unknown setting OPENROUTER_KEY: allowed are OPENROUTER_API_KEY, /);
});

for (const { name } of VARIABLES) {
  const isTheirs = ["HOST", "PORT", "DRAIN_S"].includes(name);
  Deno.test(`${name} is ${isTheirs ? "the embedding server's own" : "a setting"}`, () => {
    if (isTheirs) assertThrows(() => createHandler({ settings: { [name]: "" } }), TypeError, name);
    else createHandler({ settings: { [name]: undefined } });
  });
}

Deno.test("a value that cannot be used stops the creation", () => {
  const error = assertThrows(
    () => createHandler({ settings: { TIMEOUT_S: "soon" } }),
    Error,
  );
  assertStringIncludes(error.message, 'TIMEOUT_S="soon" cannot be used');
});

Deno.test("the log goes where the program wants it, without keys, and nowhere else", async () => {
  const lines: string[] = [];
  const { proxy } = embed({ PROXY_API_KEYS: "secret-of-mine" }, {
    writeLog: (line) => lines.push(line),
  });
  const answer = await proxy(
    post(ask({ model: "secret-of-mine" }), { "x-api-key": "secret-of-mine" }),
  );
  await answer.text();
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
  // A function without a result may be one with a promise.
  ["fails later", () => Promise.reject(new Error("The disk is full"))],
];

for (const [about, writeLog] of failing) {
  Deno.test(`a log that ${about} ends no request, costs no place and ends no process`, async () => {
    const { proxy } = embed({ MAX_INFLIGHT: "2", LOG_LEVEL: "debug" }, { writeLog });
    for (let i = 0; i < 3; i++) {
      const answer = await proxy(post(ask()), LOCAL);
      assertEquals(answer.status, 200);
      await answer.text();
      const refused = await proxy(post(ask()));
      assertEquals(refused.status, 403);
      await refused.text();
    }
  });
}

Deno.test("GET / names the package and its version", async () => {
  const { proxy } = embed();
  const answer = await proxy(get("/"), LOCAL);
  assertStringIncludes(await answer.text(), about.version);
});

Deno.test("behind a server of its own it streams from a real upstream", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Over sockets")));
  const proxy = createHandler({
    settings: { OPENROUTER_API_KEY: HELD_KEY, OPENROUTER_BASE_URL: upstream.baseUrl },
  });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, proxy);
  const answer = await fetch(`http://127.0.0.1:${server.addr.port}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(ask({ stream: true })),
  });
  assertStringIncludes(await answer.text(), "Over sockets");
});
