/** The closing lines of `claude`: totals, models, the last error. */

import { assertEquals } from "@std/assert";
import { describeSession, type SessionStats } from "../../lib/cli/claude/session_summary.ts";
import { createTotals } from "../../lib/metrics/aggregates.ts";
import type { Totals } from "../../lib/metrics/types.ts";

const total = (more: Partial<Totals>): Totals => ({ ...createTotals(), ...more });

function describe(more: Partial<SessionStats>): string[] {
  return describeSession({ totals: total({}), models: [], requests: [], ...more });
}

const ONE = { requests: 2, inputTokens: 10, outputTokens: 5, costUsd: 0.02 };

Deno.test("a session without requests is one line", () => {
  assertEquals(describe({}), ["no requests"]);
});

Deno.test("a session with one model is one line, with the last error", () => {
  const totals = total(ONE);
  const models = [{ model: "a/x", ...totals }];
  assertEquals(describe({ totals, models }), ["2 requests, 10 tokens in, 5 out, $0.0200"]);
  const failed = total({ ...ONE, failed: 1 });
  const interrupted = { outcome: "client_gone", error: "The client disconnected" };
  const requests = [{ error: "first" }, { error: "second" }, {}, interrupted];
  assertEquals(describe({ totals: failed, models, requests }), [
    "2 requests (1 failed), 10 tokens in, 5 out, $0.0200; last error: second",
  ]);
});

Deno.test("a session with several models has a line for each, the most expensive first", () => {
  const models = [
    { model: "a/cheap", ...total({ requests: 3, costUsd: 0.01 }) },
    { model: "a/dear", ...total({ requests: 1, costUsd: 1.5, failed: 1 }) },
    { model: "a/unknown", ...total({ requests: 1, unpriced: 1 }) },
  ];
  const lines = describe({
    totals: total({ requests: 5, failed: 1, costUsd: 1.51, unpriced: 1 }),
    models,
    requests: [{ error: "overloaded" }],
  });
  assertEquals(lines, [
    "5 requests (1 failed), 0 tokens in, 0 out, $1.51 plus 1 request of unknown cost",
    "a/dear: 1 request (1 failed), $1.50",
    "a/cheap: 3 requests, $0.0100",
    "a/unknown: 1 request, cost unknown",
    "last error: overloaded",
  ]);
});

Deno.test("more than five models share the fifth line", () => {
  const models = [1, 2, 3, 4, 5, 6, 7].map((n) => ({
    model: `a/${n}`,
    ...total({ requests: 1, costUsd: n }),
  }));
  const lines = describe({ totals: total({ requests: 7, costUsd: 28 }), models });
  assertEquals(lines.slice(1), [
    "a/7: 1 request, $7.00",
    "a/6: 1 request, $6.00",
    "a/5: 1 request, $5.00",
    "a/4: 1 request, $4.00",
    "3 other models: 3 requests, $6.00",
  ]);
});

Deno.test("names and errors of upstream cannot control the terminal, and long errors are cut", () => {
  const models = ["a/\x1b[2J", "b"].map((model) => ({ model, ...total({ requests: 1 }) }));
  const requests = [{ error: `\x1b]0;x\x07\n${"y".repeat(500)}` }];
  const lines = describe({ totals: total({ requests: 2 }), models, requests });
  assertEquals(lines.slice(1, 2), ["a/ [2J: 1 request, no cost reported"]);
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x1f]/.test(lines.join("")), false);
  assertEquals((lines.at(-1) ?? "").length, "last error: ".length + 201);
});
