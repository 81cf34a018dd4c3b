// PROXY_API_KEYS on every protected route.

import { assertEquals } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import { call, createProxy, get, ORIGIN, post, requestBody } from "../helpers/proxy.ts";
import { startUpstream } from "../helpers/upstream.ts";

const PROTECTED: [about: string, build: (headers: Record<string, string>) => Request][] = [
  ["POST /v1/messages", (headers) => post(requestBody(), headers)],
  ["POST /v1/messages/count_tokens", (headers) => {
    const { body } = post(requestBody());
    return new Request(`${ORIGIN}/v1/messages/count_tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  }],
  ["GET /v1/models", (headers) => get("/v1/models", { headers })],
  ["GET /v1/models/{id}", (headers) => get("/v1/models/a/b", { headers })],
];

const WRONG_KEYS = [
  "",
  "k",
  "key-of-the-prox",
  "key-of-the-proxz",
  "key-of-the-proxyy",
  "undefined",
];

for (const [about, build] of PROTECTED) {
  Deno.test(`${about} accepts a key of PROXY_API_KEYS and rejects all others with 401`, async () => {
    await using upstream = startUpstream(() => Response.json(completion("Hi")), {
      models: [{ id: "a/b", name: "B" }],
    });
    const { handler } = createProxy({ upstream, env: { PROXY_API_KEYS: "key-of-the-proxy" } });
    for (const key of WRONG_KEYS) {
      for (const headers of [{ "x-api-key": key }, { authorization: `Bearer ${key}` }]) {
        const response = await call(handler, build(headers));
        const { error } = await response.json();
        assertEquals([key, response.status, error.type], [key, 401, "authentication_error"]);
      }
    }
    assertEquals(upstream.requests.length, 0);
    const response = await call(handler, build({ "x-api-key": "key-of-the-proxy" }));
    await response.text();
    assertEquals(response.status, 200);
  });
}
