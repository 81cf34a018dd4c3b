// Costs as upstream reports them, or estimated from prices.

import { assertEquals } from "@std/assert";
import {
  readToday,
  replyWithUsage,
  send,
  startHarness,
  toCents,
  usage,
} from "../helpers/priced_proxy.ts";

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
        await using harness = await startHarness(
          () => replyWithUsage(tokens, { dialect, stream }),
          { UPSTREAM_DIALECT: dialect },
        );
        await (await send(harness.proxy, { stream })).text();
        const { costUsd, estimatedUsd, reservedUsd, uncounted } = await readToday(harness.proxy);
        assertEquals(toCents(costUsd + estimatedUsd), cost);
        assertEquals([reservedUsd, uncounted], [0, 0]);
      });
    }
  }
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
  await using harness = await startHarness(
    () => replyWithUsage(tokens, { dialect: "openrouter", stream: true }),
    {},
    [{ id: "a/x", pricing }],
  );
  await (await send(harness.proxy, { stream: true })).text();
  // 100 × 0.001 + 800 × 0.0001 + 100 × 0.002 + 100 × 0.01
  assertEquals(toCents((await readToday(harness.proxy)).estimatedUsd), 1.38);
});

Deno.test("a response that cannot be translated still has its reported cost", async () => {
  const body = { choices: [], usage: usage({ cost: 1 }) };
  await using harness = await startHarness(() => Response.json(body));
  const response = await send(harness.proxy);
  assertEquals(response.status, 502);
  await response.text();
  assertEquals((await readToday(harness.proxy)).costUsd, 1);
});

Deno.test("requests of unknown cost are counted, with one warning", async () => {
  const unreported = () => replyWithUsage(usage({}), { dialect: "openrouter", stream: true });
  await using harness = await startHarness(unreported, {}, []);
  const { proxy } = harness;
  for (let i = 0; i < 3; i++) await (await send(proxy, { stream: true })).text();
  const { costUsd, estimatedUsd, uncounted } = await readToday(proxy);
  assertEquals([costUsd, estimatedUsd, uncounted], [0, 0, 3]);
  const warnings = proxy.services.lines.filter((line) =>
    line.includes("The cost of a/x is unknown")
  );
  assertEquals(warnings.length, 1);
});
