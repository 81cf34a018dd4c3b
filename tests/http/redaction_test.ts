// Keys are redacted from responses and log, wherever upstream puts them.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { createRedactor } from "../../lib/redact.ts";
import { completion, errorChunk, finishChunk, sse, textChunk } from "../helpers/chunks.ts";
import { call, createProxy, MODES, post, requestBody, send, SERVER_KEY } from "../helpers/proxy.ts";
import { lastError, readError, readEvents } from "../helpers/responses.ts";
import { errorBody, eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";

/** Part of a key must not leak either. */
const KEY_PIECE = SERVER_KEY.slice(0, 16);

Deno.test("a key echoed in an upstream error is redacted in body, headers and log", async () => {
  await using upstream = startUpstream(() => errorBody(401, `Bad key ${SERVER_KEY}!`));
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
  const response = await send(handler, requestBody(), { authorization: `Bearer ${own}` });
  assertEquals((await readError(response)).message, "Bad key [redacted]!");
  await services.recorded();
  assertEquals(services.lines.join().includes(own), false);
});

Deno.test("a short word sent as a bearer token is not redacted from model names", async () => {
  await using upstream = startUpstream(() =>
    Response.json({ ...completion("Hi"), model: "anthropic/claude-4-sonnet" })
  );
  const { handler, services } = createProxy({ upstream });
  const response = await call(handler, post(requestBody(), { authorization: "Bearer anthropic" }));
  await response.body?.cancel();
  assertEquals(response.headers.get("x-proxy-model"), "anthropic/claude-4-sonnet");
  assertEquals((await services.recorded()).upstreamModel, "anthropic/claude-4-sonnet");
});

Deno.test("a key echoed in base64 is redacted, alone and after a user name", async () => {
  const echoed = `${btoa(SERVER_KEY)} or Basic ${btoa(`me:${SERVER_KEY}`)}`;
  await using upstream = startUpstream(() => errorBody(400, `Bad ${echoed}`));
  const { handler, services } = createProxy({ upstream });
  const text = await (await call(handler, post(requestBody()))).text();
  assertStringIncludes(text, "Bad [redacted] or Basic bWU6");
  for (const part of [btoa(SERVER_KEY).slice(0, 12), btoa(`me:${SERVER_KEY}`).slice(8, 30)]) {
    assertEquals([text, ...services.lines].some((line) => line.includes(part)), false, part);
  }
});

Deno.test("a key in an error event of a stream is redacted in event and log", async () => {
  const body = sse(textChunk("Hi"), errorChunk({ code: 401, message: `Bad key ${SERVER_KEY}!` }));
  await using upstream = startUpstream(() => eventStream(body));
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, requestBody({ stream: true }));
  assertEquals(lastError(await readEvents(response)), "authentication_error: Bad key [redacted]!");
  assertEquals((await services.recorded()).error, "Bad key [redacted]!");
  assertEquals(services.lines.join().includes(KEY_PIECE), false);
});

const KEY_IN_HEADERS: [about: string, request: unknown, reply: Reply][] = [
  ["retry-after", requestBody(), () =>
    Response.json({ error: { code: 429, message: "slow" } }, {
      status: 429,
      headers: { "retry-after": SERVER_KEY },
    })],
  [
    "the model of a JSON response",
    requestBody(),
    () => Response.json({ ...completion("Hi"), model: `vendor/${SERVER_KEY}` }),
  ],
  [
    "the model of a stream",
    requestBody({ stream: true }),
    () =>
      eventStream(
        sse({ ...textChunk("Hi"), model: `vendor/${SERVER_KEY}` }, finishChunk(), "[DONE]"),
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
    const longMessage = `${"x".repeat(length)}${SERVER_KEY}`;
    const raw = { metadata: { raw: longMessage } };
    await using upstream = startUpstream([
      () => new Response(longMessage, { status: 500 }),
      () => errorBody(500, "Provider returned error", raw),
    ]);
    const { handler } = createProxy({ upstream });
    for (let i = 0; i < 2; i++) {
      const { message } = await readError(await send(handler, requestBody()));
      assertEquals(message.includes(SERVER_KEY.slice(0, 9)), false, message.slice(-60));
    }
  }
});

Deno.test("proxy keys in upstream errors are redacted", async () => {
  await using upstream = startUpstream(() => errorBody(400, "No user proxy-key-2 here"));
  const { handler } = createProxy({ upstream, env: { PROXY_API_KEYS: "proxy-key-1,proxy-key-2" } });
  const response = await call(handler, post(requestBody(), { "x-api-key": "proxy-key-1" }));
  assertEquals((await response.json()).error.message, "No user [redacted] here");
});

Deno.test("createRedactor redacts a secret that is escaped in a JSON string", () => {
  const secret = 'secret"\\1';
  assertEquals(createRedactor([secret])(JSON.stringify({ key: secret })), '{"key":"[redacted]"}');
});
