// Response headers: request-id, retry-after and those of streams.

import { assertEquals } from "@std/assert";
import { checkGrammar } from "../helpers/grammar.ts";
import { call, createProxy, get, post, requestBody, send } from "../helpers/proxy.ts";
import { replyEither, replyStream } from "../helpers/replies.ts";
import { readEvents } from "../helpers/responses.ts";
import { type Reply, startUpstream } from "../helpers/upstream.ts";

Deno.test("every response has its own request-id", async () => {
  await using upstream = startUpstream(replyEither);
  const { handler } = createProxy({ upstream });
  const requests = [
    get("/health"),
    get("/nothing"),
    get("/v1/messages"),
    get("/", { method: "OPTIONS" }),
    post("{"),
    post(requestBody(), { origin: "https://evil.com" }),
    post(requestBody()),
    post(requestBody({ stream: true })),
  ];
  const ids: (string | null)[] = [];
  for (const request of requests) {
    const response = await call(handler, request);
    ids.push(response.headers.get("request-id"));
    await response.text();
  }
  assertEquals(ids, requests.map((_, i) => `req_${i + 1}`));
});

Deno.test("a stream's headers disable caching, transforming and proxy buffering", async () => {
  await using upstream = startUpstream(replyStream);
  const response = await send(createProxy({ upstream }).handler, requestBody({ stream: true }));
  const events = await readEvents(response);
  checkGrammar(events);
  const { headers } = response;
  assertEquals(headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertEquals(headers.get("cache-control"), "no-cache, no-transform");
  assertEquals(headers.get("x-accel-buffering"), "no");
});

Deno.test("retry-after is forwarded", async () => {
  const reply = (status: number): Reply => () =>
    Response.json({ error: { code: status, message: "slow down" } }, {
      status,
      headers: { "retry-after": "17", "x-ratelimit-reset": "1" },
    });
  await using upstream = startUpstream([reply(429), reply(503)]);
  const { handler } = createProxy({ upstream });
  for (let i = 0; i < 2; i++) {
    const response = await send(handler, requestBody());
    await response.body?.cancel();
    assertEquals(response.headers.get("retry-after"), "17");
    assertEquals(response.headers.has("x-ratelimit-reset"), false);
  }
});
