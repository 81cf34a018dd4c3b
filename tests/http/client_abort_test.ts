// A client that disconnects aborts the upstream request.

import { assertEquals } from "@std/assert";
import { completion, roleChunk, sse, sseAnswer, textChunk } from "../helpers/chunks.ts";
import {
  awaitHeaders,
  call,
  createProxy,
  MODES,
  post,
  requestBody,
  startProxy,
} from "../helpers/proxy.ts";
import { replyJson } from "../helpers/replies.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { createHandlerWithFetch } from "../helpers/translated_response.ts";
import {
  createOpenBody,
  createOpenStream,
  eventStream,
  startSilentUpstream,
  startUpstream,
} from "../helpers/upstream.ts";

/**
 * Sends a request in one packet over TCP and reads nothing. Before the response headers, Deno 2.8 and newer
 * reliably report a disconnect (`request.signal`) only of such a client; fetch sends two packets.
 */
async function sendOverTcp(url: string, body: unknown): Promise<{ disconnect(): void }> {
  const { hostname, port, host } = new URL(url);
  const text = JSON.stringify(body);
  const headers =
    `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `content-length: ${text.length}\r\n\r\n`;
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(headers + text));
  return { disconnect: () => connection.close() };
}

for (const { mode, request } of MODES) {
  Deno.test(`${mode} aborts the upstream request if the client disconnects before the upstream headers`, async () => {
    await using upstream = startSilentUpstream();
    await using proxy = startProxy({ upstream });
    const { disconnect } = await sendOverTcp(proxy.url, request);
    await upstream.requested;
    disconnect();
    await withTimeout(upstream.disconnected, "the upstream request to be aborted");
    const record = await proxy.services.recorded();
    assertEquals([record.outcome, record.status], ["client_gone", 499]);
  });

  Deno.test(`${mode} aborts the upstream request if the client disconnects during the upstream body`, async () => {
    const source = createOpenStream(mode === "a plain request" ? "{" : sse(roleChunk()));
    await using upstream = startUpstream(() => source.response);
    await using proxy = startProxy({ upstream });
    const hasHeaders = awaitHeaders(proxy.services);
    const { disconnect } = await sendOverTcp(proxy.url, request);
    await hasHeaders;
    disconnect();
    await withTimeout(source.cancelled, "the body to be cancelled");
    const { outcome, status } = await proxy.services.recorded();
    assertEquals([outcome, status], ["client_gone", 499]);
  });
}

/** Sends a request that the test can abort. */
function startFetch(
  url: string,
  body: unknown,
): { response: Promise<Response>; disconnect(): void } {
  const controller = new AbortController();
  const response = fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: controller.signal,
  });
  // Aborting rejects it, possibly before the test awaits it.
  response.catch(() => {});
  return { response, disconnect: () => controller.abort() };
}

Deno.test("a client that disconnects from an idle stream aborts the upstream request at once", async () => {
  const source = createOpenStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => source.response);
  await using proxy = startProxy({ upstream });
  const { response, disconnect } = startFetch(proxy.url, requestBody({ stream: true }));
  const reader = (await response).body?.getReader();
  await reader?.read();
  disconnect();
  await withTimeout(source.cancelled, "the body to be cancelled");
  await reader?.closed.catch(() => {});
  const record = await proxy.services.recorded();
  assertEquals([record.outcome, record.status], ["client_gone", 200]);
});

Deno.test("a disconnect that only the request's signal reports is recorded as client_gone", async () => {
  // Deno 2.5 aborts the signal before it cancels the response body.
  const source = createOpenStream(sse(textChunk("Hi")));
  await using upstream = startUpstream(() => source.response);
  const { handler, services } = createProxy({ upstream });
  const client = new AbortController();
  const request = new Request(post(requestBody({ stream: true })), { signal: client.signal });
  const response = await call(handler, request);
  client.abort();
  await response.text();
  const { outcome, error } = await services.recorded();
  assertEquals([outcome, error], ["client_gone", undefined]);
});

for (const stream of [true, false]) {
  Deno.test(`after a complete response with stream ${stream} nothing aborts the upstream call`, async () => {
    const signals: (AbortSignal | null | undefined)[] = [];
    const handler = createHandlerWithFetch(({ signal }) => {
      signals.push(signal);
      return stream ? eventStream(sseAnswer("Hi")) : Response.json(completion("Hi"));
    });
    const client = new AbortController();
    const request = new Request(post(requestBody({ stream })), { signal: client.signal });
    await (await call(handler, request)).text();
    // As the runtime does after each success.
    client.abort();
    assertEquals(signals.map((signal) => signal?.aborted), [false]);
  });
}

Deno.test("thirty clients that disconnect together abort thirty upstream requests, and the next request is served", async () => {
  const streams = Array.from({ length: 30 }, () => createOpenStream(sse(textChunk("Hi"))));
  await using upstream = startUpstream([
    ...streams.map(({ response }) => () => response),
    replyJson,
  ]);
  await using proxy = startProxy({ upstream });
  const clients = streams.map(() => startFetch(proxy.url, requestBody({ stream: true })));
  const responses = await Promise.all(clients.map(({ response }) => response));
  for (const { disconnect } of clients) disconnect();
  const cancelled = Promise.all(streams.map(({ cancelled }) => cancelled));
  await withTimeout(cancelled, "all upstream bodies to be cancelled");
  await Promise.all(responses.map((response) => response.body?.cancel().catch(() => {})));
  await proxy.services.recorded(29);
  const response = await startFetch(proxy.url, requestBody()).response;
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

Deno.test("a client that disconnects before the upstream headers aborts the upstream request", async () => {
  const disconnected = Promise.withResolvers<void>();
  const requested = Promise.withResolvers<void>();
  const handler = createHandlerWithFetch(({ signal }) => {
    const never = Promise.withResolvers<Response>();
    signal?.addEventListener("abort", () => {
      never.reject(signal.reason);
      disconnected.resolve();
    });
    requested.resolve();
    return never.promise;
  });
  const controller = new AbortController();
  const response = call(handler, new Request(post(requestBody()), { signal: controller.signal }));
  await withTimeout(requested.promise, "the upstream request");
  controller.abort();
  await withTimeout(disconnected.promise, "the upstream request to be aborted");
  await (await response).body?.cancel();
});

Deno.test("a client that cancels an idle stream cancels the upstream body", async () => {
  const source = createOpenBody(sse(textChunk("Half")), { isBytes: true });
  const handler = createHandlerWithFetch(() => eventStream(source.body));
  const response = await call(handler, post(requestBody({ stream: true })));
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await withTimeout(source.cancelled, "the upstream request to be aborted");
});
