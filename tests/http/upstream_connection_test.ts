// Upstream connections that fail: no connection, invalid headers, idle and cut responses. The proxy listens on a
// socket, and upstream is a raw TCP server.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  assertError,
  readResponse,
  sendThrough,
  sendTo,
  startHarness,
  STREAM,
} from "../helpers/end_to_end.ts";
import { connect, rawPost, unframe } from "../helpers/raw_client.ts";
import { MODES, requestBody, startProxy } from "../helpers/proxy.ts";
import {
  LAST_CHUNK,
  type RawCall,
  rawResponse,
  startRawUpstream,
  STREAM_HEADERS,
} from "../helpers/raw_upstream.ts";
import {
  completion,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  sseEnd,
  textChunk,
} from "../helpers/chunks.ts";
import { NOWHERE } from "../helpers/unused_port.ts";
import { startBytesUpstream } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const EVENTS = { "content-type": "text/event-stream" };
const START = sse(roleChunk(), textChunk("Hello 😀"));
const END = sseEnd();
const COMPLETION = JSON.stringify(completion("Hi"));

// ── No connection, no headers ───────────────────────────────────────────────────────────────────────────────

for (const { mode, request } of MODES) {
  const UNREACHABLE: [about: string, address: (port: number) => string][] = [
    ["the connection is refused", () => NOWHERE],
    ["DNS fails", () => "http://host.invalid/api/v1"],
    ["TLS fails", (port) => `https://127.0.0.1:${port}/api/v1`],
  ];
  for (const [about, address] of UNREACHABLE) {
    Deno.test(`${mode} gets 502 within seconds, with upstream's host, if ${about}`, async () => {
      await using upstream = startBytesUpstream("HTTP/1.1 400 Bad Request\r\n\r\n");
      const env = { OPENROUTER_BASE_URL: address(Number(new URL(upstream.baseUrl).port)) };
      await using proxy = startProxy({ env });
      assertError(
        await withTimeout(sendTo(proxy, request), about),
        502,
        `api_error: Cannot reach ${new URL(env.OPENROUTER_BASE_URL).host}`,
      );
      assertEquals(
        (await fetch(`${proxy.url}/health`).then((health) => health.json())).status,
        "ok",
      );
    });
  }

  const NO_HEADERS: [about: string, sent: string, resets?: boolean][] = [
    ["closes the connection at once", ""],
    ["resets the connection at once", "", true],
    ["sends half of its headers", "HTTP/1.1 200 OK\r\ncontent-ty"],
    ["sends half of its headers and resets", "HTTP/1.1 200 OK\r\ncontent-ty", true],
    ["does not speak HTTP", "220 mail.example.com ESMTP\r\n"],
    ["sends a status out of range", "HTTP/1.1 9999 What\r\n\r\n"],
    [
      "sends two different lengths",
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
    ],
  ];
  for (const [about, sent, resets = false] of NO_HEADERS) {
    Deno.test(`${mode} gets 502 if upstream ${about}`, async () => {
      assertError(
        await sendThrough(({ send }) => send(sent), { request, resets }),
        502,
        "api_error",
      );
    });
  }

  Deno.test(`${mode} waits for slow upstream headers`, async () => {
    const outcome = await sendThrough(async ({ send }) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await send(
        rawResponse(
          200,
          request["stream"] ? sseAnswer("Hi") : COMPLETION,
          request["stream"] ? EVENTS : undefined,
        ),
      );
    }, { request, env: { TIMEOUT_S: "5" } });
    assertEquals([outcome.status, outcome.content, outcome.error], [200, "Hi", ""]);
  });

  Deno.test(`${mode} gets 504 and aborts the upstream request if no headers come`, async () => {
    await using harness = startHarness(({ disconnected }) => disconnected, { TIMEOUT_S: "0.1" });
    assertError(
      await sendTo(harness.proxy, request),
      504,
      `timeout_error: No response from ${new URL(harness.upstream.baseUrl).host} within 0.1 s`,
    );
    await withTimeout(
      harness.upstream.calls[0]?.disconnected ?? Promise.reject(),
      "the upstream request to be aborted",
    );
  });
}

// ── Idle upstream ───────────────────────────────────────────────────────────────────────────────────────────

Deno.test("an idle stream sends pings, then an error event, and closes the upstream connection", async () => {
  await using harness = startHarness(async ({ send, chunk, disconnected }) => {
    await send(STREAM_HEADERS);
    await chunk(START);
    await disconnected;
  }, { TIMEOUT_S: "0.4", PING_S: "0.1" });
  const outcome = await sendTo(harness.proxy, STREAM);
  assertEquals([outcome.status, outcome.content], [200, "Hello 😀"]);
  assertEquals(outcome.error, "timeout_error: No data from upstream for 0.4 s (TIMEOUT_S)");
  assert(outcome.events.filter((event) => event.type === "ping").length >= 2, outcome.text);
  await withTimeout(
    harness.upstream.calls[0]?.disconnected ?? Promise.reject(),
    "the upstream request to be aborted",
  );
});

Deno.test("SSE comments restart the idle timeout while pings are still sent", async () => {
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    await chunk(START);
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await chunk(": OPENROUTER PROCESSING\n\n");
    }
    await chunk(END);
    await send(LAST_CHUNK);
  }, { env: { TIMEOUT_S: "0.4", PING_S: "0.15" } });
  assertEquals([outcome.content, outcome.error], ["Hello 😀", ""]);
  assert(outcome.events.filter((event) => event.type === "ping").length >= 2, outcome.text);
});

Deno.test("an idle JSON body becomes a 504 and closes the upstream connection", async () => {
  await using harness = startHarness(async ({ send, disconnected }) => {
    await send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    await disconnected;
  }, { TIMEOUT_S: "0.1" });
  assertError(await sendTo(harness.proxy, requestBody()), 504, "timeout_error");
  await withTimeout(
    harness.upstream.calls[0]?.disconnected ?? Promise.reject(),
    "the upstream request to be aborted",
  );
});

// ── Cut responses ───────────────────────────────────────────────────────────────────────────────────────────

/** How a connection ends in the middle. */
const ENDS: [how: string, end: string, resets: boolean][] = [
  ["a reset", "", true],
  ["a close within the HTTP body", "", false],
  ["a clean end of the HTTP body", LAST_CHUNK, false],
];
const EMOJI = bytes(START).indexOf(0xf0);
const TOOL_START = sse({
  choices: [{
    delta: {
      tool_calls: [{
        index: 0,
        id: "call_1",
        function: { name: "Bash", arguments: '{"command":"rm -rf /tmp/' },
      }],
    },
  }],
});
const CUTS: [where: string, sent: Uint8Array, content: string][] = [
  ["between events", bytes(START), "Hello 😀"],
  ["within an event", bytes(START + sse(textChunk(" and more")).slice(0, -9)), "Hello 😀"],
  ["before the blank line of an event", bytes(START.slice(0, -2)), ""],
  ["within a character", bytes(START).slice(0, EMOJI + 2), ""],
  [
    "within a character after text",
    new Uint8Array([...bytes(START), ...bytes(START).slice(0, EMOJI + 2)]),
    "Hello 😀",
  ],
  ["within tool arguments", bytes(START + TOOL_START), "Hello 😀"],
];

for (const [where, sent, content] of CUTS) {
  for (const [how, end, resets] of ENDS) {
    Deno.test(`a stream cut ${where} by ${how} returns its text, then an error`, async () => {
      const outcome = await sendThrough(async ({ send, chunk }) => {
        await send(STREAM_HEADERS);
        await chunk(sent);
        await send(end);
      }, { resets });
      assertMatch(outcome.error, /^api_error: /);
      // A reset may discard bytes sent before it, so there may be no text at all.
      if (!resets && content !== "") {
        assertEquals([outcome.status, outcome.content], [200, content]);
      } else {assert(
          content.startsWith(outcome.content) || outcome.content === "Hello 😀",
          outcome.content,
        );}
      assertEquals(outcome.text.includes("\uFFFD"), false);
      const kinds = outcome.events.map((event) => event.type);
      assertEquals(kinds.includes("message_stop") || kinds.includes("message_delta"), false);
    });
  }
}

Deno.test("invalid UTF-8 within an event becomes an error without U+FFFD", async () => {
  const broken = new Uint8Array([
    ...bytes(START),
    ...bytes(START + END).fill(0xc0, EMOJI, EMOJI + 1),
  ]);
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    await chunk(broken);
    await send(LAST_CHUNK);
  });
  assertMatch(outcome.error, /^api_error: /);
  assertEquals(outcome.text.includes("\uFFFD"), false);
});

Deno.test("a stream cut within tool arguments has no content_block_stop and no stop reason", async () => {
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    await chunk(TOOL_START);
  });
  assertEquals(outcome.events.map((event) => event.type).filter((type) => type !== "ping"), [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "error",
  ]);
});

Deno.test("a stream reset after its text was read returns the text, then an error", async () => {
  const { promise: isRead, resolve } = Promise.withResolvers<void>();
  await using upstream = startRawUpstream(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    await chunk(START);
    await isRead;
  }, { resets: true });
  await using proxy = startProxy({ upstream });
  using client = await connect(proxy.url);
  await client.send(rawPost(proxy.url, STREAM, { connection: "close" }));
  const first = await client.readText("Hello 😀");
  resolve();
  const outcome = readResponse(
    { status: 200, headers: new Headers({ "content-type": "text/event-stream" }) },
    unframe(first + await client.readText()),
  );
  assertEquals(outcome.content, "Hello 😀");
  assertMatch(outcome.error, /^api_error: /);
});

for (const [how, end, resets] of ENDS) {
  for (const [where, tail] of [["finish_reason", sse(finishChunk())], ["[DONE]", END]] as const) {
    Deno.test(`a stream cut after ${where} by ${how} is complete`, async () => {
      const outcome = await sendThrough(async (call: RawCall) => {
        await call.send(STREAM_HEADERS);
        await call.chunk(START + tail);
        await call.send(end);
        // A reset may discard bytes that have not been read yet.
        if (resets) await new Promise((resolve) => setTimeout(resolve, 100));
      }, { resets });
      assertEquals([outcome.content, outcome.error], ["Hello 😀", ""]);
      assertEquals(outcome.message?.stop_reason, "end_turn");
    });
  }

  Deno.test(`a JSON body cut by ${how} becomes a 502`, async () => {
    const headers = STREAM_HEADERS.replace("text/event-stream", "application/json");
    const outcome = await sendThrough(async ({ send, chunk }) => {
      await send(headers);
      await chunk(COMPLETION.slice(0, -20));
      await send(end);
    }, { request: requestBody(), resets });
    assertError(outcome, 502, "api_error");
  });
}

Deno.test("a stream that stays open after [DONE] ends for the client and is cancelled upstream", async () => {
  await using harness = startHarness(async ({ send, chunk, disconnected }) => {
    await send(STREAM_HEADERS);
    await chunk(START + END);
    await disconnected;
  });
  const outcome = await withTimeout(sendTo(harness.proxy, STREAM), "the end of the stream");
  assertEquals([outcome.content, outcome.message?.stop_reason], ["Hello 😀", "end_turn"]);
  await withTimeout(
    harness.upstream.calls[0]?.disconnected ?? Promise.reject(),
    "the upstream body to be cancelled",
  );
  assertEquals(harness.upstream.calls.length, 1);
});
