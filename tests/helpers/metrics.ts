/**
 * Metrics and request timelines with a fixed clock.
 * @module
 */

import { Metrics, type MetricsOptions } from "../../lib/metrics/metrics.ts";
import { RequestTimeline } from "../../lib/metrics/request_timeline.ts";
import type { RequestRecord } from "../../lib/log.ts";

/** Noon (UTC) of a day. */
export const NOON: number = Date.UTC(2026, 10, 22, 12);

/** Metrics at noon. */
export function createMetrics(options: Partial<MetricsOptions> = {}): Metrics {
  return new Metrics({
    about: { name: "claudeproxy", version: "0.0.0" },
    date: () => new Date(NOON),
    maxCostUsd: null,
    maxCostUsdPerKey: null,
    keyCount: 0,
    capturesBodies: false,
    findPrices: () => undefined,
    findContextLength: () => undefined,
    ...options,
  });
}

/** The record of a successful request. */
export function createRecord(more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: "req_1",
    method: "POST",
    path: "/v1/messages",
    status: 200,
    totalMs: 1000,
    outcome: "complete",
    ...more,
  };
}

/** A timeline with this record and, by default, a stopped clock. */
export function createTimeline(
  record: RequestRecord,
  { now = () => 0, redact = (text: string) => text }: {
    now?: () => number;
    redact?: (text: string) => string;
  } = {},
): RequestTimeline {
  return new RequestTimeline({ record, startedAt: 0, now, redact });
}

/** Starts and finishes a request. */
export function countRequest(metrics: Metrics, timeline: RequestTimeline): void {
  metrics.start(timeline);
  metrics.finish(timeline);
}
