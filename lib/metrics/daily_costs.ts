/**
 * The costs of one day (UTC) that count towards one limit: of all requests, or of those with one key.
 * @module
 */

import { COST_COLUMNS, type SharedRow } from "../shared_row.ts";

const DAY_MS = 86_400_000;
/** The share of the limit that is reserved if neither prices nor earlier costs are known. */
const UNKNOWN_SHARE = 1 / 8;

/** What completed requests cost. */
export interface Costs {
  /** As reported by upstream. */
  costUsd: number;
  /** Estimated for responses without a reported cost. */
  estimatedUsd: number;
  /** The number of responses whose cost is neither reported nor can be estimated. */
  uncounted: number;
}

/** The expected cost of one request in flight. */
export interface ExpectedCost {
  /** Before its response; undefined if neither prices nor earlier costs are known. */
  expectedUsd: number | undefined;
  /** The cost of the response so far; 0 if that is unknown. */
  priceSoFar: () => number;
}

/** The columns of one limit in the rows of all workers. */
export interface SharedCosts {
  row: SharedRow;
  /** The first of {@linkcode COST_COLUMNS}. */
  column: number;
}

/** A day, the sums of that day, what is reserved and for how many requests: as in a row. */
type Entry = readonly number[];

/** The costs of the current day, and the reservations of the requests in flight. */
export class DailyCosts {
  /** The limit; null for none. */
  readonly maxCostUsd: number | null;
  readonly #date: () => Date;
  readonly #shared: SharedCosts | null;
  /** By reservation; bounded by MAX_INFLIGHT. */
  readonly #expected = new Map<object, ExpectedCost>();
  /** Days since the epoch. */
  #day = -1;
  #costs = createCosts();

  /** @param shared null for a server that works alone */
  constructor(maxCostUsd: number | null, date: () => Date, shared: SharedCosts | null = null) {
    this.maxCostUsd = maxCostUsd;
    this.#date = date;
    this.#shared = shared;
  }

  /** The number of reservations, of all workers. */
  get inFlight(): number {
    return this.#readOthers().reduce((sum, [, , , , , count = 0]) => sum + count, 0) +
      this.#expected.size;
  }

  /** Adds the reservation of a request. */
  reserve(reservation: object, expected: ExpectedCost): void {
    this.#expected.set(reservation, expected);
    this.publish();
  }

  /** Removes a reservation. Other workers see it with the next one, or with the cost that replaces it. */
  release(reservation: object): void {
    this.#expected.delete(reservation);
  }

  /** Adds costs to the current day. */
  add({ costUsd, estimatedUsd, uncounted }: Costs): void {
    const today = this.#currentDay();
    today.costUsd += costUsd;
    today.estimatedUsd += estimatedUsd;
    today.uncounted += uncounted;
    this.publish();
  }

  /** Takes over the costs of a worker that has ended; what it had reserved counts as an estimate, so that it stays. */
  inherit([day, costUsd = 0, estimatedUsd = 0, uncounted = 0, reservedUsd = 0]: Entry): void {
    this.add({ costUsd: 0, estimatedUsd: reservedUsd, uncounted: 0 });
    if (day === this.#day) this.add({ costUsd, estimatedUsd, uncounted });
  }

  /** Today's costs, and what is reserved for the requests in flight, over all workers. */
  read(): Costs & { reservedUsd: number } {
    const sums = { ...this.#currentDay(), reservedUsd: this.#sumReservations() };
    for (const [day, costUsd, estimatedUsd, uncounted, reservedUsd] of this.#readOthers()) {
      sums.reservedUsd += reservedUsd ?? 0;
      // Its worker has had no request since midnight.
      if (day !== this.#day) continue;
      sums.costUsd += costUsd ?? 0;
      sums.estimatedUsd += estimatedUsd ?? 0;
      sums.uncounted += uncounted ?? 0;
    }
    return sums;
  }

  /** Writes the sums for other workers; to be called now and then, because reservations grow with the output. */
  publish(): void {
    if (this.#shared === null) return;
    const { row, column } = this.#shared;
    const { costUsd, estimatedUsd, uncounted } = this.#currentDay();
    const entry = [this.#day, costUsd, estimatedUsd, uncounted];
    row.exclusively(() =>
      row.write(column, [...entry, this.#sumReservations(), this.#expected.size])
    );
  }

  #readOthers(): readonly Entry[] {
    if (this.#shared === null) return [];
    const { row, column } = this.#shared;
    return row.exclusively(() => row.readOthers(column, COST_COLUMNS));
  }

  /** A response that is longer than expected counts with its output so far. */
  #sumReservations(): number {
    const unknownUsd = (this.maxCostUsd ?? 0) * UNKNOWN_SHARE;
    let sum = 0;
    for (const { expectedUsd = unknownUsd, priceSoFar } of this.#expected.values()) {
      sum += Math.max(expectedUsd, priceSoFar());
    }
    return sum;
  }

  /** The sums of the current day; new ones after midnight. */
  #currentDay(): Costs {
    const day = Math.floor(this.#date().getTime() / DAY_MS);
    if (this.#day !== day) {
      this.#day = day;
      this.#costs = createCosts();
    }
    return this.#costs;
  }
}

/** The next midnight (UTC), when all sums start again, in milliseconds since the epoch. */
export function findReset(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS;
}

function createCosts(): Costs {
  return { costUsd: 0, estimatedUsd: 0, uncounted: 0 };
}
