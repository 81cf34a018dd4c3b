/**
 * The costs of one day (UTC) that count towards one limit: of all requests, or of those with one key.
 * @module
 */

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

/** The costs of the current day, and the reservations of the requests in flight. */
export class DailyCosts {
  /** The limit; null for none. */
  readonly maxCostUsd: number | null;
  readonly #date: () => Date;
  /** By reservation; bounded by MAX_INFLIGHT. */
  readonly #expected = new Map<object, ExpectedCost>();
  #day = "";
  #costs = createCosts();

  constructor(maxCostUsd: number | null, date: () => Date) {
    this.maxCostUsd = maxCostUsd;
    this.#date = date;
  }

  /** The number of reservations. */
  get inFlight(): number {
    return this.#expected.size;
  }

  /** Adds the reservation of a request. */
  reserve(reservation: object, expected: ExpectedCost): void {
    this.#expected.set(reservation, expected);
  }

  /** Removes a reservation. */
  release(reservation: object): void {
    this.#expected.delete(reservation);
  }

  /** Adds costs to the current day. */
  add({ costUsd, estimatedUsd, uncounted }: Costs): void {
    const today = this.#currentDay();
    today.costUsd += costUsd;
    today.estimatedUsd += estimatedUsd;
    today.uncounted += uncounted;
  }

  /** Today's costs, and what is reserved for the requests in flight. */
  read(): Costs & { reservedUsd: number } {
    return { ...this.#currentDay(), reservedUsd: this.#sumReservations() };
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
    const day = this.#date().toISOString().slice(0, 10);
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
