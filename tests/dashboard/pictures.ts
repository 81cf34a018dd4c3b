/**
 * `deno task dashboard:pictures`: takes the screenshots of the dashboard in docs/ with made-up metrics of an hour.
 * Run it when the dashboard's appearance changes; needs Chromium.
 */

import { Metrics } from "../../lib/metrics/metrics.ts";
import { RequestTimeline } from "../../lib/metrics/request_timeline.ts";
import type { RequestRecord } from "../../lib/log.ts";
import { createHandler } from "../../lib/server.ts";
import { countRequest } from "../helpers/metrics.ts";
import { createTestServices, LOCAL, requestBody } from "../helpers/proxy.ts";
import { sse } from "../helpers/chunks.ts";
import { eventStream, startUpstream } from "../helpers/upstream.ts";
import { startBrowser } from "./chromium.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const ABOUT = { name: "claudeproxy", version: "0.2.0" };
const MINUTE_MS = 60_000;
/** USD per million tokens: prompt, completion, cache read, cache write. */
const MODELS = [
  { name: "claude-opus-4-8", id: "anthropic/claude-opus-4.8", price: [5, 25, 0.5, 6.25] },
  { name: "claude-sonnet-4-6", id: "anthropic/claude-sonnet-4.6", price: [3, 15, 0.3, 3.75] },
  { name: "claude-haiku-4-5", id: "z-ai/glm-5.2", price: [0.6, 2.2, 0.11, 0.6] },
] as const;

type Model = (typeof MODELS)[number];

/** A seeded generator: every picture shows the same hour. */
function createRandom(): () => number {
  let seed = 7;
  return () => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647;
}

function createMetrics(date: () => Date): Metrics {
  return new Metrics({
    about: ABOUT,
    date,
    maxCostUsd: 20,
    maxCostUsdPerKey: null,
    keyCount: 0,
    capturesBodies: true,
    findContextLength: () => 200_000,
    findPrices: (id) => {
      const price = MODELS.find((model) => model.id === id)?.price;
      if (price === undefined) return undefined;
      const [promptPrice, completionPrice, cacheReadPrice, cacheWritePrice] = price;
      return { promptPrice, completionPrice, cacheReadPrice, cacheWritePrice };
    },
  });
}

/** A session of an hour: the prompt grows, and most of it is read from the cache. */
function fillHour(metrics: Metrics, setTime: (time: number) => void, end: number): void {
  const random = createRandom();
  let prompt = 14_000;
  for (let minute = 58; minute > 0; minute--) {
    const isBreak = minute > 38 && minute < 45;
    const requests = isBreak ? 0 : Math.floor(random() * 4);
    for (let i = 0; i < requests; i++) {
      setTime(end - minute * MINUTE_MS + i * 15_000);
      const model = MODELS[random() < 0.2 ? 2 : random() < 0.4 ? 0 : 1];
      prompt = prompt > 120_000 ? 20_000 : prompt + Math.floor(random() * 4000);
      countRequest(metrics, createRequest(model, prompt, random));
    }
  }
}

function createRequest(model: Model, prompt: number, random: () => number): RequestTimeline {
  const first = Math.floor(500 + random() * 1500);
  const out = Math.floor(120 + random() * 1600);
  const written = Math.floor(random() * 1800);
  const cached = Math.floor(prompt * 0.9);
  const input = prompt - cached - written > 0 ? prompt - cached - written : 0;
  const [promptPrice, outPrice, readPrice, writePrice] = model.price;
  const cost = (input * promptPrice + out * outPrice + cached * readPrice + written * writePrice) /
    1e6;
  const isRefused = random() < 0.03;
  let clock = 0;
  const record: RequestRecord = {
    requestId: "req_0",
    method: "POST",
    path: "/v1/messages",
    status: isRefused ? 429 : 200,
    model: model.name,
    upstreamModel: model.id,
    totalMs: isRefused ? 240 : first + out * 14,
    outcome: isRefused ? "rate_limit_error" : random() < 0.03 ? "client_gone" : "complete",
    ...(isRefused ? { error: "[Anthropic] Rate limited upstream. Please retry shortly." } : {
      provider: model.id.startsWith("z-ai") ? "Z.AI" : "Anthropic",
      inputTokens: input,
      outputTokens: out,
      cachedTokens: cached,
      writtenTokens: written,
      costUsd: cost,
      ...(random() < 0.15 && { dropped: ["context_management.compact_20260112"] }),
    }),
  };
  const timeline = new RequestTimeline({
    record,
    startedAt: 0,
    now: () => clock,
    redact: (text) => text,
  });
  for (
    const [at, kind, note] of [[12, "sent", model.id], [380, "headers", ""], [
      first,
      "block",
      "text",
    ]] as const
  ) {
    clock = at;
    if (!isRefused) timeline.add(kind, note);
  }
  return timeline;
}

/** A slow response: thinking, text, a tool call. An endless one stays open. */
function respondSlowly(isEndless: boolean): Response {
  const model = "anthropic/claude-opus-4.8";
  const chunk = (delta: object, finish: string | null = null) => ({
    id: "gen-1",
    provider: "Anthropic",
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const call = { name: "read_file", arguments: '{"path":"README.md"}' };
  const pieces = [
    ...["The user wants ", "to know what the ", "project does."].map((text) =>
      chunk({ reasoning: text })
    ),
    ...["I will look ", "at the README ", "first."].map((text) => chunk({ content: text })),
    chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: call }] }),
    chunk({}, "tool_calls"),
    {
      ...chunk({}),
      choices: [],
      usage: {
        prompt_tokens: 48_120,
        completion_tokens: 212,
        cost: 0.0402,
        prompt_tokens_details: { cached_tokens: 44_032, cache_write_tokens: 1204 },
      },
    },
    "[DONE]",
  ];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      for (const piece of isEndless ? [chunk({ content: "word ".repeat(460) })] : pieces) {
        await new Promise((resolve) => setTimeout(resolve, 180));
        controller.enqueue(new TextEncoder().encode(sse(piece)));
      }
      if (!isEndless) controller.close();
    },
  });
  return eventStream(body);
}

const found = await startBrowser();
if ("missing" in found) throw new Error(found.missing);
let requests = 0;
const upstream = startUpstream(async () => {
  await new Promise((resolve) => setTimeout(resolve, 420));
  return respondSlowly(++requests > 1);
});
const env = { INSPECT: "1", TARGET_MODEL_OPUS: "anthropic/claude-opus-4.8" };
const services = createTestServices({ upstream, env });
let time: number | null = Date.now() - 61 * MINUTE_MS;
services.about = ABOUT;
services.metrics = createMetrics(() => new Date(time ?? Date.now()));
fillHour(services.metrics, (set) => time = set, Date.now());
time = null;
const handler = createHandler(services);
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => handler(request, LOCAL),
);
const url = `http://127.0.0.1:${server.addr.port}`;
const client = new AbortController();
const tools = [{
  name: "read_file",
  description: "Reads a file",
  input_schema: { type: "object", properties: { path: { type: "string" } } },
}];
const send = () =>
  fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(
      requestBody({ model: "claude-opus-4-8", max_tokens: 8000, stream: true, tools }),
    ),
    signal: client.signal,
  });
await (await send()).text();
await send();
for (
  const [name, colorScheme, width, isOpen] of [
    ["dashboard-light", "light", 1280, false],
    ["dashboard-dark", "dark", 1280, true],
    ["dashboard-narrow", "light", 400, false],
  ] as const
) {
  const context = await found.browser.newContext({ viewport: { width, height: 960 }, colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("#completed tr").first().waitFor();
  if (isOpen) {
    await page.locator("#completed tr").first().click();
    await page.locator(".pane").nth(3).waitFor();
    await page.locator("#requests").evaluate((one) => one.scrollIntoView());
    await page.getByRole("button", { name: "Tokens" }).click();
    await page.locator("#requests").evaluate((one) => one.scrollIntoView());
  }
  await page.screenshot({ path: new URL(`${name}.png`, DOCS).pathname });
  await context.close();
}
client.abort();
await found.browser.close();
Deno.exit(0);
