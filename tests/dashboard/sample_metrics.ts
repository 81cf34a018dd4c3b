/**
 * Made-up metrics of an hour for the pictures, and many requests for the measurements: always the same ones.
 * @module
 */

import { Metrics } from "../../lib/metrics/metrics.ts";
import { RequestTimeline } from "../../lib/metrics/request_timeline.ts";
import type { SessionRequest } from "../../lib/metrics/types.ts";
import type { RequestRecord } from "../../lib/log.ts";
import { countRequest } from "../helpers/metrics.ts";

export const ABOUT = { name: "claudeproxy", version: "0.2.0" };
const MINUTE_MS = 60_000;
/** USD per million tokens: prompt, completion, cache read, cache write. */
const MODELS = [
  { name: "claude-opus-4-8", id: "anthropic/claude-opus-4.8", price: [5, 25, 0.5, 6.25] },
  { name: "claude-sonnet-4-6", id: "anthropic/claude-sonnet-4.6", price: [3, 15, 0.3, 3.75] },
  { name: "claude-haiku-4-5", id: "z-ai/glm-5.2", price: [0.6, 2.2, 0.11, 0.6] },
] as const;
const SESSIONS = ["3f2a9c1e-7b54-4c0d-9f7e-2a6f1d0c8b11", "b81c07d2-55aa-4f3e-8a1d-90c1f7e34a02"];

type Model = (typeof MODELS)[number];

/** A seeded generator: every picture shows the same hour. */
export function createRandom(): () => number {
  let seed = 7;
  return () => (seed = seed * 16_807 % 2_147_483_647) / 2_147_483_647;
}

/** Metrics that know the prices and context lengths of the models. */
export function createSampleMetrics(date: () => Date): Metrics {
  return new Metrics({
    about: ABOUT,
    date,
    maxCostUsd: 20,
    maxCostUsdPerKey: null,
    keyCount: 0,
    capturesBodies: true,
    findContextLength: (id) => id.includes("glm") ? 128_000 : 200_000,
    findPrices: (id) => {
      const price = MODELS.find((model) => model.id === id)?.price;
      if (price === undefined) return undefined;
      const [promptPrice, completionPrice, cacheReadPrice, cacheWritePrice] = price;
      return { promptPrice, completionPrice, cacheReadPrice, cacheWritePrice };
    },
  });
}

/** Two sessions, one after the other: the prompt grows, and most of it is read from the cache. */
export function fillHour(metrics: Metrics, setTime: (time: number) => void, end: number): void {
  const random = createRandom();
  let prompt = 14_000;
  let count = 0;
  for (let minute = 58; minute > 1; minute--) {
    const isBreak = minute > 38 && minute < 45;
    const requests = isBreak ? 0 : Math.floor(random() * 4);
    if (minute === 38) prompt = 18_000;
    for (let i = 0; i < requests; i++) {
      setTime(end - minute * MINUTE_MS + i * 15_000);
      prompt = prompt > 150_000 ? 20_000 : prompt + Math.floor(random() * 3000);
      const sessionId = SESSIONS[minute > 40 ? 1 : 0] ?? "";
      countRequest(metrics, createRequest({ id: `req_a${++count}`, prompt, random, sessionId }));
    }
  }
}

/** Many requests in a hundred sessions. */
export function fillMany(metrics: Metrics, count: number): void {
  const random = createRandom();
  for (let number = 0; number < count; number++) {
    const prompt = 10_000 + Math.floor(random() * 100_000);
    const sessionId = `session-${Math.floor(number / (count / 100))}`;
    countRequest(metrics, createRequest({ id: `req_m${number}`, prompt, random, sessionId }));
  }
}

interface SampleOptions {
  id: string;
  prompt: number;
  random: () => number;
  sessionId: string;
}

function chooseKind(random: () => number): { kind: SessionRequest["kind"]; model: Model } {
  const number = random();
  if (number < 0.16) return { kind: "agent", model: MODELS[1] };
  if (number < 0.24) return { kind: "guard", model: MODELS[2] };
  if (number < 0.29) return { kind: "side", model: MODELS[2] };
  return { kind: "main", model: MODELS[0] };
}

function createRequest({ id, prompt, random, sessionId }: SampleOptions): RequestTimeline {
  const { kind, model } = chooseKind(random);
  const first = Math.floor(500 + random() * 1500);
  const out = kind === "main" || kind === "agent" ? Math.floor(120 + random() * 1600) : 18;
  const total = kind === "main" ? prompt : Math.floor(prompt / 6);
  const written = Math.floor(random() * 1800);
  const cached = Math.floor(total * 0.9);
  const input = Math.max(0, total - cached - written);
  const [promptPrice, outPrice, readPrice, writePrice] = model.price;
  const cost = (input * promptPrice + out * outPrice + cached * readPrice + written * writePrice) /
    1e6;
  const isRefused = random() < 0.03;
  const record: RequestRecord = {
    requestId: id,
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
      firstEventMs: first,
      ...(random() < 0.15 && { dropped: ["context_management.compact_20260112"] }),
    }),
  };
  return createSampleTimeline(record, { kind: kind ?? "main", sessionId }, isRefused ? 0 : first);
}

function createSampleTimeline(
  record: RequestRecord,
  session: SessionRequest,
  first: number,
): RequestTimeline {
  let clock = 0;
  const timeline = new RequestTimeline({
    record,
    startedAt: 0,
    now: () => clock,
    redact: (text) => text,
  });
  timeline.session = session;
  if (first === 0) return timeline;
  const events = [[12, "sent", record.upstreamModel ?? ""], [380, "headers", ""], [
    first,
    "block",
    "text",
  ]] as const;
  for (const [at, kind, note] of events) {
    clock = at;
    timeline.add(kind, note);
  }
  return timeline;
}
