/**
 * Requests and sessions as the dashboard receives them.
 * @module
 */

import { createTotals } from "../../lib/metrics/aggregates.ts";
import type { CompletedRequest, Session } from "../../lib/metrics/types.ts";
import { createRecord } from "../helpers/metrics.ts";

/** A completed request. */
export function createCompleted(
  number: number,
  more: Partial<CompletedRequest> = {},
): CompletedRequest {
  const requestId = `req_${number}`;
  return { ...createRecord(), requestId, number, time: number * 1000, events: [], ...more };
}

/** A session without requests. */
export function createSession(id: string, lastActiveAt: number): Session {
  return {
    id,
    startedAt: 0,
    lastActiveAt,
    totals: createTotals(),
    kinds: { main: 0, agent: 0, guard: 0, side: 0 },
    lastAnswer: null,
    lastError: null,
  };
}
