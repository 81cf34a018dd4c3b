// Log records of requests, and what must not be in the log.

import { assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { createHandler } from "../../lib/server.ts";
import {
  completion,
  errorChunk,
  finishChunk,
  sse,
  sseAnswer,
  textChunk,
} from "../helpers/chunks.ts";
import { text, user } from "../helpers/messages.ts";
import { call, createProxy, get, MODES, post, requestBody, send } from "../helpers/proxy.ts";
import { replyEither } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { withTimeout } from "../helpers/timeout.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  type Reply,
  startUpstream,
} from "../helpers/upstream.ts";

const UPSTREAM_MODEL = "anthropic/claude-4-sonnet";

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

for (const { mode, request } of MODES) {
  Deno.test(`the log record of ${mode} has model, provider, tokens, cost and outcome`, async () => {
    await using upstream = startUpstream(replyEither);
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

const SONNET = "anthropic/claude-sonnet-4-20250514";

Deno.test("the log record of a failure has its type, message and target model", async () => {
  await using upstream = startUpstream(() => errorBody(429, "slow down"));
  const { services, handler } = createProxy({ upstream });
  await readError(await send(handler, requestBody({ stream: true })));
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
  await (await send(handler, requestBody({ stream: true }))).text();
  const { status, outcome, error, provider, upstreamModel } = await services.recorded();
  assertEquals([status, outcome, error], [200, "overloaded_error", "Overloaded"]);
  assertEquals([provider, upstreamModel], ["Anthropic", UPSTREAM_MODEL]);
});

Deno.test("the log record of a stream is written when the stream has ended", async () => {
  const source = createOpenStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => source.response);
  const { services, handler } = createProxy({ upstream });
  const response = await send(handler, requestBody({ stream: true }));
  await nextTurn();
  assertEquals(services.records, []);
  source.send(sse(finishChunk(), "[DONE]"));
  await response.text();
  assertEquals((await services.recorded()).outcome, "complete");
});

Deno.test("the log record of a rejected request has method, path and error", async () => {
  const { services, handler } = createProxy();
  await readError(await send(handler, requestBody(), { origin: "https://evil.com" }));
  const { totalMs: _, ...record } = await services.recorded();
  assertEquals(record, {
    requestId: "req_1",
    method: "POST",
    path: "/v1/messages",
    status: 403,
    outcome: "permission_error",
    error: "Origin not allowed: add it to ALLOWED_ORIGINS",
  });
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

Deno.test("the text of an invalid body is not logged", async () => {
  const { services, handler } = createProxy();
  const response = await send(handler, '{"messages": my-prompt}');
  assertEquals((await readError(response)).status, 400);
  await services.recorded();
  assertEquals(services.lines.filter((line) => line.includes("prompt")), []);
});

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
  ["an upstream error", () => errorBody(500, "The upstream message")],
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
