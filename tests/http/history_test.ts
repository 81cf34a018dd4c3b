/** The history behind the handler: what a request adds, `GET /stats/history`, and the restored daily limit. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Peer } from "../../lib/auth.ts";
import { startHistory } from "../../lib/cli/history.ts";
import type { HistoryReport } from "../../lib/history/types.ts";
import { createHandler } from "../../lib/server.ts";
import { completion } from "../helpers/chunks.ts";
import { createFolder, query } from "../helpers/history.ts";
import { PRICED } from "../helpers/priced_proxy.ts";
import { call, createTestServices, get, post, requestBody, SERVER_KEY } from "../helpers/proxy.ts";
import { startUpstream, type Upstream } from "../helpers/upstream.ts";

const REMOTE: Peer = { transport: "tcp", address: "203.0.113.7" };

/** A proxy whose history is opened as the command line does. Disposing of it closes the history. */
async function startProxy(
  path: string,
  upstream: Upstream,
  env: Record<string, string | undefined> = {},
) {
  const services = createTestServices({ upstream, env: { HISTORY: path, ...env } });
  const start = await startHistory(services);
  await services.catalog.list(5000);
  return {
    services,
    start,
    handler: createHandler(services),
    [Symbol.dispose]: () => services.history?.close(),
  };
}

type Proxy = Awaited<ReturnType<typeof startProxy>>;

function startReplies(usage: Record<string, unknown>): Upstream {
  const reply = () => Response.json({ ...completion("Hi"), model: "a/x", provider: "P", usage });
  return startUpstream(reply, { models: [PRICED] });
}

const COSTS_TWO = { prompt_tokens: 10, completion_tokens: 5, cost: 2 };

async function send({ handler }: Proxy, headers: Record<string, string> = {}): Promise<string> {
  return await (await call(handler, post(requestBody({ model: "a/x" }), headers))).text();
}

async function readReport({ handler }: Proxy, search: string): Promise<HistoryReport> {
  return await (await call(handler, get(`/stats/history${search}`))).json();
}

Deno.test("GET /stats/history has a request as soon as it is complete", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  using proxy = await startProxy(folder.path, upstream);
  await send(proxy, { "x-claude-code-session-id": "session-1" });
  const { by, totals, rows, omitted } = await readReport(proxy, "?by=session&since=1d");
  assertEquals([by, omitted, totals.requests, totals.costUsd], ["session", 0, 1, 2]);
  assertEquals([rows.length, rows[0]?.name, rows[0]?.outputTokens], [1, "session-1", 5]);
});

Deno.test("the history stores models, provider, session, kind and times of a request", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  using proxy = await startProxy(folder.path, upstream);
  await send(proxy, { "x-claude-code-session-id": "session-1" });
  await proxy.services.recorded();
  proxy.services.history?.close();
  const [row = {}] = query(folder.path, "SELECT * FROM requests");
  const { time, duration_ms, ...rest } = row;
  assert(Math.abs(Number(time) - Date.now()) < 60_000, `${time}`);
  assertEquals(typeof duration_ms, "number");
  assertEquals(rest, {
    id: 1,
    session: "session-1",
    key: null,
    kind: rest["kind"],
    model: "a/x",
    upstream_model: "a/x",
    provider: "P",
    outcome: "complete",
    status: 200,
    failed: 0,
    input_tokens: 10,
    cached_tokens: 0,
    written_tokens: null,
    output_tokens: 5,
    cost_usd: 2,
    estimated_usd: null,
    saved_usd: null,
    first_event_ms: rest["first_event_ms"],
    client_paid: 0,
  });
  assertEquals(typeof rest["kind"], "string");
});

Deno.test("the history names the proxy key of a client by its position, and stores no key", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  const keys = ["first-key-0123456789", "second-key-0123456789"];
  using proxy = await startProxy(folder.path, upstream, { PROXY_API_KEYS: keys.join(",") });
  const [first = "", second = ""] = keys;
  await send(proxy, { "x-api-key": second });
  await send(proxy, { authorization: `Bearer ${first}` });
  await send(proxy, { "x-api-key": "sk-or-v1-of-the-client", authorization: `Bearer ${second}` });
  await send(proxy, { "x-api-key": "wrong" });
  await proxy.services.recorded(3);
  proxy.services.history?.close();
  const rows = query(folder.path, "SELECT key, client_paid FROM requests ORDER BY id");
  assertEquals(rows.map(({ key, client_paid }) => [key, client_paid]), [
    ["key 2", 0],
    ["key 1", 0],
    ["key 2", 0],
  ]);
  const file = new TextDecoder().decode(Deno.readFileSync(folder.path));
  for (const secret of [...keys, SERVER_KEY, "of-the-client"]) assert(!file.includes(secret));
});

Deno.test("GET /stats says whether there is a history", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  using proxy = await startProxy(folder.path, upstream, { HISTORY_DAYS: "30" });
  const stats = await (await call(proxy.handler, get("/stats"))).json();
  assertEquals(stats.history, { days: 30 });
  const without = createHandler(createTestServices());
  assertEquals((await (await call(without, get("/stats"))).json()).history, undefined);
});

for (
  const [search, message] of [
    ["?by=provider", "by: allowed are day, month, model, key, session"],
    [
      "?since=soon",
      "since: allowed are a number of days or hours (7d, 12h) or a date (2026-11-01)",
    ],
  ] as const
) {
  Deno.test(`GET /stats/history${search} is a 400 that says what is allowed`, async () => {
    using folder = createFolder();
    await using upstream = startReplies(COSTS_TWO);
    using proxy = await startProxy(folder.path, upstream);
    const response = await call(proxy.handler, get(`/stats/history${search}`));
    const { error } = await response.json();
    assertEquals([response.status, error.type, error.message], [
      400,
      "invalid_request_error",
      message,
    ]);
  });
}

Deno.test("GET /stats/history without HISTORY is a 404 that says what to set", async () => {
  const response = await call(createHandler(createTestServices()), get("/stats/history"));
  const { error } = await response.json();
  assertEquals([response.status, error.message], [
    404,
    "There is no history: set HISTORY to the path of a file",
  ]);
});

for (
  const [about, env, headers, peer, status] of [
    ["a remote client", {}, {}, REMOTE, 403],
    [
      "a remote client of a proxy without a key",
      { OPENROUTER_API_KEY: undefined },
      {},
      REMOTE,
      403,
    ],
    ["a client without a proxy key", { PROXY_API_KEYS: "mine" }, {}, REMOTE, 401],
    ["a client with a proxy key", { PROXY_API_KEYS: "mine" }, { "x-api-key": "mine" }, REMOTE, 200],
    [
      "a browser with a proxy key as the password",
      { PROXY_API_KEYS: "mine" },
      { authorization: `Basic ${btoa("me:mine")}` },
      REMOTE,
      200,
    ],
    ["a page of another origin", {}, { origin: "https://evil.page" }, undefined, 403],
  ] as const
) {
  Deno.test(`${about} gets a ${status} from GET /stats/history`, async () => {
    using folder = createFolder();
    await using upstream = startReplies(COSTS_TWO);
    using proxy = await startProxy(folder.path, upstream, env);
    const response = await call(proxy.handler, get("/stats/history", { headers }), peer);
    await response.body?.cancel();
    assertEquals(response.status, status);
  });
}

Deno.test("a history that cannot be read is a 500 without its path, and a warning in the log", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  using proxy = await startProxy(folder.path, upstream);
  query(folder.path, "DROP TABLE requests");
  const response = await call(proxy.handler, get("/stats/history"));
  const text = await response.text();
  assertEquals(response.status, 500);
  assertStringIncludes(text, "The history cannot be read: see the proxy's log");
  assert(!text.includes(folder.folder), text);
  const { lines } = proxy.services;
  assertStringIncludes(lines.join("\n"), "The history cannot be read: no such table");
});

// --- the daily limit ---

for (
  const [about, usage] of [
    ["reported", COSTS_TWO],
    ["estimated", { prompt_tokens: 10, completion_tokens: 200 }],
  ] as const
) {
  Deno.test(`MAX_COST_USD counts the ${about} costs of today after a restart`, async () => {
    using folder = createFolder();
    await using upstream = startReplies(usage);
    const env = { MAX_COST_USD: "1.5" };
    {
      using first = await startProxy(folder.path, upstream, env);
      assertStringIncludes(await send(first), "Hi");
      await first.services.recorded();
    }
    using second = await startProxy(folder.path, upstream, env);
    assertMatch(await send(second), /Today's limit is reached: \$2(\.\d+)? of \$1\.5/);
    const { costUsd, estimatedUsd } = second.services.metrics.budget.read();
    assertEquals(
      [Math.round(costUsd), Math.round(estimatedUsd)],
      about === "reported" ? [2, 0] : [0, 2],
    );
    assertEquals(upstream.requests.length, 1);
  });
}

Deno.test("MAX_COST_USD_PER_KEY counts the costs of each key after a restart", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  const [first, second] = ["first-key-0123456789", "second-key-0123456789"];
  const env = { MAX_COST_USD_PER_KEY: "1.5", PROXY_API_KEYS: `${first},${second}` };
  {
    using before = await startProxy(folder.path, upstream, env);
    await send(before, { "x-api-key": second });
    await before.services.recorded();
  }
  using after = await startProxy(folder.path, upstream, env);
  assertMatch(await send(after, { "x-api-key": second }), /limit .*is reached/);
  assertStringIncludes(await send(after, { "x-api-key": first }), "Hi");
});

Deno.test("what clients paid with their own keys is not restored", async () => {
  using folder = createFolder();
  await using upstream = startReplies(COSTS_TWO);
  {
    using first = await startProxy(folder.path, upstream, { OPENROUTER_API_KEY: undefined });
    await send(first, { "x-api-key": "sk-or-v1-of-the-client" });
    await first.services.recorded();
  }
  using second = await startProxy(folder.path, upstream, { OPENROUTER_API_KEY: SERVER_KEY });
  assertEquals(second.services.metrics.budget.read().costUsd, 0);
  assertEquals((await readReport(second, "")).totals.costUsd, 2);
});
