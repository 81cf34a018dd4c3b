// Malformed requests and slow clients: request smuggling, invalid bytes, Host, request targets and slowloris, as
// bytes on the proxy's socket.

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { replyHi, sendTo, startHarness, STREAM } from "../helpers/end_to_end.ts";
import { requestBody } from "../helpers/proxy.ts";
import { connect, rawPost } from "../helpers/raw_client.ts";
import { withTimeout } from "../helpers/timeout.ts";

// ── Headers and paths ─────────────────────────────────────────────────────────────────────────────────────────

const BODY = JSON.stringify(requestBody());
const HEADERS =
  "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const REQUEST = `${HEADERS}content-length: ${BODY.length}\r\n\r\n${BODY}`;
/** Requests that must be rejected, or whose connection must be closed, without an upstream request. */
const REJECTED: [about: string, sent: string | Uint8Array][] = [
  [
    "content-length and transfer-encoding (smuggling)",
    `${HEADERS}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${REQUEST}`.replace(
      "0\r\n\r\nPOST",
      "2\r\n{}\r\n0\r\n\r\nGET",
    ),
  ],
  [
    "two different lengths",
    `${HEADERS}content-length: 2\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  ],
  ["a length that is not a number", `${HEADERS}content-length: many\r\n\r\n${BODY}`],
  ["a negative length", `${HEADERS}content-length: -1\r\n\r\n${BODY}`],
  ["a huge length", `${HEADERS}content-length: 99999999999999999999999\r\n\r\n${BODY}`],
  ["an unknown transfer coding", `${HEADERS}transfer-encoding: xchunked\r\n\r\n${BODY}`],
  [
    "an invalid chunk size",
    `${HEADERS}transfer-encoding: chunked\r\n\r\nzz\r\n${BODY}\r\n0\r\n\r\n`,
  ],
  [
    "a space before the colon",
    `${HEADERS}transfer-encoding : chunked\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  ],
  ["binary bytes", new Uint8Array([0x16, 3, 1, 0, 0xff, 0xfe, 13, 10, 13, 10])],
  [
    "a TLS hello",
    new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(64).fill(7), 13, 10, 13, 10]),
  ],
  ["a header of 600 KB", `${HEADERS}x-big: ${"a".repeat(600_000)}\r\n\r\n`],
  ["20,000 headers", `${HEADERS}${"x-a: b\r\n".repeat(20_000)}\r\n`],
  ["HTTP/0.9", "GET /v1/models\r\n\r\n"],
  ["HTTP/3.0", "GET /v1/models HTTP/3.0\r\nhost: localhost\r\n\r\n"],
  ["another Host", REQUEST.replace("host: localhost", "host: evil.example")],
  ["an invalid Host", REQUEST.replace("host: localhost", "host: a b")],
  ["a Host with credentials", REQUEST.replace("host: localhost", "host: localhost@evil.example")],
  ["two Hosts", REQUEST.replace("host: localhost", "host: localhost\r\nhost: evil.example")],
  ["a path with ..", REQUEST.replace("/v1/messages", "/v1/../../etc/passwd")],
  ["an encoded path", REQUEST.replace("/v1/messages", "/v1%2fmessages")],
  ["a double slash", REQUEST.replace("/v1/messages", "//v1/messages")],
  ["a NUL in the path", REQUEST.replace("/v1/messages", "/v1/messages%00")],
  ["a target without a leading slash", REQUEST.replace("/v1/messages", "v1/messages")],
  ["a target that is not a valid URL", REQUEST.replace("/v1/messages", "http://[::1/v1/messages")],
  [
    "an absolute-form target with another host",
    REQUEST.replace("/v1/messages", "http://evil.example/v1/other"),
  ],
  [
    "an absolute-form target with another port",
    REQUEST.replace("POST /v1/messages", "GET http://127.0.0.1:9/v1/messages"),
  ],
  ["the CONNECT method", "CONNECT openrouter.ai:443 HTTP/1.1\r\nhost: openrouter.ai:443\r\n\r\n"],
  ["an asterisk-form target", "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n"],
  ["another Origin", REQUEST.replace("host:", "origin: https://evil.example\r\nhost:")],
];

for (const [about, sent] of REJECTED) {
  Deno.test(`a request with ${about} is rejected without an upstream request`, async () => {
    await using harness = startHarness(replyHi);
    using client = await connect(harness.proxy.url);
    await client.send(sent).catch(() => {});
    const response = await withTimeout(readHeaders(client), "a response or a close");
    assert(response === "" || /^HTTP\/1\.[01] [45]\d\d /.test(response), response.slice(0, 200));
    assertEquals(harness.upstream.calls.length, 0);
    client.disconnect();
    assertEquals((await sendTo(harness.proxy, requestBody())).content, "Hi");
  });
}

async function readHeaders(client: { readText(until: string): Promise<string> }): Promise<string> {
  return await client.readText("\r\n\r\n");
}

Deno.test("an absolute-form target is handled as its path and not fetched", async () => {
  await using harness = startHarness(replyHi);
  using client = await connect(harness.proxy.url);
  const target = `http://${new URL(harness.proxy.url).host}/v1/messages`;
  await client.send(REQUEST.replace("/v1/messages", target));
  const response = await client.readText("\r\n\r\n");
  assertMatch(response, /^HTTP\/1\.1 (200|4\d\d) /);
  assert(
    harness.upstream.calls.every(({ headers }) =>
      headers.startsWith("POST /api/v1/chat/completions ")
    ),
  );
});

Deno.test("a local request without Host is accepted", async () => {
  await using harness = startHarness(replyHi);
  using client = await connect(harness.proxy.url);
  await client.send(REQUEST.replace("host: localhost\r\n", ""));
  assertStringIncludes(await client.readText("\r\n\r\n"), "HTTP/1.1 200 ");
});

Deno.test("two requests in one packet get two responses", async () => {
  await using harness = startHarness(replyHi);
  using client = await connect(harness.proxy.url);
  const last = REQUEST.replace("host:", "connection: close\r\nhost:");
  await client.send(REQUEST + last);
  const response = await client.readText();
  assertEquals(response.match(/HTTP\/1\.1 200 /g)?.length, 2);
  assertEquals(harness.upstream.calls.length, 2);
});

// ── Slow clients ───────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("120 incomplete requests do not delay others", async () => {
  await using harness = startHarness(replyHi);
  const request = rawPost(harness.proxy.url, STREAM);
  const clients = await Promise.all(Array.from({ length: 120 }, async (_, n) => {
    const client = await connect(harness.proxy.url);
    await client.send(request.slice(0, n % 2 === 0 ? 30 : request.length - 20));
    return client;
  }));
  const begin = performance.now();
  assertEquals((await withTimeout(sendTo(harness.proxy, STREAM), "a response")).content, "Hi");
  assertLess(performance.now() - begin, 1000);
  assertEquals(harness.upstream.calls.length, 1);
  for (const client of clients) client.disconnect();
});

Deno.test("a request whose body is idle gets 408 after the idle timeout", async () => {
  using _timers = shortenTimers(30_000, 50);
  await using harness = startHarness(replyHi);
  using client = await connect(harness.proxy.url);
  const request = rawPost(harness.proxy.url, STREAM, { connection: "close" });
  await client.send(request.slice(0, -20));
  const response = await client.readText("request_id");
  assertStringIncludes(response, "HTTP/1.1 408 ");
  assertStringIncludes(response, '"type":"timeout_error"');
  assertEquals(harness.upstream.calls.length, 0);
});

Deno.test("incomplete requests count under MAX_INFLIGHT until the clients disconnect", async () => {
  await using harness = startHarness(replyHi, { MAX_INFLIGHT: "3" });
  const request = rawPost(harness.proxy.url, STREAM);
  const clients = await Promise.all(Array.from({ length: 3 }, async () => {
    const client = await connect(harness.proxy.url);
    await client.send(request.slice(0, -20));
    return client;
  }));
  let busy = await sendTo(harness.proxy, STREAM);
  // The proxy may not have read the three headers yet.
  while (busy.status === 200) busy = await sendTo(harness.proxy, STREAM);
  assertEquals([busy.status, busy.headers.get("retry-after")], [529, "1"]);
  for (const client of clients) client.disconnect();
  for (let n = 0; n < 3; n++) await withTimeout(harness.proxy.services.recorded(n), "the record");
  let free = await sendTo(harness.proxy, STREAM);
  while (free.status === 529) free = await sendTo(harness.proxy, STREAM);
  assertEquals(free.content, "Hi");
});

/** Shortens timers of one length, so that the test need not wait. */
function shortenTimers(ms: number, fastMs: number): Disposable {
  const original = globalThis.setTimeout;
  const shortened = (run: () => void, delay?: number) =>
    original(run, delay === ms ? fastMs : delay);
  globalThis.setTimeout = Object.assign(shortened, original);
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = original;
    },
  };
}
