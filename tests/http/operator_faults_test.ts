// Clock, logs, keys and addresses: the rows of the failure catalogue about the operator (§2.3) and security (§2.4) that
// no other file says. Starts, ports and signals are in cli_test.ts, who may use it in access_test.ts.

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { createCliServices } from "../../lib/cli/serve.ts";
import { loadConfig } from "../../lib/config.ts";
import { completion, finishChunk, sse, sseAnswer, textChunk } from "../helpers/chunks.ts";
import { MODES } from "../helpers/end_to_end.ts";
import { ask, call, createProxy, get, ORIGIN, post } from "../helpers/proxy.ts";
import { startRawUpstream } from "../helpers/raw_upstream.ts";
import { text, user } from "../helpers/messages.ts";
import { errorBody, eventStream, type Reply, startUpstream } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";

/** Replaces the wall clock. */
function setWallClock(now: () => number): Disposable {
  const original = Date.now;
  Date.now = now;
  return { [Symbol.dispose]: () => void (Date.now = original) };
}

function createRealServices() {
  return createCliServices(loadConfig(() => undefined), { name: "test", version: "0" });
}

// ── §2.3 ────────────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("the clock of timeouts does not follow the wall clock", () => {
  const { now } = createRealServices();
  const before = now();
  const day = Date.now() + 86_400_000;
  using _clock = setWallClock(() => day);
  assertLess(Math.abs(now() - before), 5000);
});

Deno.test("message ids are unique within one millisecond and have Anthropic's format", () => {
  const { newId } = createRealServices();
  using _clock = setWallClock(() => 0);
  const ids = Array.from({ length: 10_000 }, () => newId("msg"));
  assertEquals(new Set(ids).size, ids.length);
  for (const id of ids) assertMatch(id, /^msg_[0-9a-f]{32}$/);
});

// ── §2.4 ────────────────────────────────────────────────────────────────────────────────────────────────────

const ANSWERS: [about: string, reply: Reply][] = [
  [
    "a complete response",
    ({ body }) =>
      body["stream"] ? eventStream(sseAnswer("my-secret")) : Response.json(completion("my-secret")),
  ],
  ["a response that is cut off", () => eventStream(sse(textChunk("my-secret")))],
  ["a response of the wrong shape", () => Response.json({ choices: ["my-secret"] })],
  [
    "an event that is not valid JSON",
    () => eventStream(sse(textChunk("my-secret"), "my-secret", finishChunk())),
  ],
  ["an upstream error", () => errorBody(500, "The words of the error")],
];
const SECRET_TEXT = {
  system: "my-secret",
  messages: [user(text("my-secret"))],
  tools: [{ name: "Read", description: "my-secret", input_schema: { type: "object" } }],
};

for (const { mode, request } of MODES) {
  for (const [about, reply] of ANSWERS) {
    Deno.test(`the debug log of ${mode} contains no prompt or response text with ${about}`, async () => {
      await using upstream = startUpstream(reply);
      const { services, handler } = createProxy({ upstream });
      await (await call(handler, post({ ...request, ...SECRET_TEXT }))).text();
      await withTimeout(services.recorded(), "the record");
      assertEquals(services.lines.length > 0, true);
      assertEquals(services.lines.filter((line) => line.includes("my-secret")), []);
    });
  }
}

for (const type of ["image", "document"]) {
  Deno.test(`the proxy forwards the URL of a ${type} and does not fetch it`, async () => {
    await using server = startRawUpstream(() => {});
    await using upstream = startUpstream(() => Response.json(completion("Hi")));
    const { handler } = createProxy({ upstream });
    const url = `${server.baseUrl}/secret`;
    const messages = [user({ type, source: { type: "url", url } }, text("What is this?"))];
    const response = await call(handler, post(ask({ messages })));
    assertEquals([response.status, (await response.json()).type], [200, "message"]);
    assertEquals(upstream.requests.map((seen) => seen.text.includes(url)), [true]);
    assertEquals([server.calls.length, server.open], [0, 0]);
  });
}

const PROTECTED: [about: string, build: (headers: Record<string, string>) => Request][] = [
  ["POST /v1/messages", (headers) => post(ask(), headers)],
  ["POST /v1/messages/count_tokens", (headers) => {
    const { body } = post(ask());
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
