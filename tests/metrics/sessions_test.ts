/** Figures by session: Sessions, and `GET /stats?session=ID` through the handler. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { JsonObject } from "../../lib/json.ts";
import type { CompletedRequest, Session, Stats } from "../../lib/metrics/types.ts";
import { Sessions, toSessionKey } from "../../lib/metrics/sessions.ts";
import { completion, sseAnswer } from "../helpers/chunks.ts";
import { createRecord, NOON } from "../helpers/metrics.ts";
import { call, createProxy, get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import { errorBody, eventStream, startUpstream } from "../helpers/upstream.ts";

const FACTS = { now: NOON, savedUsd: undefined, contextLength: 200_000 };

function createRequest(more: Partial<CompletedRequest> = {}): CompletedRequest {
  return {
    ...createRecord({ model: "claude-opus-5-5", upstreamModel: "a/x", provider: "Vendor" }),
    number: 1,
    time: NOON - 1000,
    events: [],
    sessionId: "s1",
    kind: "main",
    ...more,
  };
}

/** The session after these requests. */
function countAll(...requests: Partial<CompletedRequest>[]): Session | undefined {
  const sessions = new Sessions();
  for (const request of requests) sessions.count(createRequest(request), FACTS);
  return sessions.find("s1");
}

Deno.test("Sessions adds up the requests of a session, and counts them by kind", () => {
  const session = countAll(
    { inputTokens: 10, outputTokens: 5, cachedTokens: 100, costUsd: 0.5 },
    { kind: "agent", inputTokens: 1, outputTokens: 1, costUsd: 0.25 },
    { kind: "guard", costUsd: 0.125 },
    { kind: "side", status: 402, outcome: "billing_error", error: "No credit" },
    { sessionId: "s2", costUsd: 9 },
  );
  assertEquals(session, {
    id: "s1",
    startedAt: NOON - 1000,
    lastActiveAt: NOON,
    totals: {
      requests: 4,
      failed: 1,
      inputTokens: 11,
      cachedTokens: 100,
      writtenTokens: 0,
      outputTokens: 6,
      costUsd: 0.875,
      unpriced: 0,
      savedUsd: null,
    },
    kinds: { main: 1, agent: 1, guard: 1, side: 1 },
    lastAnswer: {
      model: "claude-opus-5-5",
      upstreamModel: "a/x",
      provider: "Vendor",
      contextTokens: 110,
      contextLength: 200_000,
      tokensPerSecond: null,
    },
    lastError: { type: "billing_error", message: "No credit", time: NOON },
  });
});

const NO_ANSWERS: [about: string, request: Partial<CompletedRequest>][] = [
  ["a subagent", { kind: "agent" }],
  ["a guard", { kind: "guard" }],
  ["a side request", { kind: "side" }],
  ["a cancelled response", { outcome: "client_gone" }],
  ["a failed response", { outcome: "api_error", error: "Cut" }],
];

for (const [about, request] of NO_ANSWERS) {
  Deno.test(`Sessions keeps the last answer of the conversation after ${about}`, () => {
    const session = countAll({ inputTokens: 5 }, {
      ...request,
      upstreamModel: "b/y",
      inputTokens: 9,
    });
    assertEquals(session?.lastAnswer?.upstreamModel, "a/x");
    assertEquals(session?.lastAnswer?.contextTokens, 5);
  });
}

Deno.test("Sessions does not report a disconnect of the client as an error", () => {
  assertEquals(countAll({ outcome: "client_gone", error: "Gone" })?.lastError, null);
});

const SPEEDS: [about: string, request: Partial<CompletedRequest>, speed: number | null][] = [
  ["of a stream", { outputTokens: 60, firstEventMs: 500, totalMs: 2500 }, 30],
  ["of a whole response", { outputTokens: 60, firstEventMs: 2500, totalMs: 2500 }, null],
  ["without usage", { firstEventMs: 500, totalMs: 2500 }, null],
  ["without a first event", { outputTokens: 60, totalMs: 2500 }, null],
];

for (const [about, request, speed] of SPEEDS) {
  Deno.test(`Sessions measures the speed ${about}`, () => {
    assertEquals(countAll(request)?.lastAnswer?.tokensPerSecond, speed);
  });
}

Deno.test("Sessions knows nothing of a context whose tokens were not reported", () => {
  assertEquals(countAll({ inputTokens: 0, cachedTokens: 0 })?.lastAnswer?.contextTokens, null);
});

Deno.test("Sessions keeps 100 sessions, and drops the least recently active one", () => {
  const sessions = new Sessions();
  for (let i = 0; i < 100; i++) sessions.count(createRequest({ sessionId: `s${i}` }), FACTS);
  for (const sessionId of ["s0", "new"]) sessions.count(createRequest({ sessionId }), FACTS);
  const ids = sessions.list().map(({ id }) => id);
  assertEquals([ids.length, ...ids.slice(0, 3)], [100, "new", "s0", "s99"]);
  assertEquals([sessions.find("s1"), sessions.find("s0")?.totals.requests], [undefined, 2]);
});

Deno.test("Sessions ignores requests without a session", () => {
  const { sessionId: _, ...request } = createRequest();
  const sessions = new Sessions();
  sessions.count(request, FACTS);
  assertEquals(sessions.list(), []);
});

Deno.test("toSessionKey makes an id one short line", () => {
  assertEquals(toSessionKey("a\u001b[31m\u202eb"), "a [31m b");
  assertEquals(toSessionKey("x".repeat(300)).length, 128);
});

Deno.test("Sessions finds a session by the id as its client sends it", () => {
  const id = `a\u001b${"x".repeat(200)}`;
  const sessions = new Sessions();
  sessions.count(createRequest({ sessionId: toSessionKey(id) }), FACTS);
  assertEquals(sessions.find(id)?.totals.requests, 1);
});

// --- through the proxy ---

const OF_CLAUDE = { "x-claude-code-session-id": "a-b-c" };
const ENV = { TARGET_MODEL_BIG: "a/x" };
const MODELS = [{ id: "a/x", context_length: 131_072 }];

async function send(proxy: ReturnType<typeof createProxy>, body: JsonObject, headers: object = {}) {
  await (await call(proxy.handler, post(requestBody(body), { ...headers }))).text();
}

async function readSession({ handler }: ReturnType<typeof createProxy>, id: string) {
  const response = await call(handler, get(`/stats?session=${encodeURIComponent(id)}`));
  const body = await response.json();
  return { status: response.status, cache: response.headers.get("cache-control"), body };
}

for (const dialect of ["openrouter", "anthropic"]) {
  Deno.test(`GET /stats?session=ID reports one session with UPSTREAM_DIALECT=${dialect}`, async () => {
    const message = { model: "a/x", provider: "Vendor", usage: { input_tokens: 9, cost: 0.5 } };
    const reply = dialect === "anthropic"
      ? () => Response.json({ type: "message", content: [], ...message })
      : () => Response.json({ ...completion("Hi"), ...message, usage: { prompt_tokens: 9 } });
    await using upstream = startUpstream(reply, { models: MODELS });
    const proxy = createProxy({ upstream, env: { ...ENV, UPSTREAM_DIALECT: dialect } });
    proxy.services.catalog.refresh();
    await proxy.services.catalog.settled();
    const tools = [{ name: "Bash", input_schema: { type: "object" } }];
    await send(proxy, { tools }, OF_CLAUDE);
    await send(proxy, {}, OF_CLAUDE);
    await send(proxy, { tools }, { ...OF_CLAUDE, "x-claude-code-agent-id": "a1" });
    await send(proxy, { tools }, { ...OF_CLAUDE, "x-claude-code-request-class": "compaction" });
    await send(proxy, { metadata: { user_id: "user_1_session_other" } });
    const { status, cache, body } = await readSession(proxy, "a-b-c");
    const session: Session = body;
    assertEquals([status, cache, session.totals.requests], [200, "no-store", 4]);
    assertEquals(session.kinds, { main: 1, agent: 1, guard: 0, side: 2 });
    const { upstreamModel, provider, contextTokens, contextLength } = session.lastAnswer ?? {};
    assertEquals([upstreamModel, provider, contextTokens, contextLength], [
      "a/x",
      "Vendor",
      9,
      131_072,
    ]);
    assertEquals((await readSession(proxy, "other")).body.kinds.main, 1);
    const stats: Stats = await (await call(proxy.handler, get("/stats"))).json();
    assertEquals(stats.sessions.map(({ id }) => id), ["other", "a-b-c"]);
    assertEquals(stats.requests.map(({ sessionId, kind }) => [sessionId, kind]), [
      ["a-b-c", "main"],
      ["a-b-c", "side"],
      ["a-b-c", "agent"],
      ["a-b-c", "side"],
      ["other", "main"],
    ]);
  });
}

const TEAM_KEY = "team-key-0123456789";

for (
  const [variable, limit] of [
    ["MAX_COST_USD", { spentUsd: 0.75, maxCostUsd: 2 }],
    ["MAX_COST_USD_PER_KEY", { spentUsd: 0.75, maxCostUsd: 2 }],
    ["INSPECT", null],
  ] as const
) {
  Deno.test(`GET /stats?session=ID reports ${limit === null ? "no limit" : variable}`, async () => {
    const usage = { prompt_tokens: 9, cost: 0.75 };
    await using upstream = startUpstream(() => Response.json({ ...completion("Hi"), usage }));
    const env = { ...ENV, PROXY_API_KEYS: TEAM_KEY, [variable]: limit === null ? "0" : "2" };
    const proxy = createProxy({ upstream, env });
    const headers = { ...OF_CLAUDE, "x-api-key": TEAM_KEY };
    await send(proxy, {}, headers);
    const response = await call(proxy.handler, get("/stats?session=a-b-c", { headers }));
    assertEquals((await response.json()).limit, limit);
  });
}

Deno.test("GET /stats?session=ID reports the last error of a session, and an unknown session as 404", async () => {
  await using upstream = startUpstream(() => errorBody(429, "Slow down"));
  const proxy = createProxy({ upstream });
  await send(proxy, {}, OF_CLAUDE);
  const { body } = await readSession(proxy, "a-b-c");
  assertEquals([body.lastAnswer, body.lastError.type], [null, "rate_limit_error"]);
  assertMatch(body.lastError.message, /Slow down/);
  const unknown = await readSession(proxy, "unknown");
  assertEquals([unknown.status, unknown.body.error.type], [404, "not_found_error"]);
});

Deno.test("a hostile session id is a short line without secrets", async () => {
  await using upstream = startUpstream(() => eventStream(sseAnswer("Hi")));
  const proxy = createProxy({ upstream });
  const id = `\u202e\u001b[2J${SERVER_KEY}${"x".repeat(150)}`;
  await send(proxy, { stream: true, metadata: { user_id: id } });
  await proxy.services.recorded();
  const text = await (await call(proxy.handler, get("/stats"))).text();
  assert(!text.includes("sk-or") && !text.includes("\\u001b") && !text.includes("\u202e"), text);
  const [session] = (JSON.parse(text) as Stats).sessions;
  assertEquals(session?.id.length, 128);
});
