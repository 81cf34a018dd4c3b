/**
 * One request on its way: its record and its moments. What only a watcher needs is kept as a question and asked
 * when somebody looks, so that a stream pays nothing for it.
 * @module
 */

import { findReplacedModel, type RequestRecord } from "../log.ts";
import type { Reservation } from "./budget.ts";
import type { BodyCapture, ByteStream, CapturedBodies } from "./body_capture.ts";
import type { ActiveRequest, CompletedRequest, TimelineEvent } from "./types.ts";

/** An answer may have hundreds of blocks, a request many dropped fields; the first ones tell the story. */
const MAX_ITEMS = 40;
/** Names come from clients and upstream, and are kept: nobody fills the memory with them. */
const MAX_CHARS = 300;

/** What a timeline starts with. */
export interface RequestTimelineOptions {
  record: RequestRecord;
  /** By the monotonic clock. */
  startedAt: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  redact: (text: string) => string;
}

/** One request on its way. */
export class RequestTimeline {
  readonly record: RequestRecord;
  /** The model that was sent; the record's target may become the name that upstream gives it. */
  sentModel: string | null = null;
  /** Estimated output tokens so far, where an answer is coming. */
  countOutput: (() => number) | null = null;
  /** What the request is expected to cost, while it is under way; null where there is no limit. */
  reservation: Reservation | null = null;
  /** Keeps the bodies; null where nobody asked for that. */
  capturedBodies: CapturedBodies | null = null;
  readonly #options: RequestTimelineOptions;
  readonly #events: TimelineEvent[] = [];

  constructor(options: RequestTimelineOptions) {
    this.record = options.record;
    this.#options = options;
  }

  /** Begins to keep the bodies. */
  captureBodies(inspections: BodyCapture): void {
    this.capturedBodies = inspections.open(this.record.requestId, this.#options.redact);
  }

  /** Upstream's head has come. The body is kept as it passes, where bodies are kept. */
  attachBody(answer: { body: ByteStream }): void {
    this.add("answered");
    if (this.capturedBodies !== null) {
      answer.body = this.capturedBodies.capture("received", answer.body);
    }
  }

  /** Upstream's head is an error. */
  attachErrorBody(text: string): void {
    if (this.reservation !== null) this.reservation.isRefused = true;
    this.capturedBodies?.set("received", text);
  }

  /** Notes a moment. */
  add(kind: TimelineEvent["kind"], note = ""): void {
    if (this.#events.length < MAX_ITEMS) this.#events.push({ kind, at: this.#elapsed(), note });
  }

  /** The request while it is under way. */
  toActive(): ActiveRequest {
    const { requestId, model, upstreamModel } = this.record;
    return this.#clean({
      requestId,
      ...(model !== undefined && { model }),
      ...(upstreamModel !== undefined && { target: upstreamModel }),
      elapsedMs: this.#elapsed(),
      outputTokens: this.countOutput?.() ?? null,
      events: this.#events,
    });
  }

  /** The request when it has ended. */
  toCompleted(
    place: { number: number; time: number },
    savedUsd: number | undefined,
  ): CompletedRequest {
    const replaced = findReplacedModel(this.record);
    return this.#clean({
      ...this.record,
      ...place,
      events: this.#events,
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
