/**
 * The figures of this process: what is under way, what has ended, what it came to. In memory only, and bounded.
 * The page, `GET /stats`, the day's limit and the launcher's last line all read them here.
 * @module
 */

import type { RequestRecord } from "../log.ts";
import { Budget } from "./budget.ts";
import { type Inspection, Inspections } from "./body_capture.ts";
import type { Journey } from "./request_timeline.ts";
import type { Prices } from "./prices.ts";
import type { Finished, Stats, Sums } from "./types.ts";
import { add, createSums, Ledger, Timeline } from "./aggregates.ts";

const MAX_FINISHED = 200;
const MAX_SHOWN_IN_FLIGHT = 100;
const MAX_NAMES = 100;
const MINUTE_MS = 60_000;

/** What the figures need from outside. */
export interface FiguresOptions {
  about: { name: string; version: string };
  date: () => Date;
  /** The most that may be spent on a day of UTC; null for no limit. */
  maxCostUsd: number | null;
  /** Called at the first answer that the limit could not count. */
  onUncounted?: (model: string) => void;
  /** Whether bodies are kept. */
  inspects: boolean;
  /** What the catalog knows of a model. */
  findPrices: (model: string) => Prices | undefined;
}

/** All figures of one process. */
export class Figures {
  /** What today has cost, and whether more may be spent. */
  readonly budget: Budget;
  readonly #options: FiguresOptions;
  readonly #startedAt: number;
  readonly #inFlight = new Set<Journey>();
  readonly #totals = createSums();
  readonly #hour = new Timeline(MINUTE_MS, 60);
  readonly #day = new Timeline(15 * MINUTE_MS, 96);
  readonly #models = new Ledger(MAX_NAMES, createSums);
  readonly #ends = new Ledger(MAX_NAMES, () => ({ count: 0 }));
  readonly #dropped = new Ledger(MAX_NAMES, () => ({ count: 0 }));
  readonly #inspections = new Inspections();
  #finished: Finished[] = [];
  #number = 0;

  constructor(options: FiguresOptions) {
    this.#options = options;
    this.budget = new Budget(options);
    this.#startedAt = options.date().getTime();
  }

  /** What all requests came to. */
  get totals(): Readonly<Sums> {
    return this.#totals;
  }

  /** A request has come that will be counted. */
  begin(journey: Journey): void {
    this.#inFlight.add(journey);
    if (this.#options.inspects) journey.inspect(this.#inspections);
  }

  /** The bodies of a request, where they were kept and are not forgotten. */
  findBodies(requestId: string): Inspection | undefined {
    return this.#inspections.find(requestId);
  }

  /**
   * It has ended. @returns what is kept of it; null for one that never began: refused at the door, it must not push
   * others out of the history
   */
  end(journey: Journey): Finished | null {
    if (!this.#inFlight.delete(journey)) return null;
    // First: whatever fails from here on, nothing stays reserved.
    this.budget.settle(journey);
    const { record } = journey;
    const now = this.#options.date().getTime();
    const savedUsd = this.#countSaved(journey);
    const place = { number: ++this.#number, time: now - record.totalMs };
    const finished = journey.conclude(place, savedUsd);
    this.#finished.push(finished);
    if (this.#finished.length > MAX_FINISHED) this.#finished.shift();
    this.#addUp(finished, { now, savedUsd });
    return finished;
  }

  /** Everything, with the requests whose number is higher than `after`. */
  read(after: number): Stats {
    const now = this.#options.date().getTime();
    return {
      about: this.#options.about,
      now,
      startedAt: this.#startedAt,
      inspects: this.#options.inspects,
      today: this.budget.read(),
      totals: this.#totals,
      inFlight: [...this.#inFlight].slice(-MAX_SHOWN_IN_FLIGHT).map((one) => one.describe()),
      requests: this.#finished.filter(({ number }) => number > after),
      series: { hour: this.#hour.read(now), day: this.#day.read(now) },
      models: this.#models.list().map(([model, sums]) => ({ model, ...sums })),
      ends: this.#ends.list().map(([end, { count }]) => ({ end, count })),
      dropped: this.#dropped.list().map(([field, { count }]) => ({ field, count })),
    };
  }

  /** @param record a cleaned one: names become keys here */
  #addUp(record: Finished, { now, savedUsd }: { now: number; savedUsd: number | undefined }): void {
    const addend = { record, savedUsd };
    add(this.#totals, addend);
    this.#hour.add(now, addend);
    this.#day.add(now, addend);
    if (record.target !== undefined) add(this.#models.open(record.target), addend);
    this.#ends.open(record.end).count++;
    for (const field of record.dropped ?? []) this.#dropped.open(field).count++;
  }

  /** Undefined where a price is missing that would have to be made up. */
  #countSaved({ record, asked }: Journey): number | undefined {
    const { cachedTokens = 0, writtenTokens = 0 } = record;
    if (cachedTokens + writtenTokens === 0) return undefined;
    const prices = this.#findPrices(record, asked);
    const { promptPrice, cacheReadPrice, cacheWritePrice } = prices ?? {};
    if (promptPrice === undefined) return undefined;
    // Of what did not happen, the price does not matter.
    const readPrice = cachedTokens === 0 ? 0 : cacheReadPrice;
    const writePrice = writtenTokens === 0 ? 0 : cacheWritePrice;
    if (readPrice === undefined || writePrice === undefined) return undefined;
    const saved = cachedTokens * (promptPrice - readPrice);
    return (saved - writtenTokens * (writePrice - promptPrice)) / 1e6;
  }

  /** Upstream's own name for the model may be one that its list does not have. */
  #findPrices({ target }: RequestRecord, asked: string | null): Prices | undefined {
    const { findPrices } = this.#options;
    return findPrices(target ?? "") ?? findPrices(asked ?? "");
  }
}
