// MAX_COST_USD: reservations, concurrent requests, and requests that end without a reported cost.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { completion, errorChunk, roleChunk, sse, textChunk } from "../helpers/chunks.ts";
import {
  DOLLAR_TEXT,
  nativeEvents,
  PLAIN,
  PRICED,
  readToday,
  replyWithUsage,
  send,
  startHarness,
  toCents,
  usage,
} from "../helpers/priced_proxy.ts";
import { call, createProxy, post, requestBody } from "../helpers/proxy.ts";
import { startRawUpstream, STREAM_HEADERS } from "../helpers/raw_upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";
import {
  createOpenStream,
  errorBody,
  eventStream,
  type Reply,
  type SeenRequest,
} from "../helpers/upstream.ts";

/** What upstream sends before the client disconnects, without usage. */
const BEGINNINGS: [dialect: string, beginning: string][] = [
  ["openrouter", sse(roleChunk(), textChunk(DOLLAR_TEXT))],
  ["openai", sse(roleChunk(), textChunk(DOLLAR_TEXT))],
  ["anthropic", nativeEvents()],
];

for (const [UPSTREAM_DIALECT, beginning] of BEGINNINGS) {
  Deno.test(`responses cancelled before their usage count, in the ${UPSTREAM_DIALECT} dialect`, async () => {
    await using harness = await startHarness(() => createOpenStream(beginning).response, {
      UPSTREAM_DIALECT,
    });
    const { proxy, upstream } = harness;
    const statuses = [];
    for (let i = 0; i < 40; i++) {
      const response = await send(proxy, { stream: true });
      statuses.push(response.status);
      if (response.status !== 200) {
        await response.text();
        continue;
      }
      const reader = (response.body ?? new ReadableStream()).getReader();
      const decoder = new TextDecoder();
      let text = "";
      while (!text.includes("word word")) text += decoder.decode((await reader.read()).value);
      await reader.cancel();
    }
    assertEquals(upstream.requests.length, 2);
    assertEquals(statuses, [200, 200, ...Array(38).fill(429)]);
    const { costUsd, estimatedUsd, reservedUsd } = await readToday(proxy);
    assertEquals([costUsd, toCents(estimatedUsd), reservedUsd], [0, 2, 0]);
  });

  Deno.test(`250 concurrent requests cost no more than the limit, in the ${UPSTREAM_DIALECT} dialect`, async () => {
    const gate = Promise.withResolvers<void>();
    const body = UPSTREAM_DIALECT === "anthropic"
      ? { type: "message", model: "a/x", content: [], usage: { output_tokens: 100, cost: 1 } }
      : { ...completion("Hi"), usage: usage({ cost: 1 }) };
    await using harness = await startHarness(
      () => gate.promise.then(() => Response.json(body)),
      { UPSTREAM_DIALECT },
    );
    const { proxy, upstream } = harness;
    const pending = Array.from({ length: 250 }, () => send(proxy));
    await upstream.arrival(1);
    gate.resolve();
    const responses = await Promise.all(pending);
    assertEquals(upstream.requests.length, 2);
    const rejected = responses.filter(({ status }) => status === 429);
    assertEquals(rejected.length, 248);
    const [first] = rejected;
    // They may succeed later if those in flight cost less than reserved.
    assertEquals(first?.headers.get("x-should-retry"), "true");
    assertEquals(first?.headers.get("retry-after"), "10");
    assertMatch(
      (await first?.json()).error.message,
      /^Today's limit is reached: \$0 and \$2 in flight of \$2 \(MAX_COST_USD\)/,
    );
    await Promise.all(responses.filter((one) => !one.bodyUsed).map((one) => one.text()));
    const { costUsd, estimatedUsd, reservedUsd } = await readToday(proxy);
    assertEquals([costUsd, estimatedUsd, reservedUsd], [2, 0, 0]);
  });
}

Deno.test("a plain request that the client aborts counts in full, as upstream completes it", async () => {
  await using harness = await startHarness(({ disconnected }) =>
    disconnected.then(() => new Response())
  );
  const { proxy, upstream } = harness;
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    const request = new Request(post(requestBody({ model: "a/x" })), { signal: controller.signal });
    const pending = call(proxy.handler, request);
    if (i < 2) {
      await upstream.arrival(i);
      controller.abort();
    }
    const response = await withTimeout(pending, "a rejection");
    await response.text();
    assertEquals(response.status, i < 2 ? 499 : 429, `${i}`);
  }
  assertEquals(toCents((await readToday(proxy)).estimatedUsd), 2);
});

Deno.test("without prices a request reserves the average of earlier costs", async () => {
  const gate = Promise.withResolvers<void>();
  await using harness = await startHarness(
    [
      () => replyWithUsage(usage({ cost: 0.5 }), { dialect: "openrouter", stream: false }),
      () => gate.promise.then(() => Response.json({ ...completion("Hi"), usage: usage({}) })),
    ],
    {},
    [],
  );
  const { proxy, upstream } = harness;
  await (await send(proxy)).text();
  const pending = ["a/x", "a/x", "b/other", "b/other"].map((model) => send(proxy, { model }));
  await upstream.arrival(3);
  gate.resolve();
  const statuses = (await Promise.all(pending)).map(({ status }) => status);
  assertEquals(statuses, [200, 200, 200, 429]);
  await Promise.all((await Promise.all(pending)).map((one) => one.text()));
  const { costUsd, estimatedUsd, uncounted } = await readToday(proxy);
  assertEquals([costUsd, estimatedUsd, uncounted], [0.5, 1.5, 0]);
});

Deno.test("without prices and earlier costs eight requests share the limit", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = () => gate.promise.then(() => Response.json(completion("Hi")));
  await using harness = await startHarness(reply, {}, []);
  const { proxy, upstream } = harness;
  const pending = Array.from({ length: 250 }, () => send(proxy));
  await upstream.arrival(7);
  gate.resolve();
  const responses = await Promise.all(pending);
  assertEquals(responses.filter(({ status }) => status === 200).length, 8);
  await Promise.all(responses.map((one) => one.text()));
});

Deno.test("a huge max_tokens reserves a million tokens", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = () => gate.promise.then(() => replyWithUsage(usage({ cost: 1 }), PLAIN));
  await using harness = await startHarness(reply, { MAX_COST_USD: "20000" });
  const pending = send(harness.proxy, { max_tokens: 1e15 });
  await harness.upstream.arrival(0);
  assertEquals(toCents((await readToday(harness.proxy)).reservedUsd), 10_000);
  gate.resolve();
  await (await pending).text();
});

for (const dialect of ["openrouter", "anthropic"]) {
  Deno.test(`clients with their own keys share no limit, in the ${dialect} dialect`, async () => {
    await using harness = await startHarness(
      () => replyWithUsage(usage({ cost: 5 }), { dialect, stream: false }),
      { OPENROUTER_API_KEY: undefined, UPSTREAM_DIALECT: dialect },
    );
    const { handler } = harness.proxy;
    for (const client of ["one", "two", "one"]) {
      const key = { "x-api-key": `sk-or-v1-${client}-0123456789abcdef` };
      const response = await call(handler, post(requestBody({ model: "a/x" }), key));
      await response.text();
      assertEquals(response.status, 200);
    }
    const { costUsd, maxCostUsd, estimatedUsd, reservedUsd } = await readToday(harness.proxy);
    assertEquals([costUsd, maxCostUsd, estimatedUsd, reservedUsd], [15, null, 0, 0]);
  });
}

Deno.test("a response that the proxy ends at a stop sequence counts by its text", async () => {
  const text = `${DOLLAR_TEXT}STOP and more`;
  const source = createOpenStream(sse(roleChunk(), textChunk(text)));
  await using harness = await startHarness(() => source.response);
  const response = await send(harness.proxy, { stream: true, stop_sequences: ["STOP"] });
  assertMatch(await response.text(), /"stop_sequence":"STOP"/);
  await withTimeout(source.cancelled, "the upstream body to be cancelled");
  const { costUsd, estimatedUsd, reservedUsd } = await readToday(harness.proxy);
  assertEquals([costUsd, toCents(estimatedUsd), reservedUsd], [0, 1, 0]);
});

const BREAKS: [
  about: string,
  end: (source: ReturnType<typeof createOpenStream>) => void,
  usd: number,
][] = [
  ["ends too early", ({ close }) => close(), 1],
  ["ends in an error", ({ send }) => send(sse(errorChunk({ code: 502, message: "Broken" }))), 1],
];

for (const [about, end, usd] of BREAKS) {
  Deno.test(`a stream that ${about} counts by its text`, async () => {
    const source = createOpenStream(sse(roleChunk(), textChunk(DOLLAR_TEXT)));
    await using harness = await startHarness(() => source.response);
    const response = await send(harness.proxy, { stream: true });
    end(source);
    assertMatch(await response.text(), /event: error/);
    const { estimatedUsd, reservedUsd } = await readToday(harness.proxy);
    assertEquals([toCents(estimatedUsd), reservedUsd], [usd, 0]);
    if (about === "ends in an error") source.close();
  });
}

Deno.test("a stream whose connection breaks counts by its text", async () => {
  await using upstream = startRawUpstream(async (call) => {
    await call.send(STREAM_HEADERS);
    await call.chunk(sse(roleChunk(), textChunk(DOLLAR_TEXT)));
  });
  const proxy = createProxy({ upstream, env: { MAX_COST_USD: "2" } });
  proxy.services.client.fetchModels = () => Promise.resolve({ data: [PRICED] });
  await proxy.services.catalog.list(5000);
  const response = await send(proxy, { stream: true });
  assertMatch(await response.text(), /event: error/);
  const { estimatedUsd, reservedUsd } = await readToday(proxy);
  assertEquals([toCents(estimatedUsd), reservedUsd], [1, 0]);
});

const FREE: [about: string, reply: Reply][] = [
  ["a rate limit", () => errorBody(429, "Slow down")],
  ["an upstream timeout", () => errorBody(504, "Too slow")],
  [
    "an error with HTTP 200",
    () => Response.json({ error: { code: 502, message: "x" } }),
  ],
  [
    "an error event before any text",
    () => eventStream(sse(errorChunk({ code: 502, message: "x" }))),
  ],
];

for (const [about, reply] of FREE) {
  Deno.test(`${about} costs nothing`, async () => {
    await using harness = await startHarness(reply);
    for (let i = 0; i < 5; i++) {
      const response = await send(harness.proxy, { stream: true });
      assert(!(await response.text()).includes("MAX_COST_USD"));
    }
    const { costUsd, estimatedUsd, reservedUsd, uncounted } = await readToday(harness.proxy);
    assertEquals([costUsd, estimatedUsd, reservedUsd, uncounted], [0, 0, 0, 0]);
  });
}

Deno.test("an upstream that cannot be reached costs nothing", async () => {
  const proxy = createProxy({ env: { MAX_COST_USD: "2" } });
  await (await send(proxy, { stream: true })).text();
  const { estimatedUsd, reservedUsd, uncounted } = await readToday(proxy);
  assertEquals([estimatedUsd, reservedUsd, uncounted], [0, 0, 0]);
});

Deno.test("a request that is retried with plain schemas is reserved once", async () => {
  const second = Promise.withResolvers<SeenRequest>();
  const gate = Promise.withResolvers<void>();
  const schemaError = "tools.0.function.parameters: invalid schema";
  await using harness = await startHarness([
    () => errorBody(400, schemaError),
    async (request) => {
      second.resolve(request);
      await gate.promise;
      return Response.json({ ...completion("Hi"), usage: usage({ cost: 0.5 }) });
    },
  ], { MAX_COST_USD: "1.5" });
  const input_schema = { type: "object", properties: { a: { type: "string", pattern: "^a$" } } };
  const pending = send(harness.proxy, { tools: [{ name: "look", input_schema }] });
  await withTimeout(second.promise, "the second attempt");
  assertEquals(toCents((await readToday(harness.proxy)).reservedUsd), 1);
  gate.resolve();
  assertEquals((await pending).status, 200);
  await (await pending).text();
  const { costUsd, reservedUsd } = await readToday(harness.proxy);
  assertEquals([costUsd, reservedUsd], [0.5, 0]);
});
