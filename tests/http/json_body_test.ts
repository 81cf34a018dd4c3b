// Request bodies: JSON, UTF-8, nesting depth and the size limit.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ApiError } from "../../lib/errors.ts";
import { readJson } from "../../lib/routes/read_body.ts";
import { call, createProxy, requestBody, send } from "../helpers/proxy.ts";
import { replyJson } from "../helpers/replies.ts";
import { readError } from "../helpers/responses.ts";
import { withTimeout } from "../helpers/timeout.ts";
import { createOpenBody, startUpstream } from "../helpers/upstream.ts";
import { assertRejected } from "../helpers/upstream_body.ts";

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const withDeep = (levels: number) =>
  JSON.stringify(requestBody()).replace(/}$/, `,"x":${deep(levels)}}`);

const BAD_BODIES: [about: string, body: BodyInit, message: string][] = [
  ["an empty body", "", "valid JSON"],
  ["half an object", '{"model": "x", ', "valid JSON"],
  ["a trailing comma", '{"model": "x",}', "valid JSON"],
  ["plain text", "hello", "valid JSON"],
  ["null", "null", ""],
  ["a list", "[]", ""],
  ["a string", '"x"', ""],
  ["a number", "1", ""],
  ["an empty object", "{}", "model: Field required"],
  ["invalid UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "UTF-8"],
  ["a truncated UTF-8 character", new Uint8Array([0x22, 0xe2, 0x82]), "UTF-8"],
  ["JSON nested 600 levels deep", withDeep(600), "512 levels"],
  ["JSON nested 513 levels deep", withDeep(512), "512 levels"],
  ["JSON nested 100,000 levels deep", deep(100_000), "512 levels"],
  ["objects nested 100,000 levels deep", '{"a":'.repeat(100_000), "512 levels"],
];

for (const [about, body, message] of BAD_BODIES) {
  Deno.test(`POST /v1/messages rejects ${about} with 400 and sends no upstream request`, async () => {
    await using upstream = startUpstream(replyJson);
    const { handler } = createProxy({ upstream });
    const request = new Request("http://localhost:8000/v1/messages", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const error = await readError(await call(handler, request));
    assertEquals([error.status, error.type], [400, "invalid_request_error"]);
    assertStringIncludes(error.message, message);
    assertEquals(upstream.requests.length, 0);
  });
}

const GOOD_BODIES: [about: string, body: string][] = [
  ["JSON nested 512 levels deep", withDeep(511)],
  ["brackets inside strings", JSON.stringify(requestBody({ system: `${'["{\\'.repeat(10_000)}` }))],
  [
    "many bracket pairs side by side",
    JSON.stringify(requestBody({ x: Array.from({ length: 2000 }, () => [[]]) })),
  ],
  ["a byte order mark", `\uFEFF${JSON.stringify(requestBody())}`],
  ["whitespace around the JSON", ` \n${JSON.stringify(requestBody())}\n `],
];

for (const [about, body] of GOOD_BODIES) {
  Deno.test(`POST /v1/messages accepts ${about}`, async () => {
    await using upstream = startUpstream(replyJson);
    const { handler } = createProxy({ upstream });
    const response = await send(handler, body);
    await response.body?.cancel();
    assertEquals([response.status, upstream.requests.length], [200, 1]);
  });
}

/** 10,485 bytes. */
const SMALL = { MAX_BODY_MB: "0.01" };

Deno.test("a body whose content-length is over the limit is a 413 before it is read", async () => {
  const { handler } = createProxy({ env: SMALL });
  const source = createOpenBody();
  const request = new Request("http://localhost:8000/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "10486" },
    body: source.body,
  });
  const error = await readError(await call(handler, request));
  assertEquals(error, {
    status: 413,
    type: "request_too_large",
    message: "Request exceeds the maximum size of 0.01 MiB (MAX_BODY_MB)",
  });
});

Deno.test("a body that grows over the limit is a 413 and is cancelled", async () => {
  const { handler } = createProxy({ env: SMALL });
  const source = createOpenBody(" ".repeat(10_000));
  const request = new Request("http://localhost:8000/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: source.body,
  });
  const pending = call(handler, request);
  source.send(" ".repeat(486));
  const error = await readError(await withTimeout(pending, "the response"));
  assertEquals([error.status, error.type], [413, "request_too_large"]);
  await withTimeout(source.cancelled, "the body to be cancelled");
});

Deno.test("a body's bytes are counted when content-length is invalid or superseded by chunked encoding", async () => {
  for (
    const headers of [{ "content-length": "10, 10" }, {
      "content-length": "10",
      "transfer-encoding": "chunked",
    }]
  ) {
    const { handler } = createProxy({ env: SMALL });
    const response = await send(handler, JSON.stringify(requestBody()).padEnd(10_486), headers);
    const error = await readError(response);
    assertEquals([error.status, error.type], [413, "request_too_large"]);
  }
});

Deno.test("a body of exactly the size limit is accepted, with and without content-length", async () => {
  await using upstream = startUpstream(replyJson);
  const { handler } = createProxy({ upstream, env: SMALL });
  const body = JSON.stringify(requestBody()).padEnd(10_485);
  for (const headers of [{}, { "content-length": "10485" }]) {
    const response = await send(handler, body, headers);
    await response.body?.cancel();
    assertEquals(response.status, 200);
  }
});

Deno.test("readJson fails with 400 when the client aborts the body", async () => {
  const source = createOpenBody('{"model":');
  const request = new Request("http://localhost/", { method: "POST", body: source.body });
  const reading = readJson(request, { maxBytes: 1000 });
  source.cut();
  const error = await assertRejects(() => reading, ApiError);
  assertEquals([error.status, error.type], [400, "invalid_request_error"]);
});

Deno.test("readJson ends a string at a quote after an escaped backslash", async () => {
  const value = { a: "\\", b: "[".repeat(600) };
  const request = new Request("http://localhost/", { method: "POST", body: JSON.stringify(value) });
  assertEquals(await readJson(request, { maxBytes: 10_000 }), value);
});

const { messages: _messages, ...WITHOUT_MESSAGES } = requestBody();
const { model: _model, ...WITHOUT_MODEL } = requestBody();

const BAD: [input: string, body: unknown, word: string][] = [
  ["missing messages", WITHOUT_MESSAGES, "messages: Field required"],
  ["missing model", WITHOUT_MODEL, "model: Field required"],
  ["invalid JSON", '{"model": "claude-sonnet-4-5", ', "valid JSON"],
];

for (const [input, body, word] of BAD) {
  Deno.test(`a request with ${input} is a 400 invalid_request_error`, () =>
    assertRejected(body, word));
}
