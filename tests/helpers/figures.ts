/**
 * Figures and journeys as a test sees them: with a clock that it sets.
 * @module
 */

import { Figures, type FiguresOptions } from "../../lib/metrics/metrics.ts";
import { Journey } from "../../lib/metrics/request_timeline.ts";
import type { RequestRecord } from "../../lib/log.ts";

/** Noon of a day. */
export const NOON: number = Date.UTC(2026, 10, 22, 12);

/** Figures at noon, unless a test says otherwise. */
export function createFigures(options: Partial<FiguresOptions> = {}): Figures {
  return new Figures({
    about: { name: "claudeproxy", version: "0.0.0" },
    date: () => new Date(NOON),
    maxCostUsd: null,
    inspects: false,
    findPrices: () => undefined,
    ...options,
  });
}

/** The record of a request that went well. */
export function createRecord(more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: "req_1",
    method: "POST",
    path: "/v1/messages",
    status: 200,
    totalMs: 1000,
    end: "complete",
    ...more,
  };
}

/** A journey with that record; its clock stands still unless a test brings one. */
export function createJourney(
  record: RequestRecord,
  { now = () => 0, redact = (text: string) => text }: {
    now?: () => number;
    redact?: (text: string) => string;
  } = {},
): Journey {
  return new Journey({ record, startedAt: 0, now, redact });
}

/** A request that began and has ended. */
export function countRequest(figures: Figures, journey: Journey): void {
  figures.begin(journey);
  figures.end(journey);
}
