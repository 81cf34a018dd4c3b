/** The daily limits through the whole proxy. */

import { assertEquals, assertMatch } from "@std/assert";
import { call, createProxy, get, post, requestBody } from "../helpers/proxy.ts";
import { completion } from "../helpers/chunks.ts";
import { startUpstream } from "../helpers/upstream.ts";

Deno.test("MAX_COST_USD rejects requests with a 429 once the day's cost reaches it", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream, env: { MAX_COST_USD: "0.0025" } });
  for (const status of [200, 200, 429, 429]) {
    const response = await call(handler, post(requestBody()));
    const body = await response.json();
    assertEquals(response.status, status);
    if (status === 200) continue;
    assertEquals(body.error.type, "billing_error");
    assertMatch(
      body.error.message,
      /^Today's limit is reached: \$0\.0025 of \$0\.0025 \(MAX_COST_USD\)\. Raise it, or wait until \d{4}-\d\d-\d\d 00:00 UTC$/,
    );
    assertEquals(response.headers.get("x-should-retry"), "false");
  }
  assertEquals(upstream.requests.length, 2);
  const { today } = await (await call(handler, get("/stats"))).json();
  assertEquals(today, {
    costUsd: 0.0025,
    estimatedUsd: 0,
    reservedUsd: 0,
    uncounted: 0,
    maxCostUsd: 0.0025,
    keys: [],
  });
});

Deno.test("MAX_COST_USD does not apply to requests that cost nothing", async () => {
  await using upstream = startUpstream(() => Response.json(completion("Hi")));
  const { handler } = createProxy({ upstream, env: { MAX_COST_USD: "0.001" } });
  await (await call(handler, post(requestBody()))).text();
  for (const path of ["/v1/models", "/health", "/"]) {
    const response = await call(handler, get(path));
    await response.text();
    assertEquals(response.status, 200, path);
  }
});
