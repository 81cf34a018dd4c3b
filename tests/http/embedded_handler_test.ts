/**
 * lib/handler.ts, the proxy embedded in another server: settings are options, and environment variables are not read.
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import about from "../../deno.json" with { type: "json" };
import {
  createHandler,
  type HandlerOptions,
  type RequestSummary,
  type Settings,
} from "../../lib/handler.ts";
import { type DEPLOY_VARIABLE, type VariableName, VARIABLES } from "../../lib/config.ts";
import { get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import { createOpenStream, eventStream, startUpstream } from "../helpers/upstream.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";

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
  const settings: Record<string, string> = { OPENROUTER_KEY: "x" };
  const error = assertThrows(() => createHandler({ settings }), TypeError);
  assertMatch(error.message, /^Unknown setting OPENROUTER_KEY: allowed are OPENROUTER_API_KEY, /);
});

for (const { name } of VARIABLES) {
  const isServers = ["HOST", "PORT", "DRAIN_S", "HISTORY", "HISTORY_DAYS"].includes(name);
  Deno.test(`${name} is ${isServers ? "not a setting" : "a setting"} of an embedded proxy`, () => {
    if (isServers) assertThrows(() => createHandler({ settings: { [name]: "" } }), TypeError, name);
    else createHandler({ settings: { [name]: undefined } });
  });
}

for (
  const [alias, model] of [
    ["TARGET_MODEL_SONNET", "claude-sonnet-4-5"],
    ["TARGET_MODEL_HAIKU", "claude-haiku-4-5"],
  ] as const
) {
  Deno.test(`${alias} sets the model of an embedded proxy`, async () => {
    await using upstream = startUpstream(() => Response.json(completion("Hello")));
    const { proxy } = embedBefore(upstream, { [alias]: "vendor/own" });
    await (await proxy(post(requestBody({ model })), LOCAL)).text();
    const body = upstream.requests.find(({ body }) => body["messages"] !== undefined)?.body;
    assertEquals(body?.["model"], "vendor/own");
  });
}

Deno.test("a variable and its alias with different values are an error of createHandler", () => {
  const settings = { TARGET_MODEL_BIG: "a/b", TARGET_MODEL_SONNET: "c/d" };
  const error = assertThrows(() => createHandler({ settings }), Error);
  assertStringIncludes(error.message, "are two names of one setting");
});

type ServerOnly = "HOST" | "PORT" | "DRAIN_S" | "HISTORY" | "HISTORY_DAYS";
type Alias = "TARGET_MODEL_SONNET" | "TARGET_MODEL_HAIKU";
type Expected = Exclude<VariableName, ServerOnly> | Alias | typeof DEPLOY_VARIABLE;
/** Does not type-check if a variable has no property in Settings, or a property no variable. */
const _SAME: [Exclude<Expected, keyof Settings>, Exclude<keyof Settings, Expected>] extends
  [never, never] ? true : false = true;

Deno.test("settings may be numbers, and the text of any variable is a setting", async () => {
  const rows: Readonly<Record<string, string | undefined>> = { LOG_LEVEL: "warn" };
  const { proxy } = embed({ ...rows, MAX_BODY_MB: 0.001, PROXY_API_KEYS: "one" });
  const response = await proxy(post(requestBody({ system: "x".repeat(2000) }), {
    "x-api-key": "one",
  }));
  assertEquals(response.status, 413);
  await response.body?.cancel();
  const error = assertThrows(() => embed({ TIMEOUT_S: -1 }), Error);
  assertStringIncludes(error.message, 'TIMEOUT_S="-1" cannot be used: allowed is a number above 0');
});

Deno.test("a setting that is neither text nor a number is an error without its value", () => {
  const settings = JSON.parse('{"OPENROUTER_API_KEY":["sk-or-v1-secret"]}');
  const error = assertThrows(() => createHandler({ settings }), TypeError);
  assertEquals(error.message, "OPENROUTER_API_KEY cannot be used: allowed are text and numbers");
});

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

/** A proxy in front of an upstream, and the summaries of its requests. */
function embedBefore(upstream: { baseUrl: string }, settings: Settings = {}) {
  const summaries: RequestSummary[] = [];
  const finished = Promise.withResolvers<RequestSummary>();
  const proxy = createHandler({
    settings: {
      OPENROUTER_API_KEY: SERVER_KEY,
      OPENROUTER_BASE_URL: upstream.baseUrl,
      ...settings,
    },
    onFinish: (summary) => {
      summaries.push(summary);
      finished.resolve(summary);
    },
  });
  return { proxy, summaries, finished: finished.promise };
}

for (const stream of [false, true]) {
  Deno.test(`onFinish receives the summary of a ${stream ? "stream" : "message"}`, async () => {
    await using upstream = startUpstream(() =>
      stream ? eventStream(sseAnswer("Hello")) : Response.json({
        ...completion("Hello"),
        model: "openai/gpt-5",
        provider: "Azure",
        usage: {
          prompt_tokens: 10,
          completion_tokens: 2,
          cost: 0.5,
          prompt_tokens_details: { cached_tokens: 4 },
        },
      })
    );
    const { proxy, summaries, finished } = embedBefore(upstream);
    const body = requestBody({ stream, top_k: 5, container: "unknown" });
    const response = await proxy(post(body), LOCAL);
    const requestId = response.headers.get("request-id");
    await response.text();
    const { durationMs, firstEventMs = NaN, ...summary } = await finished;
    assertEquals([durationMs >= firstEventMs, firstEventMs >= 0], [true, true]);
    assertEquals(summaries.length, 1);
    assertEquals([summary.requestId, summary.status, summary.outcome], [
      requestId,
      200,
      "complete",
    ]);
    assertEquals(summary.model, body["model"]);
    assertEquals(summary.dropped, ["container"]);
    if (stream) return;
    assertEquals([summary.upstreamModel, summary.provider], ["openai/gpt-5", "Azure"]);
    assertEquals(summary.costUsd, 0.5);
    assertEquals(summary.usage, {
      inputTokens: 6,
      outputTokens: 2,
      cacheReadTokens: 4,
      cacheWriteTokens: 0,
    });
    assertEquals([summary.error, summary.imageOf], [undefined, undefined]);
  });
}

Deno.test("onFinish receives an error, without keys", async () => {
  await using upstream = startUpstream(() =>
    Response.json({ error: { code: 429, message: `Too fast with ${SERVER_KEY}` } }, { status: 429 })
  );
  const { proxy, finished } = embedBefore(upstream);
  await (await proxy(post(requestBody()), LOCAL)).text();
  const { status, outcome, error = "", usage } = await finished;
  assertEquals([status, outcome], [429, "rate_limit_error"]);
  assertStringIncludes(error, "Too fast");
  assertEquals(error.includes(SERVER_KEY), false);
  assertEquals([usage.inputTokens, usage.outputTokens], [undefined, undefined]);
});

Deno.test("onFinish receives a request whose client disconnects", async () => {
  const source = createOpenStream(sseAnswer("Hello").slice(0, 60));
  await using upstream = startUpstream(() => source.response);
  const { proxy, finished } = embedBefore(upstream, { PING_S: 0.05 });
  const response = await proxy(post(requestBody({ stream: true })), LOCAL);
  await response.body?.cancel();
  assertEquals((await finished).outcome, "client_gone");
});

Deno.test("onFinish does not receive requests without access, and no others than messages", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hello")));
  const { proxy, summaries, finished } = embedBefore(upstream);
  const count = new Request("http://localhost/v1/messages/count_tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(requestBody()),
  });
  for (
    const response of [
      await proxy(post(requestBody())),
      await proxy(count, LOCAL),
      await proxy(get("/health"), LOCAL),
      await proxy(post(requestBody()), LOCAL),
    ]
  ) await response.text();
  await finished;
  assertEquals(summaries.map(({ status }) => status), [200]);
});

const failing: [about: string, callback: () => void][] = [
  ["throws", () => {
    throw new Error("The disk is full");
  }],
  // TypeScript accepts a function that returns a promise as one that returns void.
  ["fails later", () => Promise.reject(new Error("The disk is full"))],
];

for (const [about, callback] of failing) {
  Deno.test(`a writeLog and an onFinish that ${about} fail no request and do not reduce MAX_INFLIGHT`, async () => {
    const callbacks = { writeLog: callback, onFinish: callback };
    const { proxy } = embed({ MAX_INFLIGHT: "2", LOG_LEVEL: "debug" }, callbacks);
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
