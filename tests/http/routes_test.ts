// Routes and methods: unknown paths, wrong methods, and the routes without a subject of their own.

import { assert, assertEquals } from "@std/assert";
import {
  call,
  createProxy,
  get,
  post,
  requestBody,
  SERVER_KEY,
  startProxy,
} from "../helpers/proxy.ts";
import { replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { startUpstream } from "../helpers/upstream.ts";

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

const SONNET = "anthropic/claude-sonnet-4-20250514";
const OPUS = "anthropic/claude-opus-4-20250514";

Deno.test("GET / shows name, version and model mapping, but no secrets", async () => {
  const { handler } = createProxy({ env: { TARGET_MODEL_BIG: "a/x,b/y" } });
  for (const accept of ["application/json", "*/*", "application/json, text/html"]) {
    const response = await call(handler, get("/", { headers: { accept } }));
    const text = await response.text();
    const info = JSON.parse(text);
    assertEquals([info.name, info.version], ["claudeproxy", "0.0.0"]);
    assertEquals(info.models, { opus: OPUS, sonnet: "a/x,b/y", haiku: SONNET, other: SONNET });
    assertEquals(text.includes(SERVER_KEY), false);
  }
});

Deno.test("POST /v1/messages/count_tokens estimates without an upstream request and needs no max_tokens", async () => {
  await using upstream = startUpstream(replyJson);
  const { handler } = createProxy({ upstream });
  const { max_tokens: _, ...request } = requestBody();
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

Deno.test("an unknown path is a 404 and an unknown method a 405, whatever the content type", async () => {
  const { handler } = createProxy();
  for (
    const [path, status] of [["/v1/message", 404], ["/stats", 405], ["/v1/messages", 415]] as const
  ) {
    for (const headers of [{ "content-type": "text/plain" }, {}]) {
      const response = await call(handler, get(path, { method: "POST", headers }));
      await response.body?.cancel();
      assertEquals([path, response.status], [path, status]);
    }
  }
});

Deno.test("an unauthorized client gets no 404, which would show the paths", async () => {
  const { handler } = createProxy({ env: { PROXY_API_KEYS: "key-of-the-proxy" } });
  const response = await call(handler, get("/v1/message", { method: "POST" }));
  await response.body?.cancel();
  assertEquals(response.status, 401);
});

Deno.test("POST /v1/messages?beta=true is the same route", async () => {
  await using upstream = startUpstream(replyJson);
  const { handler } = createProxy({ upstream });
  const request = new Request("http://localhost:8000/v1/messages?beta=true", post(requestBody()));
  const response = await call(handler, request);
  assertEquals([response.status, (await response.json()).content], [200, [
    { type: "text", text: "Hi" },
  ]]);
});

Deno.test("a Host header that does not form a valid URL is a 400, and the server keeps serving", async () => {
  await using proxy = startProxy();
  const { port } = new URL(proxy.url);
  for (const host of ["a b", "a<b", "[::1", "a:b:c"]) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const text = `GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(text));
    const response = await new Response(connection.readable).text();
    assertEquals(response.split("\r\n")[0], "HTTP/1.1 400 Bad Request", host);
  }
  const response = await fetch(`${proxy.url}/health`);
  assertEquals(await response.json(), { status: "ok" });
});
