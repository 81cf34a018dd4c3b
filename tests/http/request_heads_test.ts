// Hostile heads and slow senders: the rows of the failure catalogue (§2.2) about smuggling, garbage, Host, request
// targets and slowloris, as bytes on the socket of the listening proxy.

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { answerHi, sendTo, startStage, STREAM } from "../helpers/end_to_end.ts";
import { ask } from "../helpers/proxy.ts";
import { connect, rawPost } from "../helpers/raw_client.ts";
import { withTimeout } from "../helpers/timeout.ts";

// ── Heads and paths ─────────────────────────────────────────────────────────────────────────────────────────

const GOOD = JSON.stringify(ask());
const HEAD = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
const HIDDEN = `${HEAD}content-length: ${GOOD.length}\r\n\r\n${GOOD}`;
/** Raw requests that must be refused or closed, and after which nothing may have reached upstream. */
const REFUSED: [about: string, sent: string | Uint8Array][] = [
  [
    "CL+TE smuggling",
    `${HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`.replace(
      "0\r\n\r\nPOST",
      "2\r\n{}\r\n0\r\n\r\nGET",
    ),
  ],
  [
    "two lengths that differ",
    `${HEAD}content-length: 2\r\ncontent-length: ${GOOD.length}\r\n\r\n${GOOD}`,
  ],
  ["a length that is no number", `${HEAD}content-length: many\r\n\r\n${GOOD}`],
  ["a negative length", `${HEAD}content-length: -1\r\n\r\n${GOOD}`],
  ["a length beyond all numbers", `${HEAD}content-length: 99999999999999999999999\r\n\r\n${GOOD}`],
  ["an unknown transfer coding", `${HEAD}transfer-encoding: xchunked\r\n\r\n${GOOD}`],
  [
    "a chunk size that is none",
    `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n${GOOD}\r\n0\r\n\r\n`,
  ],
  [
    "a space before the colon",
    `${HEAD}transfer-encoding : chunked\r\ncontent-length: ${GOOD.length}\r\n\r\n${GOOD}`,
  ],
  ["garbage bytes", new Uint8Array([0x16, 3, 1, 0, 0xff, 0xfe, 13, 10, 13, 10])],
  [
    "a TLS hello",
    new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array(64).fill(7), 13, 10, 13, 10]),
  ],
  ["200 KB headers", `${HEAD}x-big: ${"a".repeat(600_000)}\r\n\r\n`],
  ["1,000 headers", `${HEAD}${"x-a: b\r\n".repeat(20_000)}\r\n`],
  ["HTTP/0.9", "GET /v1/models\r\n\r\n"],
  ["HTTP/3.0", "GET /v1/models HTTP/3.0\r\nhost: localhost\r\n\r\n"],
  ["a foreign Host", HIDDEN.replace("host: localhost", "host: evil.example")],
  ["a Host that is no host", HIDDEN.replace("host: localhost", "host: a b")],
  ["a Host with credentials", HIDDEN.replace("host: localhost", "host: localhost@evil.example")],
  ["two Hosts", HIDDEN.replace("host: localhost", "host: localhost\r\nhost: evil.example")],
  ["path tricks", HIDDEN.replace("/v1/messages", "/v1/../../etc/passwd")],
  ["an encoded path", HIDDEN.replace("/v1/messages", "/v1%2fmessages")],
  ["a doubled slash", HIDDEN.replace("/v1/messages", "//v1/messages")],
  ["a NUL in the path", HIDDEN.replace("/v1/messages", "/v1/messages%00")],
  ["a target that is no path", HIDDEN.replace("/v1/messages", "v1/messages")],
  ["a target that is no URL", HIDDEN.replace("/v1/messages", "http://[::1/v1/messages")],
  [
    "an absolute-form target elsewhere",
    HIDDEN.replace("/v1/messages", "http://evil.example/v1/other"),
  ],
  [
    "an absolute-form target with another port",
    HIDDEN.replace("POST /v1/messages", "GET http://127.0.0.1:9/v1/messages"),
  ],
  ["CONNECT", "CONNECT openrouter.ai:443 HTTP/1.1\r\nhost: openrouter.ai:443\r\n\r\n"],
  ["asterisk-form", "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n"],
  ["a foreign Origin", HIDDEN.replace("host:", "origin: https://evil.example\r\nhost:")],
];

for (const [about, sent] of REFUSED) {
  Deno.test(`§2.2 ${about}: refused or closed, nothing reaches upstream, still serving`, async () => {
    await using stage = startStage(answerHi);
    using client = await connect(stage.proxy.url);
    await client.send(sent).catch(() => {});
    const answer = await withTimeout(readHead(client), "an answer or the end");
    assert(answer === "" || /^HTTP\/1\.[01] [45]\d\d /.test(answer), answer.slice(0, 200));
    assertEquals(stage.upstream.calls.length, 0);
    client.leave();
    assertEquals((await sendTo(stage.proxy, ask())).words, "Hi");
  });
}

async function readHead(client: { readText(until: string): Promise<string> }): Promise<string> {
  return await client.readText("\r\n\r\n");
}

Deno.test("§2.2 an absolute-form target of our own path is read as that path, and fetches nothing else", async () => {
  await using stage = startStage(answerHi);
  using client = await connect(stage.proxy.url);
  const target = `http://${new URL(stage.proxy.url).host}/v1/messages`;
  await client.send(HIDDEN.replace("/v1/messages", target));
  const answer = await client.readText("\r\n\r\n");
  assertMatch(answer, /^HTTP\/1\.1 (200|4\d\d) /);
  assert(
    stage.upstream.calls.every(({ head }) => head.startsWith("POST /api/v1/chat/completions ")),
  );
});

Deno.test("§2.2 no Host at all: served, as no browser can leave it out and the peer is local", async () => {
  await using stage = startStage(answerHi);
  using client = await connect(stage.proxy.url);
  await client.send(HIDDEN.replace("host: localhost\r\n", ""));
  assertStringIncludes(await client.readText("\r\n\r\n"), "HTTP/1.1 200 ");
});

Deno.test("§2.2 two requests in one packet: two answers, two upstream calls, in order", async () => {
  await using stage = startStage(answerHi);
  using client = await connect(stage.proxy.url);
  const last = HIDDEN.replace("host:", "connection: close\r\nhost:");
  await client.send(HIDDEN + last);
  const answer = await client.readText();
  assertEquals(answer.match(/HTTP\/1\.1 200 /g)?.length, 2);
  assertEquals(stage.upstream.calls.length, 2);
});

// ── Slowloris ───────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("§2.2 slowloris, 60 half heads and 60 half bodies: others are served at once", async () => {
  await using stage = startStage(answerHi);
  const whole = rawPost(stage.proxy.url, STREAM);
  const clients = await Promise.all(Array.from({ length: 120 }, async (_, n) => {
    const client = await connect(stage.proxy.url);
    await client.send(whole.slice(0, n % 2 === 0 ? 30 : whole.length - 20));
    return client;
  }));
  const begin = performance.now();
  assertEquals((await withTimeout(sendTo(stage.proxy, STREAM), "an answer")).words, "Hi");
  assertLess(performance.now() - begin, 1000);
  assertEquals(stage.upstream.calls.length, 1);
  for (const client of clients) client.leave();
});

Deno.test("§2.2 slowloris, a body that falls silent: 408 when its time is over", async () => {
  using _clock = hasten(30_000, 50);
  await using stage = startStage(answerHi);
  using client = await connect(stage.proxy.url);
  const whole = rawPost(stage.proxy.url, STREAM, { connection: "close" });
  await client.send(whole.slice(0, -20));
  const answer = await client.readText("request_id");
  assertStringIncludes(answer, "HTTP/1.1 408 ");
  assertStringIncludes(answer, '"type":"timeout_error"');
  assertEquals(stage.upstream.calls.length, 0);
});

Deno.test("§2.2 slowloris, more requests than MAX_INFLIGHT: 529 at once, room again when they leave", async () => {
  await using stage = startStage(answerHi, { MAX_INFLIGHT: "3" });
  const whole = rawPost(stage.proxy.url, STREAM);
  const clients = await Promise.all(Array.from({ length: 3 }, async () => {
    const client = await connect(stage.proxy.url);
    await client.send(whole.slice(0, -20));
    return client;
  }));
  let busy = await sendTo(stage.proxy, STREAM);
  // The heads of the three may still be on their way.
  while (busy.status === 200) busy = await sendTo(stage.proxy, STREAM);
  assertEquals([busy.status, busy.headers.get("retry-after")], [529, "1"]);
  for (const client of clients) client.leave();
  for (let n = 0; n < 3; n++) await withTimeout(stage.proxy.services.recorded(n), "the record");
  let free = await sendTo(stage.proxy, STREAM);
  while (free.status === 529) free = await sendTo(stage.proxy, STREAM);
  assertEquals(free.words, "Hi");
});

/** Timers of one length go off after another: nobody waits half a minute for a test. */
function hasten(ms: number, fastMs: number): Disposable {
  const original = globalThis.setTimeout;
  const hastened = (run: () => void, delay?: number) =>
    original(run, delay === ms ? fastMs : delay);
  globalThis.setTimeout = Object.assign(hastened, original);
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = original;
    },
  };
}
