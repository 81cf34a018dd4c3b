/**
 * Timeline of one request. Values that only the dashboard needs are read when /stats is. They are objects: a function
 * that is assigned to a property stays in memory until a full garbage collection, with all that it refers to.
 * @module
 */

import { isJsonObject, type JsonObject } from "../json.ts";
import { findReplacedModel, type RequestRecord } from "../log.ts";
import type { OutputCounter, Reservation } from "./budget_types.ts";
import type { ByteStream } from "../stream/body_reader.ts";
import type { IdleTimer } from "../stream/stream_timer.ts";
import type { BodyCapture, CapturedBodies } from "./body_capture.ts";
import type { ActiveRequest, FinishedRequest, SessionRequest, TimelineEvent } from "./types.ts";

/** A response may have hundreds of blocks, a request many dropped fields. */
const MAX_ITEMS = 40;
/** Texts come from clients and upstream, and are kept. */
const MAX_CHARS = 300;

/** What a timeline starts with. */
export interface RequestTimelineOptions {
  record: RequestRecord;
  /** When the request arrived, by `now`. */
  startedAt: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
  redact: (text: string) => string;
}

/** Timeline of one request. */
export class RequestTimeline {
  readonly record: RequestRecord;
  /** Set when the body has been read. */
  session: SessionRequest = {};
  /** The model that was sent; `record.upstreamModel` may become the name that upstream reports. */
  sentModel: string | null = null;
  /** Null before a response. */
  output: OutputCounter | null = null;
  /** Null before upstream's headers. */
  idleTimer: IdleTimer | null = null;
  /** The position of the client's key in PROXY_API_KEYS, from 0; null without one. */
  keyIndex: number | null = null;
  /** The expected cost while the request is in flight; null without a limit. */
  reservation: Reservation | null = null;
  /** Null unless bodies are captured. */
  capturedBodies: CapturedBodies | null = null;
  readonly #options: RequestTimelineOptions;
  readonly #events: TimelineEvent[] = [];

  constructor(options: RequestTimelineOptions) {
    this.record = options.record;
    this.#options = options;
  }

  /** Starts to capture bodies. */
  captureBodies(capture: BodyCapture): void {
    this.capturedBodies = capture.open(this.record.requestId, this.#options.redact);
  }

  /** Adds the arrival of upstream's headers; captures the body as it is read. */
  attachBody(response: { body: ByteStream }): void {
    this.add("headers");
    if (this.capturedBodies !== null) {
      response.body = this.capturedBodies.capture("received", response.body);
    }
  }

  /** Notes that upstream responded with an error, and captures its body. */
  attachErrorBody(text: string): void {
    if (this.reservation !== null) this.reservation.isRejected = true;
    this.capturedBodies?.set("received", text);
  }

  /** Adds an event. */
  add(kind: TimelineEvent["kind"], note = ""): void {
    if (this.#events.length < MAX_ITEMS) this.#events.push({ kind, at: this.#elapsed(), note });
  }

  /** The request while it is in flight. */
  toActive(): ActiveRequest {
    const { requestId, model, upstreamModel } = this.record;
    return this.#sanitize<ActiveRequest>({
      ...this.session,
      requestId,
      model,
      upstreamModel,
      elapsedMs: this.#elapsed(),
      outputTokens: this.output?.outputTokens ?? null,
      events: this.#events,
      idleMs: this.idleTimer === null ? undefined : Math.round(this.idleTimer.upstreamIdleMs),
      preview: this.capturedBodies?.preview || undefined,
    });
  }

  /** The completed request. @param time when it was received, in milliseconds since the epoch */
  toFinished(time: number, savedUsd: number | undefined): FinishedRequest {
    return this.#sanitize<FinishedRequest>({
      ...this.record,
      ...this.session,
      time,
      events: this.#events,
      replaced: findReplacedModel(this.record),
      savedUsd,
    });
  }

  #elapsed(): number {
    return Math.round(this.#options.now() - this.#options.startedAt);
  }

  /**
   * Copies a value without secrets, with shortened texts and lists, and without undefined fields. Redaction comes
   * first: half a key is a secret too.
   */
  #sanitize<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
    // Through JSON: texts that were cut from a long one would keep all of it in memory.
    return JSON.parse(JSON.stringify(shorten(value, this.#options.redact)));
  }
}

/** A replacer function of `JSON.stringify` would do the same in three times the time. */
function shorten(item: unknown, redact: (text: string) => string): unknown {
  if (typeof item === "string") return redact(item).slice(0, MAX_CHARS);
  // JSON would turn NaN and Infinity into null.
  if (typeof item === "number") return Number.isFinite(item) ? item : undefined;
  if (Array.isArray(item)) return item.slice(0, MAX_ITEMS).map((one) => shorten(one, redact));
  if (!isJsonObject(item)) return item;
  const copy: JsonObject = {};
  for (const name of Object.keys(item)) copy[name] = shorten(item[name], redact);
  return copy;
}
