/** The whole handler in front of a stand-in for OpenRouter: routes, heads, failures, leavings and log records. */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { StreamEvent } from "../../lib/anthropic/types.ts";
import { ApiError } from "../../lib/errors.ts";
import { createClient } from "../../lib/openrouter/client.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { createHandler, type Handler } from "../../lib/server.ts";
import { checkGrammar, collapse } from "../helpers/grammar.ts";
import {
  ask,
  awaitHead,
  call,
  createProxy,
  createTestServices,
  get,
  HELD_KEY,
  post,
  startProxy,
} from "../helpers/proxy.ts";
import { parseSse } from "../helpers/sse.ts";
import {
  completion,
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  textChunk,
} from "../helpers/chunks.ts";
import {
  errorBody,
  eventStream,
  holdBody,
  holdStream,
  refuseModel,
  type Reply,
  startRawUpstream,
  startSilentUpstream,
  startUpstream,
} from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";
const UPSTREAM_MODEL = "anthropic/claude-4-sonnet";
/** A request for a JSON response and one for a stream. */
const MODES = [
  { mode: "a plain request", request: ask() },
  { mode: "a stream request", request: ask({ stream: true }) },
];

const answerPlain: Reply = () => Response.json(completion("Hi"));
const answerStream: Reply = () => eventStream(sseAnswer("Hi"));
const answerEither: Reply = (request) =>
  request.body["stream"] ? answerStream(request) : answerPlain(request);
/** Sends no headers until the proxy disconnects. */
const answerNever: Reply = ({ left }) => left.then(() => new Response(null, { status: 500 }));

/** Status, type and message of an error response in Anthropic's format. */
async function readError(
  response: Response,
): Promise<{ status: number; type: string; message: string }> {
  const { status, headers } = response;
  const body = await response.json();
  assertEquals(body.type, "error");
  assertEquals(body.request_id, headers.get("request-id"));
  return { status, type: body.error.type, message: body.error.message };
}

async function readEvents(response: Response): Promise<StreamEvent[]> {
  return parseSse(await response.text()).map(({ data }) => JSON.parse(data));
}

/** Type and message of a stream's last event, if it is an error. */
function lastError(events: readonly StreamEvent[]): string {
  const last = events.at(-1);
  return last?.type === "error"
    ? `${last.error.type}: ${last.error.message}`
    : `no error: ${last?.type}`;
}

async function send(handler: Handler, body: unknown, headers?: Record<string, string>) {
  return await call(handler, post(body, headers));
}

// ── Routes ──────────────────────────────────────────────────────────────────────────────────────────────────

for (
  const path of [
    "/v1",
    "/v1/",
    "/v1/message",
    "/v1/messages/",
    "//v1/messages",
    "/V1/messages",
    "/v1/models/",
    "/v1/models/%zz",
    "/v1/messages/batches",
    "/constructor",
    "/__proto__",
    "/.env",
  ]
) {
  Deno.test(`${path} is a 404 in Anthropic's error format`, async () => {
    const { handler } = createProxy();
    const error = await readError(await call(handler, new Request(`http://localhost:8000${path}`)));
    assertEquals([error.status, error.type], [404, "not_found_error"]);
  });
}

const METHODS: [path: string, method: string, allow: string][] = [
  ["/", "DELETE", "GET, HEAD"],
  ["/health", "PUT", "GET, HEAD"],
  ["/api/hello", "DELETE", "GET, HEAD"],
  ["/v1/messages", "GET", "POST"],
  ["/v1/messages", "HEAD", "POST"],
  ["/v1/messages", "constructor", "POST"],
  ["/v1/messages/count_tokens", "GET", "POST"],
  ["/v1/models", "DELETE", "GET"],
  ["/v1/models/a/b", "DELETE", "GET"],
];

for (const [path, method, allow] of METHODS) {
  Deno.test(`${method} ${path} is a 405 with an allow header`, async () => {
    const { handler } = createProxy();
    const response = await call(handler, get(path, { method }));
    assertEquals(response.headers.get("allow"), allow);
    const error = await readError(response);
    assertEquals([error.status, error.type], [405, "invalid_request_error"]);
  });
}

Deno.test("/health and /api/hello respond to GET, and with / to HEAD", async () => {
  const { handler } = createProxy();
  const health = await call(handler, get("/health"));
  assertEquals([health.status, await health.text()], [200, '{"status":"ok"}']);
  const hello = await call(handler, get("/api/hello"));
  assertEquals([hello.status, await hello.json()], [200, { message: "hello" }]);
  for (const path of ["/", "/health", "/api/hello"]) {
    const head = await call(handler, get(path, { method: "HEAD" }));
    await head.body?.cancel();
    assertEquals(head.status, 200);
  }
});

Deno.test("GET / shows name, version and model mapping, but no secrets", async () => {
  const { handler } = createProxy({ env: { TARGET_MODEL_BIG: "a/x,b/y" } });
  for (const accept of ["application/json", "*/*", "application/json, text/html"]) {
    const response = await call(handler, get("/", { headers: { accept } }));
    const text = await response.text();
    const info = JSON.parse(text);
    assertEquals([info.name, info.version], ["claudeproxy", "0.0.0"]);
    assertEquals(info.models, { opus: OPUS, sonnet: "a/x,b/y", haiku: SONNET, other: SONNET });
    assertEquals(text.includes(HELD_KEY), false);
  }
});

Deno.test("POST /v1/messages/count_tokens estimates without an upstream request and needs no max_tokens", async () => {
  await using upstream = startUpstream(answerPlain);
  const { handler } = createProxy({ upstream });
  const { max_tokens: _, ...request } = ask();
  const response = await call(
    handler,
    new Request("http://localhost:8000/v1/messages/count_tokens?beta=true", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    }),
  );
  assertEquals(response.status, 200);
  const { input_tokens, ...rest } = await response.json();
  assert(Number.isInteger(input_tokens) && input_tokens > 0);
  assertEquals([rest, upstream.requests.length], [{}, 0]);
});

Deno.test("POST /v1/messages?beta=true is the same route", async () => {
  await using upstream = startUpstream(answerPlain);
  const { handler } = createProxy({ upstream });
  const request = new Request("http://localhost:8000/v1/messages?beta=true", post(ask()));
  const response = await call(handler, request);
  assertEquals([response.status, (await response.json()).content], [200, [
    { type: "text", text: "Hi" },
  ]]);
});

Deno.test("every response has its own request-id", async () => {
  await using upstream = startUpstream(answerEither);
  const { handler } = createProxy({ upstream });
  const requests = [
    get("/health"),
    get("/nothing"),
    get("/v1/messages"),
    get("/", { method: "OPTIONS" }),
    post("{"),
    post(ask(), { origin: "https://evil.com" }),
    post(ask()),
    post(ask({ stream: true })),
  ];
  const ids: (string | null)[] = [];
  for (const request of requests) {
    const response = await call(handler, request);
    ids.push(response.headers.get("request-id"));
    await response.text();
  }
  assertEquals(ids, requests.map((_, i) => `req_${i + 1}`));
});

Deno.test("a Host header that does not form a valid URL is a 400, and the server keeps serving", async () => {
  await using proxy = startProxy();
  const { port } = new URL(proxy.url);
  for (const host of ["a b", "a<b", "[::1", "a:b:c"]) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const text = `GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(text));
    const answer = await new Response(connection.readable).text();
    assertEquals(answer.split("\r\n")[0], "HTTP/1.1 400 Bad Request", host);
  }
  const response = await fetch(`${proxy.url}/health`);
  assertEquals(await response.json(), { status: "ok" });
});

// ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────────

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const withDeep = (levels: number) => JSON.stringify(ask()).replace(/}$/, `,"x":${deep(levels)}}`);

const BAD_BODIES: [about: string, body: BodyInit, message: string][] = [
  ["an empty body", "", "valid JSON"],
  ["half an object", '{"model": "x", ', "valid JSON"],
  ["a trailing comma", '{"model": "x",}', "valid JSON"],
  ["plain text", "hello", "valid JSON"],
  ["null", "null", ""],
  ["a list", "[]", ""],
  ["a string", '"x"', ""],
  ["a number", "1", ""],
  ["an empty object", "{}", "model: Field required"],
  ["invalid UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "UTF-8"],
  ["a truncated UTF-8 character", new Uint8Array([0x22, 0xe2, 0x82]), "UTF-8"],
  ["JSON nested 600 levels deep", withDeep(600), "512 levels"],
  ["JSON nested 513 levels deep", withDeep(512), "512 levels"],
  ["JSON nested 100,000 levels deep", deep(100_000), "512 levels"],
  ["objects nested 100,000 levels deep", '{"a":'.repeat(100_000), "512 levels"],
];

for (const [about, body, message] of BAD_BODIES) {
  Deno.test(`POST /v1/messages rejects ${about} with 400 and sends no upstream request`, async () => {
    await using upstream = startUpstream(answerPlain);
    const { handler } = createProxy({ upstream });
    const request = new Request("http://localhost:8000/v1/messages", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const error = await readError(await call(handler, request));
    assertEquals([error.status, error.type], [400, "invalid_request_error"]);
    assertStringIncludes(error.message, message);
    assertEquals(upstream.requests.length, 0);
  });
}

const GOOD_BODIES: [about: string, body: string][] = [
  ["JSON nested 512 levels deep", withDeep(511)],
  ["brackets inside strings", JSON.stringify(ask({ system: `${'["{\\'.repeat(10_000)}` }))],
  [
    "many bracket pairs side by side",
    JSON.stringify(ask({ x: Array.from({ length: 2000 }, () => [[]]) })),
  ],
  ["a byte order mark", `\uFEFF${JSON.stringify(ask())}`],
  ["whitespace around the JSON", ` \n${JSON.stringify(ask())}\n `],
];

for (const [about, body] of GOOD_BODIES) {
  Deno.test(`POST /v1/messages accepts ${about}`, async () => {
    await using upstream = startUpstream(answerPlain);
    const { handler } = createProxy({ upstream });
    const response = await send(handler, body);
    await response.body?.cancel();
    assertEquals([response.status, upstream.requests.length], [200, 1]);
  });
}

/** 10,485 bytes. */
const SMALL = { MAX_BODY_MB: "0.01" };

Deno.test("a body whose content-length is over the limit is a 413 before it is read", async () => {
  const { handler } = createProxy({ env: SMALL });
  const held = holdBody();
  const request = new Request("http://localhost:8000/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "10486" },
    body: held.body,
  });
  const error = await readError(await call(handler, request));
  assertEquals(error, {
    status: 413,
    type: "request_too_large",
    message: "Request exceeds the maximum size of 0.01 MiB (MAX_BODY_MB)",
  });
});

Deno.test("a body that grows over the limit is a 413 and is cancelled", async () => {
  const { handler } = createProxy({ env: SMALL });
  const held = holdBody(" ".repeat(10_000));
  const request = new Request("http://localhost:8000/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: held.body,
  });
  const answered = call(handler, request);
  held.send(" ".repeat(486));
  const error = await readError(await withTimeout(answered, "the answer"));
  assertEquals([error.status, error.type], [413, "request_too_large"]);
  await withTimeout(held.cancelled, "the body to be let go");
});

Deno.test("a body's bytes are counted when content-length is invalid or superseded by chunked encoding", async () => {
  for (
    const headers of [{ "content-length": "10, 10" }, {
      "content-length": "10",
      "transfer-encoding": "chunked",
    }]
  ) {
    const { handler } = createProxy({ env: SMALL });
    const response = await send(handler, JSON.stringify(ask()).padEnd(10_486), headers);
    const error = await readError(response);
    assertEquals([error.status, error.type], [413, "request_too_large"]);
  }
});

Deno.test("a body of exactly the size limit is accepted, with and without content-length", async () => {
  await using upstream = startUpstream(answerPlain);
  const { handler } = createProxy({ upstream, env: SMALL });
  const body = JSON.stringify(ask()).padEnd(10_485);
  for (const headers of [{}, { "content-length": "10485" }]) {
    const response = await send(handler, body, headers);
    await response.body?.cancel();
    assertEquals(response.status, 200);
  }
});

Deno.test("readJson fails with 408 after an idle timeout of the body", async () => {
  for (const first of ["", '{"model":']) {
    const held = holdBody(first);
    const request = new Request("http://localhost/", { method: "POST", body: held.body });
    const error = await assertRejects(
      () =>
        withTimeout(readJson(request, { maxBytes: 1000, idleMs: 30 }), "the body to be given up"),
      ApiError,
    );
    assertEquals([error.status, error.type], [408, "timeout_error"]);
    await withTimeout(held.cancelled, "the body to be let go");
  }
});

Deno.test("readJson fails with 400 when the client aborts the body", async () => {
  const held = holdBody('{"model":');
  const request = new Request("http://localhost/", { method: "POST", body: held.body });
  const reading = readJson(request, { maxBytes: 1000 });
  held.cut();
  const error = await assertRejects(() => reading, ApiError);
  assertEquals([error.status, error.type], [400, "invalid_request_error"]);
});

Deno.test("the text of an invalid body is not logged", async () => {
  const { services, handler } = createProxy();
  const response = await send(handler, '{"messages": my-prompt}');
  assertEquals((await readError(response)).status, 400);
  await services.recorded();
  assertEquals(services.lines.filter((line) => line.includes("prompt")), []);
});

// ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("a request without any usable key is a 401 that names OPENROUTER_API_KEY and sends no upstream request", async () => {
  await using upstream = startUpstream(answerPlain);
  const { handler } = createProxy({ upstream, env: { OPENROUTER_API_KEY: undefined } });
  for (
    const headers of [{}, { "x-api-key": "sk-ant-api03-x" }, { authorization: "Bearer dummy" }]
  ) {
    const response = await send(handler, ask(), headers);
    assertEquals(response.headers.get("x-should-retry"), "false");
    const error = await readError(response);
    assertEquals([error.status, error.type], [401, "authentication_error"]);
    assertStringIncludes(error.message, "OPENROUTER_API_KEY");
  }
  assertEquals(upstream.requests.length, 0);
});

Deno.test("the client's key, cookies and headers are not forwarded when the proxy has a key", async () => {
  await using upstream = startUpstream(answerPlain);
  for (
    const [env, key] of [[{}, "sk-or-v1-client"], [
      { PROXY_API_KEYS: "team-key" },
      "team-key",
    ]] as const
  ) {
    const { handler } = createProxy({ upstream, env });
    const response = await send(handler, ask(), {
      "x-api-key": key,
      authorization: "Bearer sk-or-v1-another",
      cookie: "session=secret",
      "anthropic-beta": "x",
      "x-custom": "secret",
    });
    await response.body?.cancel();
    assertEquals(response.status, 200);
    const seen = upstream.requests.at(-1);
    assertEquals(seen?.headers.get("authorization"), `Bearer ${HELD_KEY}`);
    const said = JSON.stringify([...seen?.headers ?? []]) + seen?.text;
    assertEquals(/sk-or-v1-client|sk-or-v1-another|team-key|secret/.test(said), false, said);
  }
});

Deno.test("the client's own OpenRouter key is sent when the proxy has none", async () => {
  await using upstream = startUpstream(answerPlain);
  const { handler } = createProxy({ upstream, env: { OPENROUTER_API_KEY: undefined } });
  const response = await send(handler, ask(), { "x-api-key": "sk-or-v1-client" });
  await response.body?.cancel();
  assertEquals(upstream.requests[0]?.headers.get("authorization"), "Bearer sk-or-v1-client");
});

Deno.test("upstream receives authorization, content-type and the app's two headers besides those that fetch adds", async () => {
  await using upstream = startUpstream(answerPlain);
  const body = '{"model":"a/b","messages":[{"role":"user","content":"Hello"}],"max_tokens":1}';
  const bare = await fetch(`${upstream.baseUrl}/chat/completions`, { method: "POST", body });
  await bare.body?.cancel();
  const app = {
    OPENROUTER_APP_URL: "https://me.example/",
    OPENROUTER_APP_TITLE: "My proxy",
  };
  for (const env of [{}, app]) {
    const { handler } = createProxy({ upstream, env });
    const response = await send(handler, ask(), { "anthropic-version": "2023-06-01" });
    await response.body?.cancel();
  }
  const [fetchs, plain, titled] = upstream.requests.map(({ headers }) => headers);
  const added = [...fetchs?.keys() ?? []].filter((name) => name !== "content-type");
  const own = (headers: Headers | undefined) =>
    [...headers ?? []].filter(([name]) => !added.includes(name)).map((pair) => pair.join(": "));
  const always = [`authorization: Bearer ${HELD_KEY}`, "content-type: application/json"];
  assertEquals(own(plain), always);
  assertEquals(own(titled), [...always, "http-referer: https://me.example/", "x-title: My proxy"]);
});

Deno.test("the upstream request has the target model, its fallbacks and the session id", async () => {
  await using upstream = startUpstream(answerPlain);
  const env = { OPENROUTER_BASE_URL: `${upstream.baseUrl}//`, TARGET_MODEL_BIG: "a/x,b/y" };
  const { handler } = createProxy({ upstream, env });
  const response = await send(handler, ask(), { "x-claude-code-session-id": "session-1" });
  assertEquals((await response.json()).model, "claude-sonnet-4-5");
  const [{ method = "", path = "", body = {} } = {}] = upstream.requests;
  assertEquals([method, path], ["POST", "/api/v1/chat/completions"]);
  assertEquals(
    [body["model"], body["models"], body["session_id"]],
    ["a/x", ["b/y"], "session-1"],
  );
});

/** Part of a key must not leak either. */
const KEY_PIECE = HELD_KEY.slice(0, 16);

Deno.test("a key echoed in an upstream error is redacted in body, headers and log", async () => {
  await using upstream = startUpstream(() => errorBody(401, `Bad key ${HELD_KEY}!`));
  for (const { request } of MODES) {
    const { services, handler } = createProxy({ upstream });
    const response = await send(handler, request);
    assertEquals(JSON.stringify([...response.headers]).includes(KEY_PIECE), false);
    assertEquals(await readError(response), {
      status: 401,
      type: "authentication_error",
      message: "Bad key [redacted]!",
    });
    assertEquals((await services.recorded()).error, "Bad key [redacted]!");
    assertEquals(services.lines.join().includes(KEY_PIECE), false);
  }
});

Deno.test("the client's own key echoed in an upstream error is redacted", async () => {
  const own = "sk-or-v1-client-0123456789";
  await using upstream = startUpstream(() => errorBody(401, `Bad key ${own}!`));
  const { services, handler } = createProxy({ upstream, env: { OPENROUTER_API_KEY: undefined } });
  const response = await send(handler, ask(), { authorization: `Bearer ${own}` });
  assertEquals((await readError(response)).message, "Bad key [redacted]!");
  await services.recorded();
  assertEquals(services.lines.join().includes(own), false);
});

Deno.test("a short word sent as a bearer token is not redacted from model names", async () => {
  await using upstream = startUpstream(() =>
    Response.json({ ...completion("Hi"), model: "anthropic/claude-4-sonnet" })
  );
  const { handler, services } = createProxy({ upstream });
  const response = await call(handler, post(ask(), { authorization: "Bearer anthropic" }));
  await response.body?.cancel();
  assertEquals(response.headers.get("x-proxy-model"), "anthropic/claude-4-sonnet");
  assertEquals((await services.recorded()).upstreamModel, "anthropic/claude-4-sonnet");
});

Deno.test("a key echoed in base64 is redacted, alone and after a user name", async () => {
  const echoed = `${btoa(HELD_KEY)} or Basic ${btoa(`me:${HELD_KEY}`)}`;
  await using upstream = startUpstream(() => errorBody(400, `Bad ${echoed}`));
  const { handler, services } = createProxy({ upstream });
  const text = await (await call(handler, post(ask()))).text();
  assertStringIncludes(text, "Bad [redacted] or Basic bWU6");
  for (const part of [btoa(HELD_KEY).slice(0, 12), btoa(`me:${HELD_KEY}`).slice(8, 30)]) {
    assertEquals([text, ...services.lines].some((line) => line.includes(part)), false, part);
  }
});

Deno.test("a failure of the log after a response is reported and does not reduce MAX_INFLIGHT", async () => {
  const { services } = createProxy({ env: { MAX_INFLIGHT: "2" } });
  const written: string[] = [];
  const log = {
    request() {
      throw new Error("The log is broken");
    },
    write: (_level: string, message: string) => void written.push(message),
  };
  const handler = createHandler({ ...services, log });
  for (let i = 0; i < 3; i++) {
    const response = await call(handler, get("/v1/models/x"));
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
  assertStringIncludes(written.join("\n"), "req_1 was not recorded: Error: The log is broken");
});

Deno.test("a key in an error event of a stream is redacted in event and log", async () => {
  const body = sse(textChunk("Hi"), errorChunk({ code: 401, message: `Bad key ${HELD_KEY}!` }));
  await using upstream = startUpstream(() => eventStream(body));
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, ask({ stream: true }));
  assertEquals(lastError(await readEvents(response)), "authentication_error: Bad key [redacted]!");
  assertEquals((await services.recorded()).error, "Bad key [redacted]!");
  assertEquals(services.lines.join().includes(KEY_PIECE), false);
});

const KEY_IN_HEADERS: [about: string, request: unknown, reply: Reply][] = [
  ["retry-after", ask(), () =>
    Response.json({ error: { code: 429, message: "slow" } }, {
      status: 429,
      headers: { "retry-after": HELD_KEY },
    })],
  [
    "the model of a JSON response",
    ask(),
    () => Response.json({ ...completion("Hi"), model: `vendor/${HELD_KEY}` }),
  ],
  [
    "the model of a stream",
    ask({ stream: true }),
    () =>
      eventStream(
        sse({ ...textChunk("Hi"), model: `vendor/${HELD_KEY}` }, finishChunk(), "[DONE]"),
      ),
  ],
];

for (const [about, request, reply] of KEY_IN_HEADERS) {
  Deno.test(`a key that upstream puts into ${about} does not reach the client's headers`, async () => {
    await using upstream = startUpstream(reply);
    const response = await send(createProxy({ upstream }).handler, request);
    await response.text();
    assertEquals(JSON.stringify([...response.headers]).includes(KEY_PIECE), false);
  });
}

Deno.test("a truncated error message contains no part of the key", async () => {
  for (const length of [480, 490, 1980, 1990]) {
    const words = `${"x".repeat(length)}${HELD_KEY}`;
    const raw = { metadata: { raw: words } };
    await using upstream = startUpstream([
      () => new Response(words, { status: 500 }),
      () => errorBody(500, "Provider returned error", raw),
    ]);
    const { handler } = createProxy({ upstream });
    for (let i = 0; i < 2; i++) {
      const { message } = await readError(await send(handler, ask()));
      assertEquals(message.includes(HELD_KEY.slice(0, 9)), false, message.slice(-60));
    }
  }
});

// ── Heads ───────────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("x-proxy-model is the upstream model, and the response has the requested name", async () => {
  await using upstream = startUpstream(answerEither);
  const { handler } = createProxy({ upstream });
  for (const { request } of MODES) {
    const response = await send(handler, request);
    assertEquals(response.headers.get("x-proxy-model"), UPSTREAM_MODEL);
    assertStringIncludes(await response.text(), '"model":"claude-sonnet-4-5"');
  }
});

Deno.test("x-proxy-model is the target model if the upstream response has no model or is an error", async () => {
  const { model: _, ...nameless } = completion("Hi");
  const replies: Reply[] = [() => Response.json(nameless), () => errorBody(429, "slow down")];
  await using upstream = startUpstream(replies);
  const { handler } = createProxy({ upstream, env: { TARGET_MODEL_BIG: "a/x" } });
  for (const status of [200, 429]) {
    const response = await send(handler, ask());
    await response.body?.cancel();
    assertEquals([response.status, response.headers.get("x-proxy-model")], [status, "a/x"]);
  }
});

Deno.test("an error before model mapping has no x-proxy-model", async () => {
  const { handler } = createProxy();
  const response = await send(handler, "{");
  await response.body?.cancel();
  assertEquals(response.headers.has("x-proxy-model"), false);
});

Deno.test("a model name from upstream or client cannot inject a header", async () => {
  const model = "модель\r\nx-evil: 1";
  const named = () => Response.json({ ...completion("Hi"), model });
  await using upstream = startUpstream([named, () => errorBody(500, "no")]);
  const { handler } = createProxy({ upstream });
  for (const name of ["claude", model.replace("\r\n", "/\r\n")]) {
    const response = await send(handler, ask({ model: name }));
    await response.body?.cancel();
    assertEquals(response.headers.has("x-evil"), false);
    assertEquals(response.headers.get("x-proxy-model")?.startsWith("??????"), true);
  }
});

Deno.test("x-proxy-dropped lists dropped fields and is absent if there are no dropped fields", async () => {
  await using upstream = startUpstream(answerEither);
  for (const { request } of MODES) {
    const { services, handler } = createProxy({ upstream });
    const plain = await send(handler, request);
    await plain.text();
    assertEquals(plain.headers.has("x-proxy-dropped"), false);
    const response = await send(handler, { ...request, container: "c", inference_geo: "eu" });
    await response.text();
    assertEquals(response.headers.get("x-proxy-dropped"), "container, inference_geo");
    assertEquals((await services.recorded(1)).dropped, ["container", "inference_geo"]);
  }
});

Deno.test("x-proxy-dropped is also on upstream errors", async () => {
  await using upstream = startUpstream(() => errorBody(400, "no"));
  const response = await send(createProxy({ upstream }).handler, ask({ container: "c" }));
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("x-proxy-dropped")], [400, "container"]);
});

Deno.test("a stream's headers disable caching, transforming and proxy buffering", async () => {
  await using upstream = startUpstream(answerStream);
  const response = await send(createProxy({ upstream }).handler, ask({ stream: true }));
  const events = await readEvents(response);
  checkGrammar(events);
  const { headers } = response;
  assertEquals(headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertEquals(headers.get("cache-control"), "no-cache, no-transform");
  assertEquals(headers.get("x-accel-buffering"), "no");
});

const STATUSES: [upstream: number, status: number, type: string, retry: string | null][] = [
  [400, 400, "invalid_request_error", "false"],
  [401, 401, "authentication_error", "false"],
  [402, 402, "billing_error", "false"],
  [403, 403, "permission_error", "false"],
  [404, 404, "not_found_error", "false"],
  [408, 504, "timeout_error", null],
  [413, 413, "request_too_large", null],
  [422, 400, "invalid_request_error", "false"],
  [429, 429, "rate_limit_error", null],
  [500, 500, "api_error", null],
  [502, 502, "api_error", null],
  [503, 529, "overloaded_error", null],
  [504, 504, "timeout_error", null],
  [529, 529, "overloaded_error", null],
];

for (const [upstreamStatus, status, type, retry] of STATUSES) {
  const retryText = retry === null ? "without" : "with";
  Deno.test(`upstream's status ${upstreamStatus} becomes ${status} ${type}, ${retryText} x-should-retry`, async () => {
    await using upstream = startUpstream(() => errorBody(upstreamStatus, "These are the words"));
    const { handler } = createProxy({ upstream });
    for (const { request } of MODES) {
      const response = await send(handler, request);
      assertEquals(response.headers.get("x-should-retry"), retry);
      assertEquals(response.headers.get("content-type"), "application/json");
      assertEquals(await readError(response), { status, type, message: "These are the words" });
    }
    assertEquals(upstream.requests.length, 2);
  });
}

Deno.test("retry-after is forwarded", async () => {
  const reply = (status: number): Reply => () =>
    Response.json({ error: { code: status, message: "slow down" } }, {
      status,
      headers: { "retry-after": "17", "x-ratelimit-reset": "1" },
    });
  await using upstream = startUpstream([reply(429), reply(503)]);
  const { handler } = createProxy({ upstream });
  for (let i = 0; i < 2; i++) {
    const response = await send(handler, ask());
    await response.body?.cancel();
    assertEquals(response.headers.get("retry-after"), "17");
    assertEquals(response.headers.has("x-ratelimit-reset"), false);
  }
});

Deno.test("an error about too many open files is a 502 that says so", async () => {
  const cause = new Error(
    "client error (Connect): tcp open error: Too many open files (os error 24)",
  );
  const client = createClient(
    createTestServices().config,
    () => Promise.reject(new TypeError("fetch failed", { cause })),
  );
  await assertRejects(
    () => client.fetchModels(),
    ApiError,
    "Cannot reach OpenRouter: the proxy has too many files open (ulimit -n)",
  );
});

// ── Upstream fails ──────────────────────────────────────────────────────────────────────────────────────────

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets 502 without the upstream address if upstream cannot be reached`, async () => {
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = closed.addr;
    closed.close();
    const env = { OPENROUTER_BASE_URL: `http://127.0.0.1:${port}/api/v1` };
    const error = await readError(await send(createProxy({ env }).handler, request));
    assertEquals(error, { status: 502, type: "api_error", message: "Cannot reach OpenRouter" });
  });

  for (const bytes of ["", "HTTP/1.1 200 OK\r\ncontent-le", "SSH-2.0-OpenSSH_9\r\n"]) {
    Deno.test(`${mode} gets 502 if upstream sends ${JSON.stringify(bytes)}`, async () => {
      await using upstream = startRawUpstream(bytes);
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    });
  }

  Deno.test(`${mode} gets 502 if the upstream body is cut off at once`, async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      const bytes = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 100\r\n\r\n{`;
      await using upstream = startRawUpstream(bytes);
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });

  Deno.test(`${mode} gets 504 if no upstream headers come within TIMEOUT_S, and the upstream request is aborted`, async () => {
    await using upstream = startUpstream(answerNever);
    const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
    const error = await readError(await send(handler, request));
    assertEquals(error, {
      status: 504,
      type: "timeout_error",
      message: "OpenRouter did not answer within 0.05 s (TIMEOUT_S)",
    });
    await upstream.requests[0]?.left;
  });

  Deno.test(`${mode} gets 504 if the upstream body is idle for TIMEOUT_S, and the upstream request is aborted`, async () => {
    for (const first of ["", mode === "a plain request" ? '{"id":' : sse(roleChunk())]) {
      const held = holdStream(first);
      await using upstream = startUpstream(() => held.response);
      const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
      const error = await readError(await send(handler, request));
      assertEquals(error, {
        status: 504,
        type: "timeout_error",
        message: "OpenRouter was silent for 0.05 s (TIMEOUT_S)",
      });
      await withTimeout(held.cancelled, "the body to be let go");
    }
  });

  for (const status of [301, 302, 303, 307, 308]) {
    Deno.test(`${mode} gets 502 if upstream redirects with ${status}, and the redirect is not followed`, async () => {
      await using other = startUpstream(answerEither);
      const location = `${other.baseUrl}/chat/completions`;
      await using upstream = startUpstream(() =>
        new Response(null, { status, headers: { location } })
      );
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
      assertStringIncludes(error.message, "redirect");
      assertEquals([upstream.requests.length, other.requests.length], [1, 0]);
    });
  }

  Deno.test(`${mode} gets 502 without the HTML if upstream sends an HTML page`, async () => {
    const page = "<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>";
    const headers = { "content-type": "text/html" };
    await using upstream = startUpstream([
      () => new Response(page, { status: 502, headers }),
      () => new Response(page, { headers }),
    ]);
    const { handler } = createProxy({ upstream });
    for (let i = 0; i < 2; i++) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
      assertEquals(error.message.includes("<"), false);
    }
  });

  Deno.test(`${mode} gets the status of an error that upstream sends with HTTP 200`, async () => {
    const error = { code: 429, message: "Rate limit exceeded: free-models-per-day" };
    await using upstream = startUpstream([
      () => Response.json({ error }),
      () => Response.json({ error: { message: "Something" } }),
    ]);
    const { handler } = createProxy({ upstream });
    assertEquals(await readError(await send(handler, request)), {
      status: 429,
      type: "rate_limit_error",
      message: "Rate limit exceeded: free-models-per-day",
    });
    const other = await readError(await send(handler, request));
    assertEquals(other, { status: 502, type: "api_error", message: "Something" });
  });

  Deno.test(`${mode} gets 502 if upstream sends JSON that is not a completion`, async () => {
    const bodies = [
      "{}",
      '{"choices":[]}',
      '{"choices":null}',
      "[]",
      "null",
      "1",
      '{"choices":[{}]}',
    ];
    await using upstream = startUpstream(() =>
      new Response(bodies[upstream.requests.length - 1], {
        headers: { "content-type": "application/json" },
      })
    );
    const { handler } = createProxy({ upstream });
    for (const body of bodies) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"], body);
    }
  });

  Deno.test(`${mode} gets 502 if upstream sends no body`, async () => {
    const headers = { "content-type": "text/event-stream" };
    const replies: Reply[] = [
      () => new Response(null),
      () => new Response(""),
      () => new Response("", { headers }),
      () => new Response("", { headers: { "content-type": "application/json" } }),
      () => new Response(null, { status: 204 }),
    ];
    await using upstream = startUpstream(replies);
    const { handler } = createProxy({ upstream });
    for (const _ of replies) {
      const error = await readError(await send(handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });

  Deno.test(`${mode} gets 502 if upstream sends invalid gzip`, async () => {
    for (const type of ["application/json", "text/event-stream"]) {
      const headers = { "content-type": type, "content-encoding": "gzip" };
      await using upstream = startUpstream(() => new Response("no gzip", { headers }));
      const error = await readError(await send(createProxy({ upstream }).handler, request));
      assertEquals([error.status, error.type], [502, "api_error"]);
    }
  });
}

Deno.test("an error in the first chunk of a stream keeps its HTTP status", async () => {
  const body = sse(roleChunk(), errorChunk({ code: 429, message: "slow down" }));
  await using upstream = startUpstream(() => eventStream(body));
  const response = await send(createProxy({ upstream }).handler, ask({ stream: true }));
  assertEquals(await readError(response), {
    status: 429,
    type: "rate_limit_error",
    message: "slow down",
  });
});

Deno.test("a stream cut off before its finish reason ends in an error event without message_stop", async () => {
  const text = sse(roleChunk(), textChunk("Hel"));
  const head = "content-type: text/event-stream\r\ntransfer-encoding: chunked";
  const bytes = `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n`;
  await using upstream = startRawUpstream(bytes);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, ask({ stream: true }));
  const events = await readEvents(response);
  checkGrammar(events);
  assertStringIncludes(lastError(events), "api_error: OpenRouter's answer broke off");
  assertStringIncludes(JSON.stringify(events), '"text":"Hel"');
  assertEquals((await services.recorded()).outcome, "api_error");
});

Deno.test("a stream that is idle after its first text ends in a timeout error", async () => {
  const held = holdStream(sse(textChunk("Hel")));
  await using upstream = startUpstream(() => held.response);
  const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
  const events = await readEvents(await send(handler, ask({ stream: true })));
  assertEquals(lastError(events), "timeout_error: OpenRouter was silent for 0.05 s (TIMEOUT_S)");
  await withTimeout(held.cancelled, "the body to be let go");
});

Deno.test("a stream without a first chunk gets headers, message_start and a ping after PING_S", async () => {
  const held = holdStream();
  await using upstream = startUpstream(() => held.response);
  const env = { PING_S: "0.03", TARGET_MODEL_BIG: "a/x" };
  const response = await send(createProxy({ upstream, env }).handler, ask({ stream: true }));
  assertEquals([response.status, response.headers.get("x-proxy-model")], [200, "a/x"]);
  held.send(sseAnswer("Hi"));
  const events = await readEvents(response);
  checkGrammar(events);
  assertEquals(events.slice(0, 2).map(({ type }) => type), ["message_start", "ping"]);
  assertEquals(events.at(-1)?.type, "message_stop");
  await withTimeout(held.cancelled, "the body to be let go");
});

Deno.test("a JSON body for a stream request becomes a complete stream", async () => {
  await using upstream = startUpstream([answerPlain, answerStream]);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, ask({ stream: true }));
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertEquals(response.headers.get("x-proxy-model"), UPSTREAM_MODEL);
  const events = await readEvents(response);
  checkGrammar(events);
  const streamed = await readEvents(await send(handler, ask({ stream: true })));
  const withoutId = (all: StreamEvent[]) => JSON.stringify(collapse(all)).replaceAll(/msg_\d/g, "");
  assertEquals(withoutId(events), withoutId(streamed));
  const { inputTokens, outputTokens, outcome } = await services.recorded();
  assertEquals([inputTokens, outputTokens, outcome], [20, 7, "complete"]);
});

for (const body of ["oops", "{", '{"choices":\n\n[']) {
  Deno.test(`a stream request gets an error about invalid JSON if upstream sends ${JSON.stringify(body)} as JSON`, async () => {
    const headers = { "content-type": "application/json" };
    await using upstream = startUpstream(() => new Response(body, { headers }));
    const { handler } = createProxy({ upstream });
    assertEquals(await readError(await send(handler, ask({ stream: true }))), {
      status: 502,
      type: "api_error",
      message: "OpenRouter answered 200 with application/json that is no JSON",
    });
  });
}

Deno.test("an event stream for a plain request is a 502", async () => {
  await using upstream = startUpstream(answerStream);
  const error = await readError(await send(createProxy({ upstream }).handler, ask()));
  assertEquals(error, {
    status: 502,
    type: "api_error",
    message: "OpenRouter answered 200 with text/event-stream that is no JSON",
  });
});

Deno.test("a gzipped response is decoded, plain and streamed", async () => {
  await using upstream = startUpstream((request) => {
    const isStream = request.body["stream"] === true;
    const text = isStream ? sseAnswer("Hi") : JSON.stringify(completion("Hi"));
    const body = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    const type = isStream ? "text/event-stream" : "application/json";
    return new Response(body, { headers: { "content-type": type, "content-encoding": "gzip" } });
  });
  const { handler } = createProxy({ upstream });
  for (const { request } of MODES) {
    const response = await send(handler, request);
    assertEquals(response.status, 200);
    assertStringIncludes(await response.text(), '"text":"Hi"');
  }
});

Deno.test("an unexpected exception is a 500 whose details are only in the log", async () => {
  const services = createTestServices();
  services.catalog.list = () => Promise.reject(new TypeError("boom in /secret/place"));
  const response = await call(createHandler(services), get("/v1/models"));
  const text = await response.clone().text();
  assertEquals((await readError(response)).status, 500);
  assertEquals(/boom|secret|\.ts/.test(text), false);
  const logged = services.lines.find((line) => JSON.parse(line).level === "error");
  assertStringIncludes(logged ?? "", "boom in /secret/place");
});

// ── MAX_INFLIGHT ────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("requests over MAX_INFLIGHT get 529 until a response is complete", async () => {
  const held = holdStream(sse(textChunk("Hi")));
  await using upstream = startUpstream([() => held.response, answerPlain]);
  const { services, handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  const first = await send(handler, ask({ stream: true }));
  const second = await send(handler, ask());
  assertEquals(second.headers.get("retry-after"), "1");
  const error = await readError(second);
  assertEquals([error.status, error.type], [529, "overloaded_error"]);
  const health = await call(handler, get("/health"));
  await health.body?.cancel();
  assertEquals([health.status, upstream.requests.length], [200, 1]);
  held.send(sse(finishChunk(), "[DONE]"));
  await first.text();
  // The 529 and the health check were recorded before.
  await services.recorded(2);
  await nextTurn();
  const third = await send(handler, ask());
  await third.body?.cancel();
  assertEquals(third.status, 200);
});

Deno.test("a client that disconnects frees its place under MAX_INFLIGHT", async () => {
  const held = holdStream(sse(textChunk("Hi")));
  await using upstream = startUpstream([() => held.response, answerPlain]);
  const { services, handler } = createProxy({ upstream, env: { MAX_INFLIGHT: "1" } });
  const first = await send(handler, ask({ stream: true }));
  await first.body?.cancel();
  await services.recorded();
  await nextTurn();
  const second = await send(handler, ask());
  await second.body?.cancel();
  assertEquals(second.status, 200);
});

// ── Models ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Rejects these models and accepts all others. */
const rejectModels = (...unknown: string[]): Reply => (request) =>
  unknown.includes(String(request.body["model"])) ? refuseModel(request) : answerEither(request);

for (const { mode, request } of MODES) {
  Deno.test(`${mode} is sent again if its default target is rejected, and the replacement is remembered`, async () => {
    await using upstream = startUpstream(rejectModels(SONNET));
    const { services, handler } = createProxy({ upstream });
    for (const expected of [2, 3]) {
      const response = await send(handler, request);
      assertEquals([response.status, upstream.requests.length], [200, expected]);
      await response.text();
    }
    const [first, ...others] = upstream.requests.map(({ body }) => body);
    assertEquals(first?.["model"], SONNET);
    for (const { model, ...rest } of others) {
      assertEquals(model, "anthropic/claude-sonnet-4.5");
      assertEquals({ model: SONNET, ...rest }, first);
    }
    const warnings = services.lines.map((line) => JSON.parse(line)).filter(({ level }) =>
      level === "warn"
    );
    assertEquals(warnings.map(({ message }) => message), [
      `OpenRouter does not know ${SONNET}; using anthropic/claude-sonnet-4.5 instead`,
    ]);
  });
}

const REFUSALS: [about: string, reply: Reply][] = [
  [
    "404 No endpoints found",
    ({ body }) => errorBody(404, `No endpoints found for ${body["model"]}.`),
  ],
  ...["model_not_found", "no_endpoints", "model_deprecated"].map((code): [string, Reply] => [
    code,
    () => errorBody(code === "model_not_found" ? 400 : 404, "Gone", { availability: { code } }),
  ]),
];

for (const [about, refuse] of REFUSALS) {
  Deno.test(`a default target rejected with ${about} is replaced`, async () => {
    await using upstream = startUpstream((request) =>
      request.body["model"] === OPUS ? refuse(request) : answerPlain(request)
    );
    const response = await send(createProxy({ upstream }).handler, ask({ model: "opus" }));
    await response.body?.cancel();
    const models = upstream.requests.map(({ body }) => body["model"]);
    assertEquals([response.status, models], [200, [OPUS, "~anthropic/claude-opus-latest"]]);
  });
}

Deno.test("a replacement that is rejected too is an error, without a third attempt", async () => {
  await using upstream = startUpstream(refuseModel);
  const response = await send(createProxy({ upstream }).handler, ask());
  assertEquals(response.headers.get("x-proxy-model"), "anthropic/claude-sonnet-4.5");
  const error = await readError(response);
  assertEquals(error, {
    status: 400,
    type: "invalid_request_error",
    message: "anthropic/claude-sonnet-4.5 is not a valid model ID",
  });
  assertEquals(upstream.requests.length, 2);
});

const NOT_REPLACED: [about: string, env: Record<string, string>, model: string][] = [
  ["a target that the user set", { TARGET_MODEL_BIG: "a/x" }, "sonnet"],
  ["an id from the request", {}, "anthropic/claude-sonnet-9"],
  ["the default's own id from the request", {}, SONNET],
  ["an OpenRouter alias", {}, "~anthropic/claude-sonnet-latest"],
  ["a list of targets", { TARGET_MODEL_BIG: `${SONNET},b/y` }, "sonnet"],
  ["auto", { TARGET_MODEL_BIG: "auto" }, "sonnet"],
];

for (const [about, env, model] of NOT_REPLACED) {
  Deno.test(`${about} is not replaced when upstream rejects it`, async () => {
    await using upstream = startUpstream(refuseModel);
    const { handler } = createProxy({ upstream, env });
    for (let i = 1; i <= 2; i++) {
      const error = await readError(await send(handler, ask({ model })));
      assertEquals([error.status, error.type], [400, "invalid_request_error"]);
      assertStringIncludes(error.message, "is not a valid model ID");
      assertEquals(upstream.requests.length, i);
    }
  });
}

for (const status of [400, 401, 402, 404, 429, 500, 503]) {
  Deno.test(`a default target is not retried after ${status} for another reason`, async () => {
    await using upstream = startUpstream(() => errorBody(status, "for another reason"));
    const response = await send(createProxy({ upstream }).handler, ask());
    await response.body?.cancel();
    assertEquals(upstream.requests.length, 1);
  });
}

Deno.test("both attempts at a default target share one TIMEOUT_S", async () => {
  await using upstream = startUpstream([
    (request) => new Promise((resolve) => setTimeout(() => resolve(refuseModel(request)), 250)),
    answerNever,
  ]);
  const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.4" } });
  const started = performance.now();
  const error = await readError(await send(handler, ask()));
  const elapsed = performance.now() - started;
  assertEquals([error.status, error.type, upstream.requests.length], [504, "timeout_error", 2]);
  assertStringIncludes(error.message, "within 0.4 s");
  assertGreaterOrEqual(elapsed, 390);
  // Two separate timeouts would take 0.65 s.
  assertLess(elapsed, 600);
  await upstream.requests[1]?.left;
});

const CATALOG = [
  { id: "anthropic/claude-sonnet-4.5", name: "Sonnet 4.5", created: 300, context_length: 1000 },
  { id: "anthropic/claude-opus-4.8", name: "Opus 4.8", created: 500 },
  {
    id: "openai/gpt-5:free",
    created: 400,
    context_length: 400_000,
    top_provider: { max_completion_tokens: 50 },
  },
  { id: "zz/unlike" },
  { id: "anthropic/claude-haiku-4.5", name: "Haiku", created: 200 },
];

Deno.test("the error for an unknown model ID suggests similar IDs from the catalog", async () => {
  await using upstream = startUpstream(refuseModel, { models: CATALOG });
  const { services, handler } = createProxy({ upstream });
  await services.catalog.list(5000);
  const model = "anthropic/claude-sonet-4.5";
  const error = await readError(await send(handler, ask({ model })));
  assertEquals(error.status, 400);
  const [words, ids = ""] = error.message.split(". Nearest known ids: ");
  assertEquals(words, `${model} is not a valid model ID`);
  assertEquals(ids.split(", ")[0], "anthropic/claude-sonnet-4.5");
  assertEquals(ids.includes("zz/unlike"), false);
});

Deno.test("max_tokens is clamped to the limit in the catalog, where there is one", async () => {
  await using upstream = startUpstream(answerPlain, { models: CATALOG });
  const { services, handler } = createProxy({ upstream });
  const model = "openai/gpt-5:free";
  for (const known of [false, true]) {
    if (known) await services.catalog.list(5000);
    for (const [max_tokens, name] of [[100, model], [10, model], [100, "a/unknown"]] as const) {
      const response = await send(handler, ask({ model: name, max_tokens }));
      await response.body?.cancel();
    }
  }
  const limits = upstream.requests.map(({ body }) => body["max_tokens"]);
  assertEquals(limits, [100, 10, 100, 50, 10, 100]);
});

Deno.test("a limit in the catalog applies to every variant of a model", async () => {
  await using upstream = startUpstream(answerPlain, {
    models: [{ id: "a/x", top_provider: { max_completion_tokens: 50 } }],
  });
  const { services, handler } = createProxy({ upstream });
  await services.catalog.list(5000);
  for (const name of ["a/x", "a/x:nitro", "a/x:thinking", "a/x:free:online", "~a/x", "a/y:nitro"]) {
    await (await send(handler, ask({ model: name, max_tokens: 100 }))).body?.cancel();
  }
  const limits = upstream.requests.map(({ body }) => body["max_tokens"]);
  assertEquals(limits, [50, 50, 50, 50, 50, 100]);
});

Deno.test("requests succeed when the catalog cannot be fetched", async () => {
  const models = () => new Response("no", { status: 500 });
  await using upstream = startUpstream(answerPlain, { models });
  const { services, handler } = createProxy({ upstream });
  services.catalog.refresh();
  await services.catalog.settled();
  assertEquals(upstream.modelsAsked, 1);
  const response = await send(handler, ask());
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

Deno.test("requests do not wait for a slow catalog", async () => {
  const hanging = holdBody();
  const models = () => new Response(hanging.body);
  await using upstream = startUpstream(answerPlain, { models });
  const { services, handler } = createProxy({ upstream });
  services.catalog.refresh();
  const response = await send(handler, ask());
  await response.body?.cancel();
  assertEquals(response.status, 200);
  hanging.close();
  await services.catalog.settled();
});

/** The names that the configuration maps. They are always first in the list. */
const MAPPED = ["claude-opus", "claude-sonnet", "claude-haiku", "claude-fable"];

const listIds = async (response: Response): Promise<string[]> =>
  (await response.json()).data.map(({ id }: { id: string }) => id);

Deno.test("GET /v1/models lists the mapped names while the catalog is unavailable, and all models afterwards", async () => {
  let isUp = false;
  const models = () =>
    isUp ? Response.json({ data: CATALOG }) : new Response("no", { status: 503 });
  await using upstream = startUpstream(answerPlain, { models });
  const { handler } = createProxy({ upstream });
  assertEquals(await listIds(await call(handler, get("/v1/models"))), MAPPED);
  assertEquals((await call(handler, get("/v1/models/claude-opus"))).status, 200);
  const error = await readError(await call(handler, get("/v1/models/zz/unlike")));
  assertEquals([error.status, error.type], [404, "not_found_error"]);
  isUp = true;
  // A failed fetch is repeated after five seconds.
  const { now } = performance;
  performance.now = () => now.call(performance) + 5000;
  try {
    assertEquals((await listIds(await call(handler, get("/v1/models")))).length, 9);
  } finally {
    performance.now = now;
  }
});

Deno.test("GET /v1/models lists the mapped names if the catalog is invalid", async () => {
  for (const text of ["<html>", "{}", '{"data":{}}', "null"]) {
    await using upstream = startUpstream(answerPlain, { models: () => new Response(text) });
    const { handler } = createProxy({ upstream });
    assertEquals(await listIds(await call(handler, get("/v1/models"))), MAPPED);
  }
});

const LISTED = [
  ...MAPPED,
  "anthropic/claude-opus-4.8",
  "openai/gpt-5:free",
  "anthropic/claude-sonnet-4.5",
  "anthropic/claude-haiku-4.5",
  "zz/unlike",
];

const PAGES: [query: string, ids: string[], hasMore: boolean][] = [
  ["", LISTED, false],
  ["?limit=9", LISTED, false],
  ["?limit=1000", LISTED, false],
  ["?limit=2", LISTED.slice(0, 2), true],
  [`?limit=2&after_id=${LISTED[5]}`, LISTED.slice(6, 8), true],
  [`?limit=2&after_id=${encodeURIComponent(LISTED[5] ?? "")}`, LISTED.slice(6, 8), true],
  [`?limit=2&after_id=${LISTED[7]}`, LISTED.slice(8), false],
  [`?after_id=${LISTED[8]}`, [], false],
  [`?limit=2&before_id=${LISTED[7]}`, LISTED.slice(5, 7), true],
  [`?limit=2&before_id=${LISTED[1]}`, LISTED.slice(0, 1), false],
  [`?before_id=${LISTED[0]}`, [], false],
];

for (const [query, ids, hasMore] of PAGES) {
  Deno.test(`GET /v1/models${query} returns its page, mapped names first, then the newest models`, async () => {
    await using upstream = startUpstream(answerPlain, { models: CATALOG });
    const response = await call(createProxy({ upstream }).handler, get(`/v1/models${query}`));
    const { data, ...rest } = await response.json();
    assertEquals(data.map(({ id }: { id: string }) => id), ids);
    const [first_id = null, last_id = null] = [ids[0], ids.at(-1)];
    assertEquals(rest, { has_more: hasMore, first_id, last_id });
  });
}

for (
  const query of ["limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=", "after_id=no/such"]
) {
  Deno.test(`GET /v1/models?${query} is a 400`, async () => {
    await using upstream = startUpstream(answerPlain, { models: CATALOG });
    const request = get(`/v1/models?${query}`);
    const error = await readError(await call(createProxy({ upstream }).handler, request));
    assertEquals([error.status, error.type], [400, "invalid_request_error"]);
  });
}

Deno.test("GET /v1/models returns twenty models by default and fetches the catalog once", async () => {
  const models = Array.from({ length: 25 }, (_, i) => ({ id: `a/${i}`, created: i + 1 }));
  await using upstream = startUpstream(answerPlain, { models });
  const { handler } = createProxy({ upstream });
  const first = await (await call(handler, get("/v1/models"))).json();
  assertEquals([first.data.length, first.has_more], [20, true]);
  const rest = await (await call(handler, get(`/v1/models?after_id=${first.last_id}`))).json();
  assertEquals([rest.data.length, rest.has_more, rest.last_id], [9, false, "a/0"]);
  assertEquals(upstream.modelsAsked, 1);
});

Deno.test("GET /v1/models/{id} finds an ID with its slash encoded or raw", async () => {
  await using upstream = startUpstream(answerPlain, { models: CATALOG });
  const { handler } = createProxy({ upstream });
  for (const path of ["openai%2Fgpt-5%3Afree", "openai/gpt-5:free", "openai%2fgpt-5:free"]) {
    const response = await call(handler, get(`/v1/models/${path}`));
    assertEquals(await response.json(), {
      type: "model",
      id: "openai/gpt-5:free",
      display_name: "openai/gpt-5:free · 400k",
      created_at: "1970-01-01T00:06:40.000Z",
      max_input_tokens: 400_000,
      max_tokens: 50,
    });
  }
  const unknown = await (await call(handler, get("/v1/models/zz/unlike"))).json();
  assertEquals(unknown.created_at, "1970-01-01T00:00:00.000Z");
  assertEquals([unknown.max_input_tokens, unknown.max_tokens], [null, null]);
});

Deno.test("GET /v1/models/{id} is a 404 with similar IDs for an unknown ID", async () => {
  await using upstream = startUpstream(answerPlain, { models: CATALOG });
  const request = get("/v1/models/anthropic%2Fclaude-opus-4.9");
  const error = await readError(await call(createProxy({ upstream }).handler, request));
  assertEquals([error.status, error.type], [404, "not_found_error"]);
  assertStringIncludes(error.message, "model: anthropic/claude-opus-4.9");
  assertStringIncludes(error.message, "anthropic/claude-opus-4.8");
});

// ── Clients leave (real sockets) ────────────────────────────────────────────────────────────────────────────

/** Sends a request that the test can abort. */
function fetchAs(url: string, body: unknown): { answer: Promise<Response>; leave(): void } {
  const controller = new AbortController();
  const answer = fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  // Aborting rejects it, possibly before the test awaits it.
  answer.catch(() => {});
  return { answer, leave: () => controller.abort() };
}

/**
 * Sends a request in one packet over TCP and reads nothing. Before the response headers, Deno 2.8 and newer
 * reliably report a disconnect (`request.signal`) only of such a client; fetch sends two packets.
 */
async function connectAs(url: string, body: unknown): Promise<{ leave(): void }> {
  const { hostname, port, host } = new URL(url);
  const text = JSON.stringify(body);
  const head = `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `content-length: ${text.length}\r\n\r\n`;
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(head + text));
  return { leave: () => connection.close() };
}

for (const { mode, request } of MODES) {
  Deno.test(`${mode} aborts the upstream request if the client disconnects before the upstream headers`, async () => {
    await using upstream = startSilentUpstream();
    await using proxy = startProxy({ upstream });
    const { leave } = await connectAs(proxy.url, request);
    await upstream.asked;
    leave();
    await withTimeout(upstream.left, "upstream to be let go");
    const record = await proxy.services.recorded();
    assertEquals([record.outcome, record.status], ["client_gone", 499]);
  });

  Deno.test(`${mode} aborts the upstream request if the client disconnects during the upstream body`, async () => {
    const held = holdStream(mode === "a plain request" ? "{" : sse(roleChunk()));
    await using upstream = startUpstream(() => held.response);
    await using proxy = startProxy({ upstream });
    const hasHead = awaitHead(proxy.services);
    const { leave } = await connectAs(proxy.url, request);
    await hasHead;
    leave();
    await withTimeout(held.cancelled, "the body to be let go");
    const { outcome, status } = await proxy.services.recorded();
    assertEquals([outcome, status], ["client_gone", 499]);
  });
}

Deno.test("a client that disconnects from an idle stream aborts the upstream request at once", async () => {
  const held = holdStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => held.response);
  await using proxy = startProxy({ upstream });
  const { answer, leave } = fetchAs(proxy.url, ask({ stream: true }));
  const reader = (await answer).body?.getReader();
  await reader?.read();
  leave();
  await withTimeout(held.cancelled, "the body to be let go");
  await reader?.closed.catch(() => {});
  const record = await proxy.services.recorded();
  assertEquals([record.outcome, record.status], ["client_gone", 200]);
});

Deno.test("a disconnect that only the request's signal reports is recorded as client_gone", async () => {
  // Deno 2.5 aborts the signal before it cancels the response body.
  const held = holdStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => held.response);
  const { handler, services } = createProxy({ upstream });
  const client = new AbortController();
  const request = new Request(post(ask({ stream: true })), { signal: client.signal });
  const answer = await call(handler, request);
  client.abort();
  await answer.text();
  const { outcome, error } = await services.recorded();
  assertEquals([outcome, error], ["client_gone", undefined]);
});

Deno.test("thirty clients that disconnect together abort thirty upstream requests, and the next request is served", async () => {
  const streams = Array.from({ length: 30 }, () => holdStream(sse(textChunk("Hi"))));
  await using upstream = startUpstream([
    ...streams.map(({ response }) => () => response),
    answerPlain,
  ]);
  await using proxy = startProxy({ upstream });
  const clients = streams.map(() => fetchAs(proxy.url, ask({ stream: true })));
  const answers = await Promise.all(clients.map(({ answer }) => answer));
  for (const { leave } of clients) leave();
  const letGo = Promise.all(streams.map(({ cancelled }) => cancelled));
  await withTimeout(letGo, "all upstreams to be let go");
  await Promise.all(answers.map((answer) => answer.body?.cancel().catch(() => {})));
  await proxy.services.recorded(29);
  const response = await fetchAs(proxy.url, ask()).answer;
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

// ── Log records ─────────────────────────────────────────────────────────────────────────────────────────────

for (const { mode, request } of MODES) {
  Deno.test(`the log record of ${mode} has model, provider, tokens, cost and outcome`, async () => {
    await using upstream = startUpstream(answerEither);
    const { services, handler } = createProxy({ upstream });
    const response = await send(handler, request);
    await response.text();
    const { totalMs, firstEventMs = NaN, ...record } = await services.recorded();
    assertEquals(record, {
      requestId: "req_1",
      method: "POST",
      path: "/v1/messages",
      status: 200,
      model: "claude-sonnet-4-5",
      upstreamModel: UPSTREAM_MODEL,
      provider: "Anthropic",
      inputTokens: 20,
      outputTokens: 7,
      cachedTokens: 100,
      costUsd: 0.00125,
      dropped: [],
      outcome: "complete",
    });
    assertGreaterOrEqual(firstEventMs, 0);
    assertGreaterOrEqual(totalMs, firstEventMs);
    await nextTurn();
    assertEquals(services.records.length, 1);
  });
}

Deno.test("the log record of a failure has its type, message and target model", async () => {
  await using upstream = startUpstream(() => errorBody(429, "slow down"));
  const { services, handler } = createProxy({ upstream });
  await readError(await send(handler, ask({ stream: true })));
  const { totalMs: _, ...record } = await services.recorded();
  assertEquals(record, {
    requestId: "req_1",
    method: "POST",
    path: "/v1/messages",
    status: 429,
    model: "claude-sonnet-4-5",
    upstreamModel: SONNET,
    dropped: [],
    outcome: "rate_limit_error",
    error: "slow down",
  });
});

Deno.test("the log record of a stream that fails after its headers has status 200 and the error", async () => {
  const body = sse(textChunk("Hi"), errorChunk({ code: 529, message: "Overloaded" }));
  await using upstream = startUpstream(() => eventStream(body));
  const { services, handler } = createProxy({ upstream });
  await (await send(handler, ask({ stream: true }))).text();
  const { status, outcome, error, provider, upstreamModel } = await services.recorded();
  assertEquals([status, outcome, error], [200, "overloaded_error", "Overloaded"]);
  assertEquals([provider, upstreamModel], ["Anthropic", UPSTREAM_MODEL]);
});

Deno.test("the log record of a stream is written when the stream has ended", async () => {
  const held = holdStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => held.response);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, ask({ stream: true }));
  await nextTurn();
  assertEquals(services.records, []);
  held.send(sse(finishChunk(), "[DONE]"));
  await response.text();
  assertEquals((await services.recorded()).outcome, "complete");
});

Deno.test("the log record of a rejected request has method, path and error", async () => {
  const { services, handler } = createProxy();
  await readError(await send(handler, ask(), { origin: "https://evil.com" }));
  const { totalMs: _, ...record } = await services.recorded();
  assertEquals(record, {
    requestId: "req_1",
    method: "POST",
    path: "/v1/messages",
    status: 403,
    outcome: "permission_error",
    error: "This origin may not use the proxy; list it in ALLOWED_ORIGINS",
  });
});

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
