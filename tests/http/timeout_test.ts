// TIMEOUT_S before the upstream headers, and PING_S before the first chunk.

import { assertEquals, assertGreaterOrEqual, assertLess, assertStringIncludes } from "@std/assert";
import { sseAnswer } from "../helpers/chunks.ts";
import { checkGrammar } from "../helpers/grammar.ts";
import { createProxy, MODES, requestBody, send } from "../helpers/proxy.ts";
import { replyNever } from "../helpers/replies.ts";
import { readError, readEvents } from "../helpers/responses.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { createOpenStream, replyInvalidModel, startUpstream } from "../helpers/upstream.ts";

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets 504 if no upstream headers come within TIMEOUT_S, and the upstream request is aborted`, async () => {
    await using upstream = startUpstream(replyNever);
    const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.05" } });
    const error = await readError(await send(handler, request));
    assertEquals(error, {
      status: 504,
      type: "timeout_error",
      message: `No response from ${upstream.host} within 0.05 s (TIMEOUT_S)`,
    });
    await upstream.requests[0]?.disconnected;
  });
}

Deno.test("both attempts at a default target share one TIMEOUT_S", async () => {
  await using upstream = startUpstream([
    (request) =>
      new Promise((resolve) => setTimeout(() => resolve(replyInvalidModel(request)), 250)),
    replyNever,
  ]);
  const { handler } = createProxy({ upstream, env: { TIMEOUT_S: "0.4" } });
  const started = performance.now();
  const error = await readError(await send(handler, requestBody()));
  const elapsed = performance.now() - started;
  assertEquals([error.status, error.type, upstream.requests.length], [504, "timeout_error", 2]);
  assertStringIncludes(error.message, "within 0.4 s");
  assertGreaterOrEqual(elapsed, 390);
  // Two separate timeouts would take 0.65 s.
  assertLess(elapsed, 600);
  await upstream.requests[1]?.disconnected;
});

Deno.test("a stream without a first chunk gets headers, message_start and a ping after PING_S", async () => {
  const source = createOpenStream();
  await using upstream = startUpstream(() => source.response);
  const env = { PING_S: "0.03", TARGET_MODEL_BIG: "a/x" };
  const response = await send(
    createProxy({ upstream, env }).handler,
    requestBody({ stream: true }),
  );
  assertEquals([response.status, response.headers.get("x-proxy-model")], [200, "a/x"]);
  source.send(sseAnswer("Hi"));
  const events = await readEvents(response);
  checkGrammar(events);
  assertEquals(events.slice(0, 2).map(({ type }) => type), ["message_start", "ping"]);
  assertEquals(events.at(-1)?.type, "message_stop");
  await withTimeout(source.cancelled, "the body to be cancelled");
});
