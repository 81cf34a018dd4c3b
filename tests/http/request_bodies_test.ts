// Request bodies over a socket: invalid JSON, wrong shapes, sizes and odd contents.

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { replyHi, sendTo, startHarness } from "../helpers/end_to_end.ts";
import { requestBody } from "../helpers/proxy.ts";
import { connect, rawPost } from "../helpers/raw_client.ts";
import { rawResponse } from "../helpers/raw_upstream.ts";

const encoder = new TextEncoder();

/** A valid request with one more key. */
const withPart = (key: string, json: string) =>
  JSON.stringify(requestBody()).replace(/}$/, `,"${key}":${json}}`);
const withContent = (content: unknown) => requestBody({ messages: [{ role: "user", content }] });

// ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────────

const INVALID: [about: string, body: BodyInit][] = [
  ["not JSON", "hello"],
  ["empty", ""],
  ["null", "null"],
  ["array", "[]"],
  ["string", '"x"'],
  ["truncated JSON", JSON.stringify(requestBody()).slice(0, -3)],
  ["two values", "{}{}"],
  ["invalid UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])],
  ["JSON nested 100,000 levels deep", withPart("x", "[".repeat(100_000) + "]".repeat(100_000))],
  [
    "objects nested 100,000 levels deep",
    withPart("x", '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)),
  ],
  ["gzip", new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
];

for (const path of ["/v1/messages", "/v1/messages/count_tokens"]) {
  Deno.test(`${path} rejects invalid bodies with 400, without an upstream request`, async () => {
    await using harness = startHarness(replyHi);
    for (const [about, body] of INVALID) {
      const headers = { "content-type": "application/json" };
      const response = await fetch(harness.proxy.url + path, { method: "POST", headers, body });
      const { error } = await response.json();
      assertEquals([about, response.status, error.type], [about, 400, "invalid_request_error"]);
    }
    assertEquals(harness.upstream.calls.length, 0);
  });
}

const SHAPES: [path: string, body: unknown][] = [
  ["model", { ...requestBody(), model: null }],
  ["model", { ...requestBody(), model: 5 }],
  ["max_tokens", { ...requestBody(), max_tokens: "100" }],
  ["max_tokens", { ...requestBody(), max_tokens: 0.5 }],
  ["messages", { ...requestBody(), messages: {} }],
  ["messages", { ...requestBody(), messages: [] }],
  ["messages.0", { ...requestBody(), messages: [null] }],
  ["messages.0", { ...requestBody(), messages: ["hi"] }],
  ["messages.0.role", { ...requestBody(), messages: [{ role: "tool", content: "x" }] }],
  ["messages.0.content", withContent(5)],
  ["messages.0.content", withContent(null)],
  ["messages.0.content.0", withContent([null])],
  ["messages.0.content.0", withContent(["x"])],
  ["messages.0.content.0", withContent([{ type: "tool_use" }])],
  ["messages.0.content.0.text.text", withContent([{ type: "text", text: 1 }])],
  ["messages.0.content.0.image.source", withContent([{ type: "image", source: "x" }])],
  [
    "messages.0.content.0.tool_result.tool_use_id",
    withContent([{ type: "tool_result", tool_use_id: [] }]),
  ],
  ["tools.0", requestBody({ tools: [null] })],
  ["tools.0", requestBody({ tools: [{ name: 7, input_schema: {} }] })],
  ["tools", requestBody({ tools: {} })],
  ["tool_choice", requestBody({ tool_choice: "auto" })],
  ["system", requestBody({ system: 3 })],
  ["system.0", requestBody({ system: [null] })],
  ["stop_sequences", requestBody({ stop_sequences: "x" })],
  ["stop_sequences.0", requestBody({ stop_sequences: [1] })],
  ["stream", requestBody({ stream: "yes" })],
  ["temperature", requestBody({ temperature: "hot" })],
  ["metadata", requestBody({ metadata: "x" })],
  ["thinking", requestBody({ thinking: true })],
];

Deno.test("a field of the wrong type is a 400 that names its path, without an upstream request", async () => {
  await using harness = startHarness(replyHi);
  for (const [path, body] of SHAPES) {
    const outcome = await sendTo(harness.proxy, body);
    assertEquals([path, outcome.status], [path, 400], outcome.text);
    assertMatch(
      outcome.error,
      new RegExp(`^invalid_request_error: ${path.replaceAll(".", "\\.")}[.:]`),
    );
  }
  assertEquals(harness.upstream.calls.length, 0);
});

Deno.test("a content-type other than JSON is a 415, without an upstream request", async () => {
  await using harness = startHarness(replyHi);
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/json",
    "",
  ];
  for (const type of types) {
    const headers = { "content-type": type };
    const body = encoder.encode(JSON.stringify(requestBody()));
    const response = await fetch(`${harness.proxy.url}/v1/messages`, {
      method: "POST",
      headers,
      body,
    });
    assertEquals([type, response.status, (await response.json()).type], [type, 415, "error"]);
  }
  assertEquals(harness.upstream.calls.length, 0);
});

Deno.test("a content-length over 32 MiB is a 413 before the body is sent", async () => {
  await using harness = startHarness(replyHi);
  using client = await connect(harness.proxy.url);
  const requestHeaders = rawPost(harness.proxy.url, "", {
    "content-length": String(33 * 1024 * 1024),
  });
  await client.send(requestHeaders);
  const response = await client.readText("request_id");
  assertStringIncludes(response, "HTTP/1.1 413 ");
  assertStringIncludes(response, "request_too_large");
  assertEquals(harness.upstream.calls.length, 0);
});

Deno.test("a chunked body over the limit is a 413 before it is read to its end", async () => {
  await using harness = startHarness(replyHi, { MAX_BODY_MB: "1" });
  using client = await connect(harness.proxy.url);
  const requestHeaders = rawPost(harness.proxy.url, "").replace(
    "content-length: 0",
    "transfer-encoding: chunked",
  );
  await client.send(requestHeaders);
  const response = client.readText("request_id");
  let hasEnded = false;
  response.then(() => hasEnded = true);
  let sent = 0;
  try {
    for (; !hasEnded && sent < 64; sent++) await client.send(`40000\r\n${"x".repeat(0x40000)}\r\n`);
  } catch {
    // The proxy has closed the connection.
  }
  assertStringIncludes(await response, "HTTP/1.1 413 ");
  assertLess(sent, 64);
  assertEquals(harness.upstream.calls.length, 0);
});

Deno.test("a body of 20 MB is accepted, with and without content-length", async () => {
  await using harness = startHarness(replyHi);
  const data = "A".repeat(20_000_000);
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
  const text = JSON.stringify(withContent([image]));
  const bodies = [text, new Blob([text]).stream()];
  for (const body of bodies) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${harness.proxy.url}/v1/messages`, {
      method: "POST",
      headers,
      body,
    });
    assertEquals([response.status, (await response.json()).type], [200, "message"]);
  }
  assert(JSON.stringify(harness.upstream.calls[1]?.body).includes(data));
});

// ── Contents ────────────────────────────────────────────────────────────────────────────────────────────────

const PROTOTYPE_KEYS =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":7}}';

Deno.test("__proto__ and constructor keys in tool input are kept as data in both directions", async () => {
  await using harness = startHarness(({ send }) => {
    const call = {
      id: "c1",
      type: "function",
      function: { name: "Bash", arguments: PROTOTYPE_KEYS },
    };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    return send(
      rawResponse(200, JSON.stringify({ choices: [{ message, finish_reason: "tool_calls" }] })),
    );
  });
  const call =
    `{"type":"tool_use","id":"t1","name":"Bash","input":${PROTOTYPE_KEYS},"__proto__":{"polluted":1}}`;
  const body = JSON.stringify(
    requestBody({ messages: [{ role: "user", content: "Hi" }, "MESSAGE"] }),
  )
    .replace('"MESSAGE"', `{"role":"assistant","content":[${call}]}`)
    .replace(/}$/, ',"__proto__":{"stream":true},"constructor":{"x":1}}');
  const outcome = await sendTo(harness.proxy, body);
  assertStringIncludes(outcome.text, `"input":${PROTOTYPE_KEYS}`);
  assertStringIncludes(
    JSON.stringify(harness.upstream.calls[0]?.body),
    JSON.stringify(PROTOTYPE_KEYS).slice(1, -1),
  );
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
  assertEquals(Reflect.get({}, "polluted"), undefined);
});

Deno.test("the last of duplicate keys counts", async () => {
  await using harness = startHarness(replyHi);
  const outcome = await sendTo(harness.proxy, withPart("max_tokens", "7"));
  assertEquals([outcome.status, harness.upstream.calls[0]?.body["max_tokens"]], [200, 7]);
});

Deno.test("lone surrogates and NUL are kept", async () => {
  await using harness = startHarness(replyHi);
  const content = "a\ud800b\udc00c\0d\u2028";
  assertEquals((await sendTo(harness.proxy, withContent(content))).content, "Hi");
  assertEquals(harness.upstream.calls[0]?.body["messages"], [{ role: "user", content }]);
});

const BIG: [about: string, body: Record<string, unknown>][] = [
  [
    "5,001 messages",
    requestBody({
      messages: Array.from(
        { length: 5001 },
        (_, n) => ({ role: n % 2 ? "assistant" : "user", content: `m${n}` }),
      ),
    }),
  ],
  ["5,001 messages with calls and results", requestBody({ messages: listCalls(2500) })],
  [
    "200 tools",
    requestBody({
      tools: Array.from(
        { length: 200 },
        (_, n) => ({ name: `tool.${n}`, input_schema: { type: "object" } }),
      ),
    }),
  ],
  ["1 MB without spaces", withContent("x".repeat(1_000_000))],
  ["1 MB of quotes", withContent('"'.repeat(1_000_000))],
  ["1 MB of backslashes", withContent("\\".repeat(1_000_000))],
  ["1 MB of brackets in a string", withContent("[{".repeat(500_000))],
  [
    "1 MB of spaces",
    requestBody({ system: "x-anthropic-billing-header:" + " ".repeat(1_000_000) + "x" }),
  ],
  ["a user id of 4 KB", requestBody({ metadata: { user_id: "_session_".repeat(455) } })],
  [
    "99,999 empty blocks",
    withContent([...Array(99_999).fill({ type: "text", text: "" }), { type: "text", text: "x" }]),
  ],
];

for (const [about, body] of BIG) {
  Deno.test(`a request with ${about} takes linear time, as message and as token count`, async () => {
    await using harness = startHarness(replyHi);
    const begin = performance.now();
    assertEquals((await sendTo(harness.proxy, body)).content, "Hi");
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const counted = await fetch(`${harness.proxy.url}/v1/messages/count_tokens`, init);
    assertEquals(typeof (await counted.json()).input_tokens, "number");
    // Each takes some 50 ms; quadratic time would be minutes.
    assertLess(performance.now() - begin, 2000);
  });
}

function listCalls(count: number): unknown[] {
  return [
    { role: "user", content: "Go" },
    ...Array.from({ length: count }, (_, n) => [
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "same", name: "Bash", input: { n } }],
      },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "same", content: "ok" }] },
    ]).flat(),
  ];
}
