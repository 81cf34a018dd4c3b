/** MAX_COST_USD: clients that disconnect early, concurrent requests, and costs as upstream reports them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Today } from "../../lib/metrics/types.ts";
import {
  callChunk,
  callHead,
  callTail,
  completion,
  errorChunk,
  finishChunk,
  roleChunk,
  sse,
  sseAnswer,
  textChunk,
  usageChunk,
} from "../helpers/chunks.ts";
import { ask, call, createProxy, get, HELD_KEY, post } from "../helpers/proxy.ts";
import { startRawUpstream, STREAM_HEAD } from "../helpers/raw_upstream.ts";
import { withTimeout } from "../helpers/timeout.ts";
import {
  errorBody,
  eventStream,
  holdStream,
  type Reply,
  type SeenRequest,
  startUpstream,
  type Upstream,
} from "../helpers/upstream.ts";

type Proxy = ReturnType<typeof createProxy>;

/** One cent per output token, so that max_tokens of 100 costs one dollar. Input costs next to nothing. */
const PRICED = { id: "a/x", pricing: { prompt: "0.00000001", completion: "0.01" } };
/** 400 characters, estimated as 100 tokens. */
const DOLLAR_TEXT = "word ".repeat(80);

interface Stage extends AsyncDisposable {
  upstream: Upstream;
  proxy: Proxy;
}

async function startStage(
  script: Reply | Reply[],
  env: Record<string, string | undefined> = {},
  models: Record<string, unknown>[] = [PRICED],
): Promise<Stage> {
  const upstream = startUpstream(script, { models, check: () => {} });
  const proxy = createProxy({ upstream, env: { MAX_COST_USD: "2", ...env } });
  await proxy.services.catalog.list(5000);
  return { upstream, proxy, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() };
}

function send({ handler }: Proxy, more: Record<string, unknown> = {}): Promise<Response> {
  return call(handler, post(ask({ model: "a/x", ...more })));
}

async function readToday({ handler }: Proxy, key = HELD_KEY): Promise<Today> {
  const response = await call(handler, get("/stats", { headers: { "x-api-key": key } }));
  return (await response.json()).today;
}

/** Rounds to cents, which ignores the cost of the input. */
function toCents(usd: number): number {
  return Math.round(usd * 100) / 100;
}

const usage = (more: Record<string, unknown>) => ({
  prompt_tokens: 10,
  completion_tokens: 100,
  ...more,
});

/** Events of Anthropic's API: 100 tokens of text, and the end if it is given. */
function nativeEvents(end?: Record<string, unknown>): string {
  const message = { type: "message", model: "a/x", usage: { input_tokens: 10, output_tokens: 1 } };
  const events: Record<string, unknown>[] = [
    { type: "message_start", message: { ...message, content: [] } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: DOLLAR_TEXT } },
  ];
  if (end !== undefined) {
    events.push({ type: "message_delta", delta: {}, usage: end }, { type: "message_stop" });
  }
  return events.map((one) => `event: ${one["type"]}\ndata: ${JSON.stringify(one)}\n\n`).join("");
}

const PLAIN = { dialect: "openrouter", stream: false };

/** What upstream sends before the client disconnects, without usage. */
const BEGINNINGS: [dialect: string, beginning: string][] = [
  ["openrouter", sse(roleChunk(), textChunk(DOLLAR_TEXT))],
  ["openai", sse(roleChunk(), textChunk(DOLLAR_TEXT))],
  ["anthropic", nativeEvents()],
];

for (const [UPSTREAM_DIALECT, beginning] of BEGINNINGS) {
  Deno.test(`responses cancelled before their usage count, in the ${UPSTREAM_DIALECT} dialect`, async () => {
    await using stage = await startStage(() => holdStream(beginning).response, {
      UPSTREAM_DIALECT,
    });
    const { proxy, upstream } = stage;
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
    assertEquals(statuses, [200, 200, ...Array(38).fill(402)]);
    const { costUsd, estimatedUsd, reservedUsd } = await readToday(proxy);
    assertEquals([costUsd, toCents(estimatedUsd), reservedUsd], [0, 2, 0]);
  });

  Deno.test(`250 concurrent requests cost no more than the limit, in the ${UPSTREAM_DIALECT} dialect`, async () => {
    const gate = Promise.withResolvers<void>();
    const whole = UPSTREAM_DIALECT === "anthropic"
      ? { type: "message", model: "a/x", content: [], usage: { output_tokens: 100, cost: 1 } }
      : { ...completion("Hi"), usage: usage({ cost: 1 }) };
    await using stage = await startStage(
      () => gate.promise.then(() => Response.json(whole)),
      { UPSTREAM_DIALECT },
    );
    const { proxy, upstream } = stage;
    const asked = Array.from({ length: 250 }, () => send(proxy));
    await upstream.arrival(1);
    gate.resolve();
    const responses = await Promise.all(asked);
    assertEquals(upstream.requests.length, 2);
    const refused = responses.filter(({ status }) => status === 402);
    assertEquals(refused.length, 248);
    const [first] = refused;
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
  await using stage = await startStage(({ left }) => left.then(() => new Response()));
  const { proxy, upstream } = stage;
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    const request = new Request(post(ask({ model: "a/x" })), { signal: controller.signal });
    const pending = call(proxy.handler, request);
    if (i < 2) {
      await upstream.arrival(i);
      controller.abort();
    }
    const response = await withTimeout(pending, "a rejection");
    await response.text();
    assertEquals(response.status, i < 2 ? 499 : 402, `${i}`);
  }
  assertEquals(toCents((await readToday(proxy)).estimatedUsd), 2);
});

// ── Reported costs ──────────────────────────────────────────────────────────────────────────────────────────

/** The cost fields of usage → the counted cost. */
const REPORTS: [about: string, report: Record<string, unknown>, cost: number][] = [
  ["a number", { cost: 0.25 }, 0.25],
  ["text", { cost: "0.25" }, 0.25],
  ["text with an exponent", { cost: "2.5e-1" }, 0.25],
  [
    "a BYOK fee beside the provider's price",
    { cost: 0.05, is_byok: true, cost_details: { upstream_inference_cost: 1 } },
    1.05,
  ],
  [
    "no BYOK fee beside the provider's price as text",
    { cost: 0, is_byok: true, cost_details: { upstream_inference_cost: "1.5" } },
    1.5,
  ],
  ["a fee without is_byok", { cost: 0.05, cost_details: { upstream_inference_cost: 1 } }, 1.05],
  [
    "a price that the cost includes",
    { cost: 0.5, is_byok: false, cost_details: { upstream_inference_cost: 0.5 } },
    0.5,
  ],
  ["the provider's price alone", { cost_details: { upstream_inference_cost: 0.75 } }, 0.75],
  ["text that is not a number", { cost: "1 USD" }, 1],
  ["Infinity", { cost: "1e999" }, 1],
  ["a negative number", { cost: -1 }, 1],
  ["no cost", {}, 1],
];

for (const [about, report, cost] of REPORTS) {
  for (const dialect of ["openrouter", "anthropic"]) {
    for (const stream of [false, true]) {
      const subject = `${stream ? "a stream" : "a JSON response"} of the ${dialect} dialect`;
      Deno.test(`${subject} that reports ${about} costs $${cost}`, async () => {
        const tokens = dialect === "anthropic"
          ? { input_tokens: 10, output_tokens: 100, ...report }
          : usage(report);
        await using stage = await startStage(
          () => replyWithUsage(tokens, { dialect, stream }),
          { UPSTREAM_DIALECT: dialect },
        );
        await (await send(stage.proxy, { stream })).text();
        const { costUsd, estimatedUsd, reservedUsd, uncounted } = await readToday(stage.proxy);
        assertEquals(toCents(costUsd + estimatedUsd), cost);
        assertEquals([reservedUsd, uncounted], [0, 0]);
      });
    }
  }
}

function replyWithUsage(
  tokens: Record<string, unknown>,
  { dialect, stream }: { dialect: string; stream: boolean },
): Response {
  if (dialect === "anthropic") {
    const message = { type: "message", model: "a/x", content: [], usage: tokens };
    return stream ? eventStream(nativeEvents(tokens)) : Response.json(message);
  }
  if (!stream) return Response.json({ ...completion("Hi"), usage: tokens });
  const last = { ...usageChunk(), usage: tokens };
  return eventStream(sse(roleChunk(), textChunk("Hi"), finishChunk(), last, "[DONE]"));
}

Deno.test("cache reads and writes have their own prices if no cost is reported", async () => {
  const pricing = {
    prompt: "0.001",
    completion: "0.01",
    input_cache_read: "0.0001",
    input_cache_write: "0.002",
  };
  const tokens = usage({
    prompt_tokens: 1000,
    prompt_tokens_details: { cached_tokens: 800, cache_write_tokens: 100 },
  });
  await using stage = await startStage(
    () => replyWithUsage(tokens, { dialect: "openrouter", stream: true }),
    {},
    [{ id: "a/x", pricing }],
  );
  await (await send(stage.proxy, { stream: true })).text();
  // 100 × 0.001 + 800 × 0.0001 + 100 × 0.002 + 100 × 0.01
  assertEquals(toCents((await readToday(stage.proxy)).estimatedUsd), 1.38);
});

Deno.test("a response that cannot be translated still has its reported cost", async () => {
  const whole = { choices: [], usage: usage({ cost: 1 }) };
  await using stage = await startStage(() => Response.json(whole));
  const response = await send(stage.proxy);
  assertEquals(response.status, 502);
  await response.text();
  assertEquals((await readToday(stage.proxy)).costUsd, 1);
});

Deno.test("requests of unknown cost are counted, with one warning", async () => {
  const unreported = () => replyWithUsage(usage({}), { dialect: "openrouter", stream: true });
  await using stage = await startStage(unreported, {}, []);
  const { proxy } = stage;
  for (let i = 0; i < 3; i++) await (await send(proxy, { stream: true })).text();
  const { costUsd, estimatedUsd, uncounted } = await readToday(proxy);
  assertEquals([costUsd, estimatedUsd, uncounted], [0, 0, 3]);
  const warnings = proxy.services.lines.filter((line) =>
    line.includes("The cost of a/x is unknown")
  );
  assertEquals(warnings.length, 1);
});

Deno.test("without prices a request reserves the average of earlier costs", async () => {
  const gate = Promise.withResolvers<void>();
  await using stage = await startStage(
    [
      () => replyWithUsage(usage({ cost: 0.5 }), { dialect: "openrouter", stream: false }),
      () => gate.promise.then(() => Response.json({ ...completion("Hi"), usage: usage({}) })),
    ],
    {},
    [],
  );
  const { proxy, upstream } = stage;
  await (await send(proxy)).text();
  const asked = ["a/x", "a/x", "b/other", "b/other"].map((model) => send(proxy, { model }));
  await upstream.arrival(3);
  gate.resolve();
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  assertEquals(statuses, [200, 200, 200, 402]);
  await Promise.all((await Promise.all(asked)).map((one) => one.text()));
  const { costUsd, estimatedUsd, uncounted } = await readToday(proxy);
  assertEquals([costUsd, estimatedUsd, uncounted], [0.5, 1.5, 0]);
});

Deno.test("without prices and earlier costs eight requests share the limit", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = () => gate.promise.then(() => Response.json(completion("Hi")));
  await using stage = await startStage(reply, {}, []);
  const { proxy, upstream } = stage;
  const asked = Array.from({ length: 250 }, () => send(proxy));
  await upstream.arrival(7);
  gate.resolve();
  const responses = await Promise.all(asked);
  assertEquals(responses.filter(({ status }) => status === 200).length, 8);
  await Promise.all(responses.map((one) => one.text()));
});

Deno.test("a huge max_tokens reserves a million tokens", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = () => gate.promise.then(() => replyWithUsage(usage({ cost: 1 }), PLAIN));
  await using stage = await startStage(reply, { MAX_COST_USD: "20000" });
  const asked = send(stage.proxy, { max_tokens: 1e15 });
  await stage.upstream.arrival(0);
  assertEquals(toCents((await readToday(stage.proxy)).reservedUsd), 10_000);
  gate.resolve();
  await (await asked).text();
});

// ── Clients' own keys ───────────────────────────────────────────────────────────────────────────────────────

for (const dialect of ["openrouter", "anthropic"]) {
  Deno.test(`clients with their own keys share no limit, in the ${dialect} dialect`, async () => {
    await using stage = await startStage(
      () => replyWithUsage(usage({ cost: 5 }), { dialect, stream: false }),
      { OPENROUTER_API_KEY: undefined, UPSTREAM_DIALECT: dialect },
    );
    const { handler } = stage.proxy;
    for (const client of ["one", "two", "one"]) {
      const key = { "x-api-key": `sk-or-v1-${client}-0123456789abcdef` };
      const response = await call(handler, post(ask({ model: "a/x" }), key));
      await response.text();
      assertEquals(response.status, 200);
    }
    const { costUsd, maxCostUsd, estimatedUsd, reservedUsd } = await readToday(stage.proxy);
    assertEquals([costUsd, maxCostUsd, estimatedUsd, reservedUsd], [15, null, 0, 0]);
  });
}

// ── Responses without a report ──────────────────────────────────────────────────────────────────────────────

Deno.test("a response that the proxy ends at a stop sequence counts by its text", async () => {
  const text = `${DOLLAR_TEXT}STOP and more`;
  const held = holdStream(sse(roleChunk(), textChunk(text)));
  await using stage = await startStage(() => held.response);
  const response = await send(stage.proxy, { stream: true, stop_sequences: ["STOP"] });
  assertMatch(await response.text(), /"stop_sequence":"STOP"/);
  await withTimeout(held.cancelled, "the upstream body to be cancelled");
  const { costUsd, estimatedUsd, reservedUsd } = await readToday(stage.proxy);
  assertEquals([costUsd, toCents(estimatedUsd), reservedUsd], [0, 1, 0]);
});

const BREAKS: [about: string, end: (held: ReturnType<typeof holdStream>) => void, usd: number][] = [
  ["ends too early", ({ close }) => close(), 1],
  ["ends in an error", ({ send }) => send(sse(errorChunk({ code: 502, message: "Broken" }))), 1],
];

for (const [about, end, usd] of BREAKS) {
  Deno.test(`a stream that ${about} counts by its text`, async () => {
    const held = holdStream(sse(roleChunk(), textChunk(DOLLAR_TEXT)));
    await using stage = await startStage(() => held.response);
    const response = await send(stage.proxy, { stream: true });
    end(held);
    assertMatch(await response.text(), /event: error/);
    const { estimatedUsd, reservedUsd } = await readToday(stage.proxy);
    assertEquals([toCents(estimatedUsd), reservedUsd], [usd, 0]);
    if (about === "ends in an error") held.close();
  });
}

Deno.test("a stream whose connection breaks counts by its text", async () => {
  await using upstream = startRawUpstream(async (call) => {
    await call.send(STREAM_HEAD);
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
    await using stage = await startStage(reply);
    for (let i = 0; i < 5; i++) {
      const response = await send(stage.proxy, { stream: true });
      await response.text();
      assert(response.status !== 402, `${response.status}`);
    }
    const { costUsd, estimatedUsd, reservedUsd, uncounted } = await readToday(stage.proxy);
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
  await using stage = await startStage([
    () => errorBody(400, schemaError),
    async (request) => {
      second.resolve(request);
      await gate.promise;
      return Response.json({ ...completion("Hi"), usage: usage({ cost: 0.5 }) });
    },
  ], { MAX_COST_USD: "1.5" });
  const input_schema = { type: "object", properties: { a: { type: "string", pattern: "^a$" } } };
  const asked = send(stage.proxy, { tools: [{ name: "look", input_schema }] });
  await withTimeout(second.promise, "the second attempt");
  assertEquals(toCents((await readToday(stage.proxy)).reservedUsd), 1);
  gate.resolve();
  assertEquals((await asked).status, 200);
  await (await asked).text();
  const { costUsd, reservedUsd } = await readToday(stage.proxy);
  assertEquals([costUsd, reservedUsd], [0.5, 0]);
});

// ── Release of reservations ─────────────────────────────────────────────────────────────────────────────────

const TOOL_CALL = sse(
  roleChunk(),
  callChunk(callHead(0, "c", "look")),
  callChunk(callTail(0, "no JSON")),
  finishChunk("tool_calls"),
  "[DONE]",
);

const REPLIES: Reply[] = [
  () => eventStream(sseAnswer("Hello you")),
  () => Response.json(completion("Hello")),
  () => new Response("no JSON", { headers: { "content-type": "application/json" } }),
  () => errorBody(429, "Slow down"),
  ({ body }) => errorBody(400, `${body["model"]} is not a valid model ID`),
  () => eventStream(sse(roleChunk(), textChunk("Hel"))),
  () => eventStream(sse(errorChunk({ code: 502, message: "x" }))),
  () => eventStream(sse(roleChunk(), textChunk("to STOP here"), finishChunk(), "[DONE]")),
  () => eventStream(TOOL_CALL),
  () => eventStream("data: {broken\n\n"),
  () => holdStream(sse(roleChunk(), textChunk("Hel"))).response,
];
const HELD = REPLIES.length - 1;

/** Pseudorandom integers below a bound, the same for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 2_147_483_648 * below);
  };
}

Deno.test("after 1,000 requests with random endings nothing is reserved or in flight", async () => {
  const random = createRandom(7);
  const replies = new Map<string, Reply | undefined>();
  await using stage = await startStage(
    (request) => replies.get(`${request.body["model"]}`)?.(request) ?? errorBody(500, "no script"),
    { MAX_COST_USD: "1000000" },
    [],
  );
  const { proxy } = stage;
  const run = async (number: number) => {
    const choice = random(REPLIES.length);
    const model = `a/${number}`;
    replies.set(model, REPLIES[choice]);
    const controller = new AbortController();
    const cancels = choice === HELD || random(5) === 0;
    const stream = choice === HELD || random(3) > 0;
    const body = ask({ model, stream, stop_sequences: ["STOP"] });
    const request = new Request(post(body), { signal: controller.signal });
    const response = call(proxy.handler, request);
    if (cancels && choice !== HELD && random(2) === 0) controller.abort();
    const given = await response;
    if (cancels) await given.body?.cancel();
    else await given.text().catch(() => {});
  };
  for (let i = 0; i < 1000; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => run(i + j)));
  }
  await proxy.services.recorded(999);
  const stats = await (await call(proxy.handler, get("/stats"))).json();
  assertEquals([stats.today.reservedUsd, stats.inFlight], [0, []]);
  assertEquals(stats.totals.requests, 1000);
});
