// Upstream responses: statuses, bodies, encodings and sizes. The proxy listens on a socket, and upstream is a raw
// TCP server.

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { assertError, sendThrough, sendTo } from "../helpers/end_to_end.ts";
import { MODES, requestBody, startProxy } from "../helpers/proxy.ts";
import {
  LAST_CHUNK,
  type RawCall,
  rawResponse,
  type RawScript,
  startRawUpstream,
  STREAM_HEADERS,
} from "../helpers/raw_upstream.ts";
import { completion, sse, sseAnswer, sseEnd, textChunk } from "../helpers/chunks.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const HTML = { "content-type": "text/html" };
const EVENTS = { "content-type": "text/event-stream" };
const END = sseEnd();
const SLOW = { error: { code: 429, message: "slow" } };
const ERROR = "rate_limit_error: slow";
const COMPLETION = JSON.stringify(completion("Hi"));

/** Sends a complete response with its content-length. */
function reply(...response: Parameters<typeof rawResponse>): RawScript {
  return ({ send }) => send(rawResponse(...response));
}

// ── Statuses and bodies ────────────────────────────────────────────────────────────────────────────────────────

const STATUSES: [upstreamStatus: number, status: number, type: string][] = [
  [400, 400, "invalid_request_error"],
  [401, 401, "authentication_error"],
  [402, 402, "billing_error"],
  [403, 403, "permission_error"],
  [404, 404, "not_found_error"],
  [408, 504, "timeout_error"],
  [413, 413, "request_too_large"],
  [422, 400, "invalid_request_error"],
  [429, 429, "rate_limit_error"],
  [500, 500, "api_error"],
  [502, 502, "api_error"],
  [503, 529, "overloaded_error"],
  [504, 504, "timeout_error"],
  [529, 529, "overloaded_error"],
  [499, 400, "invalid_request_error"],
  [599, 502, "api_error"],
];

for (const { mode, request } of MODES) {
  Deno.test(`${mode} gets status, provider message and retry-after of upstream errors`, async () => {
    const script: RawScript = ({ send }) => {
      const code = STATUSES[upstream.calls.length - 1]?.[0] ?? 0;
      const error = {
        code,
        message: "Provider returned error",
        metadata: { raw: '{"error":{"message":"the reason"}}' },
      };
      return send(rawResponse(code, JSON.stringify({ error }), { "retry-after": "17" }));
    };
    await using upstream = startRawUpstream(script);
    await using proxy = startProxy({ upstream });
    for (const [code, status, type] of STATUSES) {
      const outcome = await sendTo(proxy, request);
      assertEquals([code, outcome.status, outcome.error], [code, status, `${type}: the reason`]);
      assertEquals(outcome.headers.get("retry-after"), "17");
    }
  });

  const ODD: [about: string, script: RawScript, status: number, message: string][] = [
    ["an HTML page with 200", reply(200, "<html><b>hi</b></html>", HTML), 502, "api_error"],
    [
      "an HTML page with 503",
      reply(503, "<!DOCTYPE html><p>x", HTML),
      529,
      "overloaded_error: upstream responded 503 with an HTML page",
    ],
    [
      "an HTML page with 404",
      reply(404, "<html>x</html>", HTML),
      404,
      "not_found_error: upstream responded 404 with an HTML page",
    ],
    ["an empty body with 200", reply(200, ""), 502, "api_error"],
    ["an empty body with 500", reply(500, ""), 500, "api_error"],
    [
      "204",
      ({ send }) => send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
      502,
      "api_error",
    ],
    ["201", reply(201, COMPLETION), 502, "api_error"],
    ...[
      "null",
      "[]",
      "1",
      '"x"',
      "{}",
      '{"choices":null}',
      '{"choices":[]}',
      '{"choices":{}}',
      '{"choices":[null]}',
      '{"choices":[{}]}',
      "{",
    ]
      .map((
        body,
      ): [string, RawScript, number, string] => [
        `JSON ${body}`,
        reply(200, body),
        502,
        "api_error",
      ]),
    ...[301, 302, 303, 307, 308].map((status): [string, RawScript, number, string] => [
      `redirect ${status}`,
      reply(status, "", { location: "http://127.0.0.1:9/elsewhere" }),
      502,
      `api_error: upstream responded with a redirect (${status})`,
    ]),
    [
      "200 with an error object",
      reply(200, '{"error":{"code":429,"message":"slow"}}'),
      429,
      "rate_limit_error: slow",
    ],
    [
      "200 with an error object without a code",
      reply(200, '{"error":{"message":"odd"}}'),
      502,
      "api_error: odd",
    ],
    [
      "invalid gzip",
      reply(200, COMPLETION, { "content-type": "application/json", "content-encoding": "gzip" }),
      502,
      "api_error",
    ],
    [
      "an error with invalid gzip",
      reply(429, "{}", { "content-encoding": "gzip" }),
      429,
      "rate_limit_error",
    ],
  ];
  const bare = JSON.stringify(SLOW);
  const JSON_ERRORS: [about: string, body: string][] = [
    ["one line", bare],
    ["one line with a line break", `${bare}\n`],
    ["one line between blank lines", `\r\n${bare}\r\n\r\n`],
    ["several lines", JSON.stringify(SLOW, null, 2)],
  ];
  for (const [form, body] of JSON_ERRORS) {
    for (const upstreamStatus of [200, 429, 502]) {
      const script = reply(upstreamStatus, body, EVENTS);
      ODD.push([
        `an event stream with ${upstreamStatus} that is a JSON error, ${form}`,
        script,
        429,
        ERROR,
      ]);
    }
  }
  for (const [about, script, status, message] of ODD) {
    Deno.test(`${mode} gets ${status} if upstream sends ${about}`, async () => {
      const outcome = await sendThrough(script, { request });
      const error = outcome.error.replace(/127\.0\.0\.1:\d+/, "upstream");
      assertError({ ...outcome, error }, status, message);
      assertEquals(/<html|<!doctype/i.test(outcome.text), false);
    });
  }

  Deno.test(`${mode} gets a gzipped response decoded, and an error if it is cut off`, async () => {
    const type = request["stream"] ? EVENTS : { "content-type": "application/json" };
    const zipped = await gzip(request["stream"] ? sseAnswer("Hi") : COMPLETION);
    const headers = { ...type, "content-encoding": "gzip" };
    const whole = await sendThrough(reply(200, zipped, headers), { request });
    assertEquals([whole.status, whole.content, whole.error], [200, "Hi", ""]);
    assertEquals(whole.headers.get("content-encoding"), null);
    const broken = await sendThrough(reply(200, zipped.slice(0, zipped.length >> 1), headers), {
      request,
    });
    assertMatch(broken.error, /^api_error/);
  });
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("a JSON error after the first text of a stream becomes an error event", async () => {
  const body = sse(textChunk("Hel")) + JSON.stringify(SLOW);
  const outcome = await sendThrough(reply(200, body, EVENTS));
  assertEquals([outcome.status, outcome.content, outcome.error], [200, "Hel", ERROR]);
});

Deno.test("a JSON error that is cut off becomes a 502", async () => {
  const outcome = await sendThrough(reply(200, JSON.stringify(SLOW).slice(0, -5), EVENTS));
  assertError(outcome, 502, "api_error");
});

Deno.test("a JSON body for a stream request is translated to a stream", async () => {
  const outcome = await sendThrough(reply(200, COMPLETION));
  assertEquals([outcome.status, outcome.content, outcome.error], [200, "Hi", ""]);
  assertEquals(outcome.events.at(-1)?.type, "message_stop");
});

Deno.test("an event stream for a plain request becomes a 502", async () => {
  assertError(
    await sendThrough(reply(200, sseAnswer("Hi"), EVENTS), { request: requestBody() }),
    502,
    "api_error",
  );
});

// ── Sizes ───────────────────────────────────────────────────────────────────────────────────────────────────

const SIZES: [about: string, content: string, write: (call: RawCall) => Promise<unknown>][] = [
  [
    "one line of 2 MB",
    "x€😀".repeat(250_000),
    ({ chunk }) => chunk(sse(textChunk("x€😀".repeat(250_000)))),
  ],
  ["20,000 events", "word ".repeat(20_000), async ({ chunk }) => {
    for (let i = 0; i < 200; i++) await chunk(sse(textChunk("word ")).repeat(100));
  }],
  ["single bytes", "Hello 😀 \u2028", async ({ chunk }) => {
    for (const byte of bytes(sse(textChunk("Hello 😀 \u2028")))) {
      await chunk(new Uint8Array([byte]));
    }
  }],
];

for (const [about, content, write] of SIZES) {
  Deno.test(`a stream of ${about} keeps its exact text and takes linear time`, async () => {
    const begin = performance.now();
    const outcome = await sendThrough(async (call) => {
      await call.send(STREAM_HEADERS);
      await write(call);
      await call.chunk(END);
      await call.send(LAST_CHUNK);
    });
    assertEquals(outcome.error, "");
    assert(
      outcome.content === content,
      `${outcome.content.length} characters of ${content.length}`,
    );
    assertLess(performance.now() - begin, 5000);
  });
}

Deno.test("a line of 2 MB in 2,000 chunks takes linear time", async () => {
  const text = "y".repeat(2_000_000);
  const line = bytes(sse(textChunk(text)));
  const begin = performance.now();
  const outcome = await sendThrough(async ({ send, chunk }) => {
    await send(STREAM_HEADERS);
    for (let at = 0; at < line.length; at += 1000) await chunk(line.subarray(at, at + 1000));
    await chunk(END);
    await send(LAST_CHUNK);
  });
  assert(outcome.content === text);
  assertStringIncludes(outcome.text, "message_stop");
  // Scanning the whole buffer for each chunk would read 2 GB.
  assertLess(performance.now() - begin, 3000);
});
