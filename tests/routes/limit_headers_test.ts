/** Rate-limit headers for daily limits. */

import { assertEquals } from "@std/assert";
import type { LimitUsage } from "../../lib/metrics/budget_types.ts";
import { toLimitHeaders, toReachedHeaders } from "../../lib/routes/limit_headers.ts";

const LIMIT: LimitUsage = {
  variable: "MAX_COST_USD",
  key: null,
  spentUsd: 8,
  reservedUsd: 0,
  maxCostUsd: 10,
  resetsAt: Date.UTC(2026, 10, 23),
  resetsInS: 3600,
};
const RESET = String(Date.UTC(2026, 10, 23) / 1000);

Deno.test("toLimitHeaders has all headers that Claude Code reads for a spending limit", () => {
  assertEquals(toLimitHeaders(LIMIT), {
    "anthropic-ratelimit-unified-status": "allowed_warning",
    "anthropic-ratelimit-unified-reset": RESET,
    "anthropic-ratelimit-unified-representative-claim": "overage",
    "anthropic-ratelimit-unified-overage-status": "allowed_warning",
    "anthropic-ratelimit-unified-overage-reset": RESET,
    "anthropic-ratelimit-unified-overage-utilization": "0.8",
    "anthropic-ratelimit-unified-overage-surpassed-threshold": "0.75",
  });
});

for (
  const [spentUsd, status, utilization, threshold] of [
    [0, "allowed", "0", undefined],
    [7.4, "allowed", "0.74", undefined],
    [7.5, "allowed_warning", "0.75", "0.75"],
    [9.49, "allowed_warning", "0.95", "0.75"],
    [9.5, "allowed_warning", "0.95", "0.95"],
    [9.999, "allowed_warning", "0.99", "0.95"],
  ] as const
) {
  Deno.test(`toLimitHeaders with $${spentUsd} of $10 says ${status}, ${utilization}`, () => {
    const headers = toLimitHeaders({ ...LIMIT, spentUsd });
    const read = (name: string) => headers[`anthropic-ratelimit-unified-${name}`];
    assertEquals([read("status"), read("overage-status")], [status, status]);
    assertEquals(read("overage-utilization"), utilization);
    assertEquals(read("overage-surpassed-threshold"), threshold);
  });
}

Deno.test("toReachedHeaders forbids retries before the reset, and makes no claim", () => {
  assertEquals(toReachedHeaders({ ...LIMIT, spentUsd: 10.26 }), {
    "x-should-retry": "false",
    "retry-after": "3600",
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-reset": RESET,
    "anthropic-ratelimit-unified-overage-reset": RESET,
    "anthropic-ratelimit-unified-overage-utilization": "1.03",
    "anthropic-ratelimit-unified-overage-surpassed-threshold": "1",
    "anthropic-ratelimit-unified-overage-period": "daily",
    "anthropic-ratelimit-unified-overage-disabled-reason": "org_spend_cap_reached",
  });
});
