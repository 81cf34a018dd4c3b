/**
 * The figures of completed requests: totals, series, models, sessions and the requests themselves. In memory only, and
 * bounded. With several workers one of them has it, and the others send it their requests.
 * @module
 */

import { addRequest, CappedMap, createTotals, TimeSeries } from "./aggregates.ts";
import { CompletedRequests, type RequestRange } from "./completed_requests.ts";
import { type SessionFacts, Sessions } from "./sessions.ts";
import type { CompletedRequest, FinishedRequest, Session, Stats, Totals } from "./types.ts";

const MAX_NAMES = 100;
const MINUTE_MS = 60_000;

/** Receives a completed request. */
export type Collect = (request: FinishedRequest, facts: SessionFacts) => void;

/** The part of {@linkcode Stats} that comes from completed requests. */
export type CollectedStats = Pick<
  Stats,
  "totals" | "series" | "models" | "sessions" | "outcomes" | "dropped"
>;

/** All figures of completed requests. */
export class CollectedMetrics {
  readonly #totals = createTotals();
  readonly #hour = new TimeSeries(MINUTE_MS, 60);
  readonly #day = new TimeSeries(15 * MINUTE_MS, 96);
  readonly #models = new CappedMap(MAX_NAMES, createTotals);
  readonly #outcomes = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #dropped = new CappedMap(MAX_NAMES, () => ({ count: 0 }));
  readonly #sessions = new Sessions();
  readonly #completed = new CompletedRequests();
  #lastNumber = 0;

  /** The totals of all completed requests. */
  get totals(): Readonly<Totals> {
    return this.#totals;
  }

  /** Counts a completed request. */
  add(request: FinishedRequest, facts: SessionFacts): void {
    this.#completed.add({ ...request, number: ++this.#lastNumber });
    this.#count(request, facts);
    this.#sessions.count(request, facts);
  }

  /** Finds a session, by the id that its client sends. */
  findSession(sessionId: string): Session | undefined {
    return this.#sessions.find(sessionId);
  }

  /** Lists completed requests, oldest first. */
  list(range: RequestRange): CompletedRequest[] {
    return this.#completed.list(range);
  }

  /** Reads the figures. @param now in milliseconds since the epoch */
  read(now: number): CollectedStats {
    return {
      totals: this.#totals,
      series: { hour: this.#hour.read(now), day: this.#day.read(now) },
      models: this.#models.list().map(([model, totals]) => ({ model, ...totals })),
      sessions: this.#sessions.list(),
      outcomes: this.#outcomes.list().map(([end, { count }]) => ({ end, count })),
      dropped: this.#dropped.list().map(([field, { count }]) => ({ field, count })),
    };
  }

  /** @param record a sanitized one: its names become keys here */
  #count(record: FinishedRequest, { now, savedUsd }: SessionFacts): void {
    const { upstreamModel, outcome, dropped = [] } = record;
    const totals = [this.#totals, this.#hour.bucketAt(now), this.#day.bucketAt(now)];
    if (upstreamModel !== undefined) totals.push(this.#models.getOrCreate(upstreamModel));
    for (const one of totals) addRequest(one, record, savedUsd);
    this.#outcomes.getOrCreate(outcome).count++;
    for (const field of dropped) this.#dropped.getOrCreate(field).count++;
  }
}
