/**
 * Forwards an SSE stream of Anthropic events unchanged, whole events at a time, and observes them for model, usage
 * and completion. `error` events are rewritten; a stream that breaks or times out ends with one.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import type { ByteStream } from "./body_reader.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { connectionLostError, responseTooLargeError } from "./errors.ts";
import { type Output, ResponseStream, type ResponseStreamOptions } from "./response_stream.ts";
import { MAX_EVENT_MIB, SseParser } from "./sse.ts";

export interface PassThroughOptions extends Omit<ResponseStreamOptions, "pingMs"> {
  /** Called with every event but the deltas. */
  onEvent: (event: JsonObject) => void;
  /** Called with the length of every delta instead. */
  onDelta?: (chars: number) => void;
  /** The `error` field of upstream's `error` event → an error. */
  parseError: (error: unknown) => ApiError;
  /** An error → the event that is sent to the client. */
  encodeError: (error: ApiError) => string;
}

const encoder = new TextEncoder();

export function passThrough(body: ByteStream, options: PassThroughOptions): ByteStream {
  const stream = new PassThrough(body, options);
  stream.timer.start();
  return stream.stream({ highWaterMark: 0 });
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
    try {
      const events = this.#events.push(bytes);
      const { error } = this.#events;
      if (error !== null) this.settle({ how: "failed", error });
      return events ?? "";
    } catch (cause) {
      return this.#finish(cause instanceof ApiError ? cause : connectionLostError(cause));
    }
  }

  /** @param failure what broke the stream; null at its end */
  #finish(failure: ApiError | null): Output {
    const rest = this.#events.end() ?? "";
    const { error, hasEnded } = this.#events;
    if (error === null && !hasEnded) return this.fail(failure ?? connectionLostError());
    this.settle(error === null ? { how: "complete" } : { how: "failed", error });
    return rest;
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

  constructor(options: PassThroughOptions) {
    this.#options = options;
  }

  /**
   * The events that these bytes complete; null where they complete none.
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
      events = this.#takePartial();
    }
    this.#append(bytes.subarray(end));
    return this.#observe(events);
  }

  /** At the end of the stream: a last event without its blank line. */
  end(): Uint8Array<ArrayBuffer> | null {
    if (this.#partial.length === 0) return null;
    const events = this.#observe(this.#takePartial(), { isLast: true });
    // Otherwise upstream ended inside the event.
    return this.hasEnded || this.error !== null ? events : null;
  }

  #append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#partial.length + bytes.length > MAX_EVENT_MIB * 1024 * 1024) {
      throw responseTooLargeError(`an event of more than ${MAX_EVENT_MIB} MiB`);
    }
    this.#partial.push(bytes);
  }

  #takePartial(): Uint8Array<ArrayBuffer> {
    const bytes = this.#partial.bytes().slice();
    this.#partial.release();
    return bytes;
  }

  /** Returns the bytes unchanged, unless they contain an `error`: its message may contain keys, and it is the end. */
  #observe(bytes: Uint8Array<ArrayBuffer>, { isLast = false } = {}): Uint8Array<ArrayBuffer> {
    const text = this.#decoder.decode(bytes);
    const payloads = [...this.#parser.push(text), ...(isLast ? this.#parser.end() : [])];
    for (const payload of payloads) {
      // Most events are deltas, and contain nothing that is needed here.
      if (payload.includes('"content_block_delta"')) {
        this.#options.onDelta?.(payload.length);
        continue;
      }
      const event = parseJson(payload);
      if (isJsonObject(event)) this.#record(event);
    }
    if (this.error === null) return bytes;
    return encoder.encode(keepBeforeError(text) + this.#options.encodeError(this.error));
  }

  #record(event: JsonObject): void {
    if (event["type"] === "message_stop") this.hasEnded = true;
    if (event["type"] === "error") this.error ??= this.#options.parseError(event["error"]);
    this.#options.onEvent(event);
  }
}

/** The events before the first `error`. */
function keepBeforeError(text: string): string {
  const events = text.split(/(?<=\n\n|\r\n\r\n)/);
  const first = events.findIndex((event) =>
    new SseParser().push(`${event}\n\n`).some((payload) => {
      const parsed = parseJson(payload);
      return isJsonObject(parsed) && parsed["type"] === "error";
    })
  );
  return events.slice(0, Math.max(0, first)).join("");
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
