/** MAX_COST_USD_PER_KEY, and what clients are told about both daily limits. */

import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { completion } from "../helpers/chunks.ts";
import {
  nativeEvents,
  readToday,
  replyWithUsage,
  startHarness,
  toCents,
  usage,
} from "../helpers/priced_proxy.ts";
import { call, get, post, requestBody } from "../helpers/proxy.ts";
import { createOpenStream, errorBody } from "../helpers/upstream.ts";

const KEYS = ["first-key-0123456789", "second-key-0123456789"] as const;
const PREFIX = "anthropic-ratelimit-unified";
const PER_KEY = {
  PROXY_API_KEYS: KEYS.join(","),
  MAX_COST_USD: undefined,
  MAX_COST_USD_PER_KEY: "2",
};

type Harness = Awaited<ReturnType<typeof startHarness>>;

function sendWith(
  { proxy }: Harness,
  key: string,
  more: Record<string, unknown> = {},
): Promise<Response> {
  return call(proxy.handler, post(requestBody({ model: "a/x", ...more }), { "x-api-key": key }));
}

function listLimitHeaders({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith(PREFIX));
}

for (const dialect of ["openrouter", "anthropic"]) {
  for (const stream of [false, true]) {
    const kind = `${stream ? "a stream" : "a plain response"} in the ${dialect} dialect`;

    Deno.test(`${kind} reports the share of the limit that is spent`, async () => {
      const tokens = usage({ cost: 0.8 });
      await using harness = await startHarness(
        () => replyWithUsage(tokens, { dialect, stream }),
        { UPSTREAM_DIALECT: dialect, MAX_COST_USD: "1" },
      );
      const seen = [];
      for (let i = 0; i < 2; i++) {
        const response = await sendWith(harness, "any", { stream });
        seen.push(
          ["status", "overage-utilization", "overage-surpassed-threshold"].map((name) =>
            response.headers.get(`${PREFIX}-${name}`)
          ),
        );
        await response.text();
        const reset = Number(response.headers.get(`${PREFIX}-reset`)) * 1000;
        assert(reset > Date.now() && reset <= Date.now() + 86_400_000 && reset % 86_400_000 === 0);
      }
      assertEquals(seen, [["allowed", "0", null], ["allowed_warning", "0.8", "0.75"]]);
    });

    Deno.test(`${kind} has no such headers without a limit`, async () => {
      await using harness = await startHarness(
        () => replyWithUsage(usage({ cost: 1 }), { dialect, stream }),
        { UPSTREAM_DIALECT: dialect, MAX_COST_USD: undefined },
      );
      const response = await sendWith(harness, "any", { stream });
      await response.text();
      assertEquals(listLimitHeaders(response), []);
    });
  }

  Deno.test(`MAX_COST_USD_PER_KEY limits each key alone, in the ${dialect} dialect`, async () => {
    await using harness = await startHarness(
      () => replyWithUsage(usage({ cost: 1 }), { dialect, stream: false }),
      { ...PER_KEY, UPSTREAM_DIALECT: dialect },
    );
    const statuses = [];
    for (const key of [KEYS[1], KEYS[1], KEYS[1], KEYS[0]]) {
      const response = await sendWith(harness, key);
      statuses.push(response.status);
      await response.text();
    }
    assertEquals(statuses, [200, 200, 429, 200]);
    const response = await sendWith(harness, KEYS[1]);
    const text = await response.text();
    const { type, message } = JSON.parse(text).error;
    assertEquals(type, "billing_error");
    assertMatch(
      message,
      /^Today's limit is reached: \$2 of \$2 for key 2 \(MAX_COST_USD_PER_KEY\)\. Raise it, or wait until \d{4}-\d\d-\d\d 00:00 UTC$/,
    );
    assertEquals(response.headers.get("x-should-retry"), "false");
    const retryAfter = Number(response.headers.get("retry-after"));
    const untilReset = Number(response.headers.get(`${PREFIX}-reset`)) - Date.now() / 1000;
    assert(Math.abs(retryAfter - untilReset) < 5, `${retryAfter} s, ${untilReset} s`);
    assertFalse(KEYS.some((key) => text.includes(key)), text);
    const { keys, costUsd, maxCostUsd } = await readToday(harness.proxy, KEYS[0]);
    assertEquals([costUsd, maxCostUsd], [3, null]);
    assertEquals(keys.map(({ label, costUsd, maxCostUsd }) => [label, costUsd, maxCostUsd]), [
      ["key 1", 1, 2],
      ["key 2", 2, 2],
    ]);
  });

  Deno.test(`concurrent requests with one key cost no more than its limit, in the ${dialect} dialect`, async () => {
    const gate = Promise.withResolvers<void>();
    await using harness = await startHarness(
      () => gate.promise.then(() => replyWithUsage(usage({ cost: 1 }), { dialect, stream: false })),
      { ...PER_KEY, UPSTREAM_DIALECT: dialect },
    );
    const pending = Array.from({ length: 100 }, (_, i) => sendWith(harness, KEYS[i % 2] ?? ""));
    await harness.upstream.arrival(3);
    const { keys } = await readToday(harness.proxy, KEYS[0]);
    assertEquals(keys.map(({ reservedUsd }) => toCents(reservedUsd)), [2, 2]);
    gate.resolve();
    const responses = await Promise.all(pending);
    assertEquals(harness.upstream.requests.length, 4);
    const [rejected] = responses.filter(({ status }) => status === 429);
    assertEquals(rejected?.headers.get("x-should-retry"), "true");
    assertEquals(rejected?.headers.get("retry-after"), "10");
    // Claude Code would take the headers of a limit for a limit that is reached.
    assertEquals(rejected === undefined ? null : listLimitHeaders(rejected), []);
    const { type, message } = (await rejected?.json()).error;
    assertEquals(type, "rate_limit_error");
    assertMatch(
      message,
      /^Today's limit is reached: \$0 and \$2 in flight of \$2 for key \d \(MAX_COST_USD_PER_KEY\)/,
    );
    await Promise.all(responses.filter((one) => !one.bodyUsed).map((one) => one.text()));
    const { costUsd, reservedUsd } = await readToday(harness.proxy, KEYS[0]);
    assertEquals([costUsd, reservedUsd], [4, 0]);
  });
}

Deno.test("a stream that its client leaves counts towards the limit of its key", async () => {
  await using harness = await startHarness(
    () => createOpenStream(nativeEvents()).response,
    { ...PER_KEY, UPSTREAM_DIALECT: "anthropic" },
  );
  const response = await sendWith(harness, KEYS[1], { stream: true });
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("word word")) text += decoder.decode((await reader.read()).value);
  await reader.cancel();
  const { keys } = await readToday(harness.proxy, KEYS[0]);
  assertEquals(keys.map(({ estimatedUsd }) => toCents(estimatedUsd)), [0, 1]);
  assertEquals(keys.map(({ reservedUsd }) => reservedUsd), [0, 0]);
});

Deno.test("the headers are those of the limit that is closest", async () => {
  await using harness = await startHarness(
    () => Response.json({ ...completion("Hi"), usage: usage({ cost: 1.6 }) }),
    { ...PER_KEY, MAX_COST_USD: "20" },
  );
  const seen = [];
  for (const key of [KEYS[0], KEYS[0], KEYS[1]]) {
    const response = await sendWith(harness, key);
    await response.text();
    seen.push(response.headers.get(`${PREFIX}-overage-utilization`));
  }
  assertEquals(seen, ["0", "0.8", "0.16"]);
});

Deno.test("the limit on all requests holds for a key whose own limit is not reached", async () => {
  await using harness = await startHarness(
    () => Response.json({ ...completion("Hi"), usage: usage({ cost: 1 }) }),
    { ...PER_KEY, MAX_COST_USD: "1" },
  );
  await (await sendWith(harness, KEYS[0])).text();
  const response = await sendWith(harness, KEYS[1]);
  assertMatch((await response.json()).error.message, /of \$1 \(MAX_COST_USD\)/);
});

Deno.test("a client that pays with its own key has no limit per key", async () => {
  await using harness = await startHarness(
    () => Response.json({ ...completion("Hi"), usage: usage({ cost: 5 }) }),
    { ...PER_KEY, OPENROUTER_API_KEY: undefined },
  );
  const headers = { "x-api-key": KEYS[0], authorization: "Bearer sk-or-v1-0123456789abcdef" };
  for (let i = 0; i < 3; i++) {
    const request = post(requestBody({ model: "a/x" }), headers);
    const response = await call(harness.proxy.handler, request);
    await response.text();
    assertEquals([response.status, listLimitHeaders(response)], [200, []]);
  }
  const { keys } = await readToday(harness.proxy, KEYS[0]);
  assertEquals(keys.map(({ maxCostUsd }) => maxCostUsd), [null, null]);
});

Deno.test("errors of upstream and other routes have no headers of a limit", async () => {
  await using harness = await startHarness(() => errorBody(500, "Broken"), PER_KEY);
  const failed = await sendWith(harness, KEYS[0]);
  await failed.text();
  const models = await call(
    harness.proxy.handler,
    get("/v1/models", { headers: { "x-api-key": KEYS[0] } }),
  );
  await models.text();
  assertEquals([failed, models].map(listLimitHeaders), [[], []]);
});
