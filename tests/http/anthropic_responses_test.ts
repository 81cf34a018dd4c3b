// UPSTREAM_DIALECT=anthropic: responses are forwarded byte for byte; timeouts, errors and log are the proxy's.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  BODY,
  DELTA,
  END,
  ENV,
  events,
  MESSAGE,
  START,
  startHarness,
} from "../helpers/anthropic_dialect.ts";
import { awaitHeaders, SERVER_KEY, startProxy } from "../helpers/proxy.ts";
import { createOpenStream, eventStream, startUpstream } from "../helpers/upstream.ts";

const OVERLOADED = { type: "error", error: { type: "overloaded_error", message: "Full" } };

Deno.test("the anthropic dialect forwards a stream byte for byte and logs its usage", async () => {
  const bytes = `: OPENROUTER PROCESSING\n\n${START}${DELTA}${END}`;
  await using harness = startHarness(() => eventStream(bytes));
  const response = await harness.send({ ...BODY, stream: true });
  assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assertMatch(response.headers.get("request-id") ?? "", /^req_/);
  assertEquals(await response.text(), bytes);
  const record = await harness.services.recorded();
  assertEquals(
    [record.model, record.upstreamModel, record.provider, record.outcome, record.costUsd],
    ["claude-opus-5[1m]", "anthropic/claude-5-opus", "Anthropic", "complete", 0.25],
  );
  assertEquals(
    [record.inputTokens, record.outputTokens, record.cachedTokens, record.writtenTokens],
    [10, 7, 4, 2],
  );
});

Deno.test("the anthropic dialect logs the usage of a JSON response", async () => {
  await using harness = startHarness(() => Response.json(MESSAGE));
  await (await harness.send(BODY)).text();
  const record = await harness.services.recorded();
  assertEquals([record.inputTokens, record.outputTokens, record.costUsd], [10, 7, 0.25]);
  assertEquals(record.upstreamModel, "anthropic/claude-5-opus");
});

Deno.test("a stream of the anthropic dialect that ends without message_stop ends in an error event", async () => {
  const bytes = START + DELTA;
  await using harness = startHarness(() => eventStream(bytes));
  const text = await (await harness.send({ ...BODY, stream: true })).text();
  assertEquals(text.startsWith(bytes), true);
  const last = JSON.parse(text.slice(text.lastIndexOf("data: ") + 6));
  assertEquals([last.type, last.error.type], ["error", "api_error"]);
  assertEquals((await harness.services.recorded()).outcome, "api_error");
});

const EARLY: [about: string, bytes: string, status: number, type: string][] = [
  ["is empty", "", 502, "api_error"],
  ["begins with an error", events(OVERLOADED), 529, "overloaded_error"],
  [
    "begins with a comment and an error",
    `: hello\n\n${events(OVERLOADED)}`,
    529,
    "overloaded_error",
  ],
];

for (const [about, bytes, status, type] of EARLY) {
  Deno.test(`a stream of the anthropic dialect that ${about} is an error with a status`, async () => {
    await using harness = startHarness(() => eventStream(bytes));
    const response = await harness.send({ ...BODY, stream: true });
    assertEquals([response.status, (await response.json()).error.type], [status, type]);
    assertEquals((await harness.services.recorded()).outcome, type);
  });
}

Deno.test("a stream of the anthropic dialect gets a ping in each PING_S of silence, also before its first event", async () => {
  const source = createOpenStream(": OPENROUTER PROCESSING\n\n");
  await using harness = startHarness(() => source.response, { PING_S: "0.05" });
  const response = await harness.send({ ...BODY, stream: true });
  assertEquals(response.status, 200);
  const reader = response.body?.getReader();
  const next = async () => new TextDecoder().decode((await reader?.read())?.value);
  assertEquals(await next(), `: OPENROUTER PROCESSING\n\n${events({ type: "ping" })}`);
  assertEquals(await next(), events({ type: "ping" }));
  source.send(START);
  assertEquals(await next(), START);
  assertEquals(await next(), events({ type: "ping" }));
  await reader?.cancel();
});

Deno.test("an error event of the anthropic dialect is forwarded and logged", async () => {
  const bytes = START + events(OVERLOADED);
  await using harness = startHarness(() => eventStream(bytes));
  assertEquals(await (await harness.send({ ...BODY, stream: true })).text(), bytes);
  const record = await harness.services.recorded();
  assertEquals([record.outcome, record.error], ["overloaded_error", "Full"]);
});

Deno.test("an idle stream of the anthropic dialect ends in a timeout error", async () => {
  const source = createOpenStream(START);
  await using harness = startHarness(() => source.response, { TIMEOUT_S: "0.2" });
  const text = await (await harness.send({ ...BODY, stream: true })).text();
  assertStringIncludes(text, '"timeout_error"');
  await source.cancelled;
});

Deno.test("a client that cancels a stream of the anthropic dialect cancels the upstream body", async () => {
  const source = createOpenStream(START);
  await using harness = startHarness(() => source.response);
  const response = await harness.send({ ...BODY, stream: true });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await source.cancelled;
  assertEquals((await harness.services.recorded()).outcome, "client_gone");
});

const ERRORS: [about: string, reply: () => Response, status: number, message: string][] = [
  [
    "an error in Anthropic's format",
    () =>
      Response.json({ type: "error", error: { type: "rate_limit_error", message: "Slow down" } }, {
        status: 429,
        headers: { "retry-after": "7" },
      }),
    429,
    "Slow down",
  ],
  [
    "an error with the key",
    () => Response.json({ error: { message: `bad ${SERVER_KEY}`, code: 401 } }, { status: 401 }),
    401,
    "bad",
  ],
  [
    "an HTML page",
    () => new Response("<p>Oops</p>", { headers: { "content-type": "text/html" } }),
    502,
    "html",
  ],
  [
    "an error with HTTP 200",
    () => Response.json({ type: "error", error: { message: "Full", code: 529 } }),
    529,
    "Full",
  ],
];

for (const [about, reply, status, message] of ERRORS) {
  Deno.test(`${about} becomes a ${status} in the anthropic dialect`, async () => {
    await using harness = startHarness(reply);
    const response = await harness.send(BODY);
    const text = await response.text();
    assertEquals(response.status, status);
    assertEquals(JSON.parse(text).type, "error");
    assertStringIncludes(text, message);
    assertEquals(text.includes(SERVER_KEY), false);
    if (status === 429) assertEquals(response.headers.get("retry-after"), "7");
  });
}

Deno.test("the anthropic dialect logs the target list and the time of the first event", async () => {
  await using harness = startHarness(() => eventStream(START + DELTA + END), {
    TARGET_MODEL_OPUS: "a/one,b/two",
  });
  await (await harness.send({ ...BODY, stream: true })).text();
  const record = await harness.services.recorded();
  assertEquals([record.sentModels, typeof record.firstEventMs], [["a/one", "b/two"], "number"]);
});

Deno.test("the anthropic dialect forwards a message with error null and rejects a list", async () => {
  await using harness = startHarness(() => Response.json({ ...MESSAGE, error: null }));
  const response = await harness.send(BODY);
  assertEquals([response.status, await response.json()], [200, { ...MESSAGE, error: null }]);
  await using list = startHarness(() => Response.json([MESSAGE]));
  const rejected = await list.send(BODY);
  assertStringIncludes(await rejected.text(), "not valid JSON");
  assertEquals(rejected.status, 502);
});

Deno.test("a client that disconnects during a JSON response of the anthropic dialect is logged as client_gone", async () => {
  const source = createOpenStream("{");
  await using upstream = startUpstream(() =>
    new Response(source.body, { headers: { "content-type": "application/json" } })
  );
  await using proxy = startProxy({ upstream, env: ENV });
  const hasHead = awaitHeaders(proxy.services);
  const { hostname, port, host } = new URL(proxy.url);
  const text = JSON.stringify(BODY);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const headers =
    `POST /v1/messages HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `content-length: ${text.length}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(headers + text));
  await hasHead;
  connection.close();
  await source.cancelled;
  const { outcome, status } = await proxy.services.recorded();
  assertEquals([outcome, status], ["client_gone", 499]);
});
