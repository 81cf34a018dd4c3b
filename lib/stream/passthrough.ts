/**
 * Forwards an SSE stream of Anthropic events unchanged, whole events at a time, and observes them for model, usage
 * and completion. `error` events are rewritten; a stream that breaks or times out ends with one. Pings fill silence.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import type { ByteStream } from "./body_reader.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { connectionLostError, responseTooLargeError } from "./errors.ts";
import { type Output, ResponseStream, type ResponseStreamOptions } from "./response_stream.ts";
import { encodeJsonEvent, MAX_EVENT_MIB, SseParser } from "./sse.ts";

export interface PassThroughOptions extends ResponseStreamOptions {
  /** Called with every event but the deltas. */
  onEvent: (event: JsonObject) => void;
  /** Called with the length of every delta instead. */
  onDelta?: (chars: number) => void;
  /** Returns the event to send instead of one that is not a delta; null to forward it unchanged. */
  rewrite?: ((event: JsonObject) => JsonObject | null) | undefined;
  /** The `error` field of upstream's `error` event → an error. */
  parseError: (error: unknown) => ApiError;
  /** An error → the event that is sent to the client. */
  encodeError: (error: ApiError) => string;
}

const encoder = new TextEncoder();

/**
 * Reads upstream up to its first event, but no longer than `pingMs`, and returns the stream to respond with.
 * @throws {ApiError} for every failure before that, while it can still become an HTTP status
 */
export async function passThrough(
  body: ByteStream,
  options: PassThroughOptions,
): Promise<ByteStream> {
  const stream = new PassThrough(body, options);
  await stream.open();
  return stream.stream(0);
}

class PassThrough extends ResponseStream<Uint8Array<ArrayBuffer>> {
  readonly #options: PassThroughOptions;
  readonly #events: EventObserver;

  constructor(body: ByteStream, options: PassThroughOptions) {
    super(body, options);
    this.#options = options;
    this.#events = new EventObserver(options);
  }

  protected override read(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.body.read();
  }

  /** Complete events; "" where the read completes none. */
  protected override process(bytes: Uint8Array<ArrayBuffer> | null): Output {
    if (bytes === null) return this.#finish(this.body.toError(this.#options.timeoutMs));
    let events: Uint8Array<ArrayBuffer> | null;
    try {
      events = this.#events.push(bytes);
    } catch (cause) {
      return this.#finish(cause instanceof ApiError ? cause : connectionLostError(cause));
    }
    const { error } = this.#events;
    if (error !== null) this.#end(error);
    return events ?? "";
  }

  /** @param failure what broke the stream; null at its end */
  #finish(failure: ApiError | null): Output {
    const rest = this.#events.end() ?? "";
    const { error, hasEnded } = this.#events;
    if (error === null && !hasEnded) throw failure ?? connectionLostError();
    if (error === null) this.settle({ how: "complete" });
    else this.#end(error);
    return rest;
  }

  /** @throws {ApiError} the error itself, if nothing precedes it */
  #end(error: ApiError): void {
    if (this.#events.isErrorFirst) throw error;
    this.settle({ how: "failed", error });
  }

  protected override beforePing(): Output {
    return this.#events.takeComments() ?? "";
  }

  protected override encodeError(error: ApiError): string {
    return this.#options.encodeError(error);
  }
}

/** Splits bytes at the ends of events, and parses these. */
class EventObserver {
  /** `message_stop` has been seen. */
  hasEnded = false;
  /** From an `error` event. */
  error: ApiError | null = null;
  readonly #options: PassThroughOptions;
  readonly #decoder = new TextDecoder();
  readonly #parser = new SseParser();
  /** The event that has begun. */
  readonly #partial = new ByteBuffer();
  /** Comments since the last event. Sent with the next event or ping, because they do not replace a ping. */
  readonly #comments = new ByteBuffer();
  #hasEvents = false;

  constructor(options: PassThroughOptions) {
    this.#options = options;
  }

  /** Upstream's first event was an error. */
  get isErrorFirst(): boolean {
    return this.error !== null && !this.#hasEvents;
  }

  /** The comments that are held back; null without any. */
  takeComments(): Uint8Array<ArrayBuffer> | null {
    return this.#comments.length === 0 ? null : take(this.#comments);
  }

  /**
   * The events that these bytes complete, with the comments before them; null where they complete none.
   * @throws {ApiError} for an event that is too long
   */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const end = findLastEnd(bytes, this.#partial.bytes());
    if (end === 0) {
      this.#append(bytes);
      return null;
    }
    let events: Uint8Array<ArrayBuffer>;
    if (this.#partial.length === 0) {
      // The next read overwrites the bytes.
      events = bytes.slice(0, end);
    } else {
      this.#partial.push(bytes.subarray(0, end));
      events = take(this.#partial);
    }
    this.#append(bytes.subarray(end));
    return this.#observe(events);
  }

  /** At the end of the stream: a last event without its blank line. */
  end(): Uint8Array<ArrayBuffer> | null {
    if (this.#partial.length === 0) return this.takeComments();
    const events = this.#observe(take(this.#partial), { isLast: true });
    // Otherwise upstream ended inside the event.
    return this.hasEnded || this.error !== null ? events : null;
  }

  #append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#comments.length + this.#partial.length + bytes.length > MAX_EVENT_MIB * 1024 * 1024) {
      throw responseTooLargeError(`an event of more than ${MAX_EVENT_MIB} MiB`);
    }
    this.#partial.push(bytes);
  }

  /**
   * Returns the bytes unchanged, unless an event is rewritten or an `error`: its message may contain keys, and it is
   * the end.
   */
  #observe(
    bytes: Uint8Array<ArrayBuffer>,
    { isLast = false } = {},
  ): Uint8Array<ArrayBuffer> | null {
    const text = this.#decoder.decode(bytes);
    const payloads = [...this.#parser.push(text), ...(isLast ? this.#parser.end() : [])];
    if (payloads.length === 0) {
      this.#comments.push(bytes);
      return null;
    }
    let isRewritten = false;
    for (const payload of payloads) {
      // Most events are deltas, and contain nothing that is needed here.
      if (payload.includes('"content_block_delta"')) {
        this.#hasEvents = true;
        this.#options.onDelta?.(payload.length);
        continue;
      }
      const event = parseJson(payload);
      if (!isJsonObject(event)) continue;
      this.#record(event);
      isRewritten ||= this.#options.rewrite?.(event) != null;
    }
    const events = isRewritten ? this.#rewrite(text) : text;
    const sent = this.error === null
      ? (isRewritten ? encoder.encode(events) : bytes)
      : encoder.encode(keepBeforeError(events) + this.#options.encodeError(this.error));
    if (this.#comments.length === 0) return sent;
    this.#comments.push(sent);
    return take(this.#comments);
  }

  #record(event: JsonObject): void {
    if (event["type"] === "message_stop") this.hasEnded = true;
    if (event["type"] === "error") this.error ??= this.#options.parseError(event["error"]);
    else if (this.error === null) this.#hasEvents = true;
    this.#options.onEvent(event);
  }

  #rewrite(text: string): string {
    return splitEvents(text).map(({ text, event }) => {
      const rewritten = event === null ? null : this.#options.rewrite?.(event) ?? null;
      return rewritten === null ? text : encodeJsonEvent(rewritten);
    }).join("");
  }
}

function take(buffer: ByteBuffer): Uint8Array<ArrayBuffer> {
  const bytes = buffer.bytes().slice();
  buffer.release();
  return bytes;
}

/** The events before the first `error`. */
function keepBeforeError(text: string): string {
  const events = splitEvents(text);
  const first = events.findIndex(({ event }) => event?.["type"] === "error");
  return events.slice(0, Math.max(0, first)).map(({ text }) => text).join("");
}

/** The events of a text, each with its parsed data; null for data that is not a JSON object. */
function splitEvents(text: string): { text: string; event: JsonObject | null }[] {
  return text.split(/(?<=\n\r?\n)/).map((event) => {
    const [parsed] = new SseParser().push(`${event}\n\n`).map(parseJson);
    return { text: event, event: isJsonObject(parsed) ? parsed : null };
  });
}

const LF = 0x0a;
const CR = 0x0d;

/** The offset after the last blank line; 0 without one. @param before the bytes that precede these */
function findLastEnd(bytes: Uint8Array, before: Uint8Array): number {
  const byteAt = (offset: number) => offset >= 0 ? bytes[offset] : before.at(offset);
  let offset = bytes.lastIndexOf(LF);
  while (offset >= 0) {
    const previous = byteAt(offset - 1);
    if (previous === LF || (previous === CR && byteAt(offset - 2) === LF)) return offset + 1;
    offset = offset === 0 ? -1 : bytes.lastIndexOf(LF, offset - 1);
  }
  return 0;
}
