// Upstream's connection fails: the rows of the failure catalogue (§2.1) about connecting, silence and cuts, with
// a raw TCP upstream behind the listening proxy. What answers may be is in faults_answers_test.ts, what chunks may
// say in faults_chunks_test.ts.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  assertError,
  readResponse,
  sendThrough,
  sendTo,
  startStage,
  STREAM,
} from "../helpers/end_to_end.ts";
import { connect, rawPost, unframe } from "../helpers/raw_client.ts";
import { ask, MODES, startProxy } from "../helpers/proxy.ts";
import {
  LAST_CHUNK,
  rawAnswer,
  type RawCall,
  startRawUpstream,
  STREAM_HEAD,
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
import { startBytesUpstream } from "../helpers/upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const EVENTS = { "content-type": "text/event-stream" };
const START = sse(roleChunk(), textChunk("Hello 😀"));
const END = sseEnd();
const WHOLE = JSON.stringify(completion("Hi"));

// ── No connection, no head ──────────────────────────────────────────────────────────────────────────────────

for (const { mode, request } of MODES) {
  const UNREACHABLE: [about: string, address: (port: number) => string][] = [
    ["connect refused", () => "http://127.0.0.1:9/api/v1"],
    ["DNS failure", () => "http://nobody.invalid/api/v1"],
    ["TLS failure", (port) => `https://127.0.0.1:${port}/api/v1`],
  ];
  for (const [about, address] of UNREACHABLE) {
    Deno.test(`§2.1 ${about}: 502 within seconds, without the address (${mode})`, async () => {
      await using upstream = startBytesUpstream("HTTP/1.1 400 Bad Request\r\n\r\n");
      const env = { OPENROUTER_BASE_URL: address(Number(new URL(upstream.baseUrl).port)) };
      await using proxy = startProxy({ env });
      assertError(
        await withTimeout(sendTo(proxy, request), about),
        502,
        "api_error: Cannot reach OpenRouter",
      );
      assertEquals(
        (await fetch(`${proxy.url}/health`).then((health) => health.json())).status,
        "ok",
      );
    });
  }

  const NO_HEADS: [about: string, sent: string, resets?: boolean][] = [
    ["closes at once", ""],
    ["resets at once", "", true],
    ["half a head", "HTTP/1.1 200 OK\r\ncontent-ty"],
    ["half a head, reset", "HTTP/1.1 200 OK\r\ncontent-ty", true],
    ["not HTTP", "220 mail.example.com ESMTP\r\n"],
    ["a status line out of range", "HTTP/1.1 9999 What\r\n\r\n"],
    [
      "two lengths that differ",
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
    ],
  ];
  for (const [about, sent, resets = false] of NO_HEADS) {
    Deno.test(`§2.1 ${about}: 502 (${mode})`, async () => {
      assertError(
        await sendThrough(({ send }) => send(sent), { request, resets }),
        502,
        "api_error",
      );
    });
  }

  Deno.test(`§2.1 slow headers: waited for (${mode})`, async () => {
    const outcome = await sendThrough(async ({ send }) => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await send(
        rawAnswer(
          200,
          request["stream"] ? sseAnswer("Hi") : WHOLE,
          request["stream"] ? EVENTS : undefined,
        ),
      );
    }, { request, env: { TIMEOUT_S: "5" } });
    assertEquals([outcome.status, outcome.words, outcome.error], [200, "Hi", ""]);
  });

  Deno.test(`§2.1 headers that never come: 504, upstream aborted (${mode})`, async () => {
    await using stage = startStage(({ left }) => left, { TIMEOUT_S: "0.1" });
    assertError(
      await sendTo(stage.proxy, request),
      504,
      "timeout_error: OpenRouter did not answer within 0.1 s",
    );
    await withTimeout(stage.upstream.calls[0]?.left ?? Promise.reject(), "the abort");
  });
}

// ── Silence ─────────────────────────────────────────────────────────────────────────────────────────────────

Deno.test("§2.1 silent mid-stream: pings, then an error event, upstream closed", async () => {
  await using stage = startStage(async ({ send, chunk, left }) => {
    await send(STREAM_HEAD);
    await chunk(START);
    await left;
  }, { TIMEOUT_S: "0.4", PING_S: "0.1" });
  const outcome = await sendTo(stage.proxy, STREAM);
  assertEquals([outcome.status, outcome.words], [200, "Hello 😀"]);
  assertEquals(outcome.error, "timeout_error: OpenRouter was silent for 0.4 s (TIMEOUT_S)");
  assert(outcome.events.filter((event) => event.type === "ping").length >= 2, outcome.text);
  await withTimeout(stage.upstream.calls[0]?.left ?? Promise.reject(), "the abort");
});

Deno.test("§2.1 comments reset the clock of silence, pings go out all the same", async () => {
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEAD);
    await chunk(START);
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await chunk(": OPENROUTER PROCESSING\n\n");
    }
    await chunk(END + "");
    await send(LAST_CHUNK);
  }, { env: { TIMEOUT_S: "0.4", PING_S: "0.15" } });
  assertEquals([outcome.words, outcome.error], ["Hello 😀", ""]);
  assert(outcome.events.filter((event) => event.type === "ping").length >= 2, outcome.text);
});

Deno.test("§2.1 silent inside a plain body: 504, upstream closed", async () => {
  await using stage = startStage(async ({ send, left }) => {
    await send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
    await left;
  }, { TIMEOUT_S: "0.1" });
  assertError(await sendTo(stage.proxy, ask()), 504, "timeout_error");
  await withTimeout(stage.upstream.calls[0]?.left ?? Promise.reject(), "the abort");
});

// ── Cuts ────────────────────────────────────────────────────────────────────────────────────────────────────

/** How a connection ends in the middle. */
const ENDS: [how: string, end: string, resets: boolean][] = [
  ["reset", "", true],
  ["closed inside the HTTP body", "", false],
  ["clean end of the HTTP body", LAST_CHUNK, false],
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
const CUTS: [where: string, sent: Uint8Array, words: string][] = [
  ["between events", bytes(START), "Hello 😀"],
  ["mid-event", bytes(START + sse(textChunk(" and more")).slice(0, -9)), "Hello 😀"],
  ["inside an HTTP chunk's event, before its blank line", bytes(START.slice(0, -2)), ""],
  ["mid-UTF-8", bytes(START).slice(0, EMOJI + 2), ""],
  [
    "mid-UTF-8 behind text",
    new Uint8Array([...bytes(START), ...bytes(START).slice(0, EMOJI + 2)]),
    "Hello 😀",
  ],
  ["inside tool arguments", bytes(START + TOOL_START), "Hello 😀"],
];

for (const [where, sent, words] of CUTS) {
  for (const [how, end, resets] of ENDS) {
    Deno.test(`§2.1 cut ${where}, ${how}: what came, then an error, no success`, async () => {
      const outcome = await sendThrough(async ({ send, chunk }) => {
        await send(STREAM_HEAD);
        await chunk(sent);
        await send(end);
      }, { resets });
      assertMatch(outcome.error, /^api_error: /);
      // A reset overtakes what it follows: then nothing may be said at all.
      if (!resets && words !== "") assertEquals([outcome.status, outcome.words], [200, words]);
      else assert(words.startsWith(outcome.words) || outcome.words === "Hello 😀", outcome.words);
      assertEquals(outcome.text.includes("\uFFFD"), false);
      const kinds = outcome.events.map((event) => event.type);
      assertEquals(kinds.includes("message_stop") || kinds.includes("message_delta"), false);
    });
  }
}

Deno.test("§2.1 bytes that are no UTF-8 inside a whole event: an error, and no U+FFFD is made up", async () => {
  const broken = new Uint8Array([
    ...bytes(START),
    ...bytes(START + END).fill(0xc0, EMOJI, EMOJI + 1),
  ]);
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEAD);
    await chunk(broken);
    await send(LAST_CHUNK);
  });
  assertMatch(outcome.error, /^api_error: /);
  assertEquals(outcome.text.includes("\uFFFD"), false);
});

Deno.test("§2.1 cut inside tool arguments: the call is never closed and never a stop reason", async () => {
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEAD);
    await chunk(TOOL_START);
  });
  assertEquals(outcome.events.map((event) => event.type).filter((type) => type !== "ping"), [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "error",
  ]);
});

Deno.test("§2.1 cut by a reset when all that came had been read: that, then an error", async () => {
  const { promise: isRead, resolve } = Promise.withResolvers<void>();
  await using upstream = startRawUpstream(async ({ send, chunk }) => {
    await send(STREAM_HEAD);
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
  assertEquals(outcome.words, "Hello 😀");
  assertMatch(outcome.error, /^api_error: /);
});

for (const [how, end, resets] of ENDS) {
  for (const [where, tail] of [["finish_reason", sse(finishChunk())], ["[DONE]", END]] as const) {
    Deno.test(`§2.1 cut after ${where}, ${how}: complete`, async () => {
      const outcome = await sendThrough(async (call: RawCall) => {
        await call.send(STREAM_HEAD);
        await call.chunk(START + tail);
        await call.send(end);
        // A reset may overtake the bytes: it comes when they have been read.
        if (resets) await new Promise((resolve) => setTimeout(resolve, 100));
      }, { resets });
      assertEquals([outcome.words, outcome.error], ["Hello 😀", ""]);
      assertEquals(outcome.message?.stop_reason, "end_turn");
    });
  }

  Deno.test(`§2.1 plain body cut in the middle, ${how}: 502`, async () => {
    const head = STREAM_HEAD.replace("text/event-stream", "application/json");
    const outcome = await sendThrough(async ({ send, chunk }) => {
      await send(head);
      await chunk(WHOLE.slice(0, -20));
      await send(end);
    }, { request: ask(), resets });
    assertError(outcome, 502, "api_error");
  });
}

Deno.test("§2.1 stays open after [DONE]: the client's stream ends, upstream is cancelled", async () => {
  await using stage = startStage(async ({ send, chunk, left }) => {
    await send(STREAM_HEAD);
    await chunk(START + END);
    await left;
  });
  const outcome = await withTimeout(sendTo(stage.proxy, STREAM), "the end of the stream");
  assertEquals([outcome.words, outcome.message?.stop_reason], ["Hello 😀", "end_turn"]);
  await withTimeout(stage.upstream.calls[0]?.left ?? Promise.reject(), "the cancelling");
  assertEquals(stage.upstream.calls.length, 1);
});
