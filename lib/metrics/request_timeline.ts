/**
 * One request on its way: its record and its moments. What only a watcher needs is kept as a question and asked
 * when somebody looks, so that a stream pays nothing for it.
 * @module
 */

import { findReplaced, type RequestRecord } from "../log.ts";
import type { Reservation } from "./budget.ts";
import type { ByteStream, Inspection, Inspections } from "./body_capture.ts";
import type { Finished, Flight, Mark } from "./types.ts";

/** An answer may have hundreds of blocks, a request many dropped fields; the first ones tell the story. */
const MAX_ITEMS = 40;
/** Names come from clients and upstream, and are kept: nobody fills the memory with them. */
const MAX_CHARS = 300;

/** What a journey starts with. */
export interface JourneyOptions {
  record: RequestRecord;
  /** By the monotonic clock. */
  startedAt: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  redact: (text: string) => string;
}

/** One request on its way. */
export class Journey {
  readonly record: RequestRecord;
  /** The model that was sent; the record's target may become the name that upstream gives it. */
  asked: string | null = null;
  /** Estimated output tokens so far, where an answer is coming. */
  countOutput: (() => number) | null = null;
  /** What the request is expected to cost, while it is under way; null where there is no limit. */
  reservation: Reservation | null = null;
  /** Keeps the bodies; null where nobody asked for that. */
  inspection: Inspection | null = null;
  readonly #options: JourneyOptions;
  readonly #marks: Mark[] = [];

  constructor(options: JourneyOptions) {
    this.record = options.record;
    this.#options = options;
  }

  /** Begins to keep the bodies. */
  inspect(inspections: Inspections): void {
    this.inspection = inspections.open(this.record.requestId, this.#options.redact);
  }

  /** Upstream's head has come. The body is kept as it passes, where bodies are kept. */
  noteAnswer(answer: { body: ByteStream }): void {
    this.mark("answered");
    if (this.inspection !== null) answer.body = this.inspection.tap("received", answer.body);
  }

  /** Upstream's head is an error. */
  noteRefusal(text: string): void {
    if (this.reservation !== null) this.reservation.isRefused = true;
    this.inspection?.keep("received", text);
  }

  /** Notes a moment. */
  mark(kind: Mark["kind"], note = ""): void {
    if (this.#marks.length < MAX_ITEMS) this.#marks.push({ kind, at: this.#elapsed(), note });
  }

  /** The request while it is under way. */
  describe(): Flight {
    const { requestId, model, target } = this.record;
    return this.#clean({
      requestId,
      ...(model !== undefined && { model }),
      ...(target !== undefined && { target }),
      elapsedMs: this.#elapsed(),
      outputTokens: this.countOutput?.() ?? null,
      marks: this.#marks,
    });
  }

  /** The request when it has ended. */
  conclude(place: { number: number; time: number }, savedUsd: number | undefined): Finished {
    const replaced = findReplaced(this.record);
    return this.#clean({
      ...this.record,
      ...place,
      marks: this.#marks,
      ...(replaced !== undefined && { replaced }),
      ...(savedUsd !== undefined && { savedUsd }),
    });
  }

  #elapsed(): number {
    return Math.round(this.#options.now() - this.#options.startedAt);
  }

  /** A copy whose texts hold no secret and no more than can be shown. Cut after redaction: half a key is one too. */
  #clean<T extends object>(value: T): T {
    const clean = (_key: string, item: unknown) => {
      if (typeof item === "string") return this.#options.redact(item).slice(0, MAX_CHARS);
      // What is no number in JSON would come back as null.
      if (typeof item === "number" && !Number.isFinite(item)) return undefined;
      return Array.isArray(item) ? item.slice(0, MAX_ITEMS) : item;
    };
    return JSON.parse(JSON.stringify(value, clean));
  }
}
