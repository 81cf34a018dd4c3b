/**
 * A stream of Anthropic's own events that is passed on byte for byte, event by event. It is read on the way: for
 * models, tokens and completion, and for `error` events, which go out in words of ours. A stream that breaks, or
 * falls silent, ends in an `error` event.
 * @module
 */

import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import { connectionLostError, idleTimeoutError } from "./errors.ts";
import { SseParser } from "./sse.ts";
import { type BodyReader, type ByteStream, createBodyReader } from "./body_reader.ts";
import type { OpenStream, StreamEnd } from "./event_stream.ts";
import { StreamTimer } from "./stream_timer.ts";

/** Times in milliseconds. */
export interface PassThroughOptions {
  /** The longest silence of upstream. */
  timeoutMs: number;
  /** A monotonic clock. */
  now: () => number;
  /** Holds this stream while it is open: a program that ends tells its clients. */
  openStreams?: Set<OpenStream>;
  /** Called with every event but the deltas. */
  onEvent: (event: JsonObject) => void;
  /** Called with the length of every delta instead. */
  onDelta?: (chars: number) => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
  /** What upstream's own `error` event says. */
  parseError: (error: unknown) => ApiError;
  /** An error as the event that the client gets. */
  encodeError: (error: ApiError) => string;
}

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

const encoder = new TextEncoder();
/** An event that never ends is not kept for ever. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** The stream to answer with. Pull only: a client that does not read stops the reads upstream. */
export function passThrough(body: ByteStream, options: PassThroughOptions): ByteStream {
  return new PassThrough(body, options).stream();
}

class PassThrough implements OpenStream {
  readonly #reader: BodyReader;
  readonly #options: PassThroughOptions;
  readonly #events: EventObserver;
  readonly #clock: StreamTimer;
  #controller: Controller | null = null;
  #isOver = false;
  #isSilent = false;
  #isPulling = false;
  #lastWords: Uint8Array<ArrayBuffer> | null = null;

  constructor(body: ByteStream, options: PassThroughOptions) {
    this.#reader = createBodyReader(body);
    this.#options = options;
    this.#events = new EventObserver(options);
    this.#clock = new StreamTimer({
      timeoutMs: options.timeoutMs,
      pingMs: Infinity,
      now: options.now,
      onUpstreamTimeout: () => this.#giveUp(),
      onClientTimeout: () => this.#letClientGo(),
      onPingDue: () => {},
    });
    options.openStreams?.add(this);
  }

  stream(): ByteStream {
    this.#clock.start();
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#settle({ how: "client_gone" }),
    }, { highWaterMark: 0 });
  }

  end(error: ApiError): void {
    if (this.#isOver) return;
    this.#settle({ how: "failed", error });
    this.#lastWords = encoder.encode(this.#options.encodeError(error));
    if (this.#isPulling) return;
    this.#controller?.enqueue(this.#lastWords);
    this.#controller?.close();
  }

  async #pull(controller: Controller): Promise<void> {
    this.#isPulling = true;
    this.#clock.endWrite();
    let bytes: Uint8Array<ArrayBuffer> | null = null;
    while (bytes === null && !this.#isOver) bytes = await this.#read();
    this.#isPulling = false;
    bytes ??= this.#lastWords;
    if (bytes !== null) {
      controller.enqueue(bytes);
      this.#clock.startWrite();
    }
    if (this.#isOver) controller.close();
  }

  /** Whole events; null where none has come to its end. */
  async #read(): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#clock.startRead();
    let read: ReadableStreamReadResult<Uint8Array<ArrayBuffer>> | ApiError;
    try {
      read = await this.#reader.read();
    } catch (cause) {
      read = connectionLostError(cause);
    } finally {
      this.#clock.endRead();
    }
    if (this.#isOver) return null;
    if (this.#isSilent) read = idleTimeoutError(this.#options.timeoutMs);
    if (read instanceof ApiError) return this.#finish(read);
    return read.done ? this.#finish(null) : this.#take(read.value);
  }

  #take(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    try {
      const whole = this.#events.push(bytes);
      const { error } = this.#events;
      if (error !== null) this.#settle({ how: "failed", error });
      return whole;
    } catch (cause) {
      // A fault in the reading must not keep the stream's place for ever.
      return this.#finish(cause instanceof ApiError ? cause : connectionLostError(cause));
    }
  }

  /** @param failure what broke the stream; null at its end */
  #finish(failure: ApiError | null): Uint8Array<ArrayBuffer> | null {
    const rest = this.#events.end();
    const told = this.#events.error;
    const error = told ?? (this.#events.hasEnded ? null : failure ?? connectionLostError());
    this.#settle(error === null ? { how: "complete" } : { how: "failed", error });
    if (error === null || told !== null) return rest;
    return encoder.encode(this.#options.encodeError(error));
  }

  #settle(end: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.stop();
    this.#options.openStreams?.delete(this);
    this.#reader.cancel().catch(() => {});
    this.#options.onEnd(end);
  }

  #giveUp(): void {
    this.#isSilent = true;
    this.#reader.cancel().catch(() => {});
  }

  #letClientGo(): void {
    this.#settle({ how: "client_gone" });
    this.#controller?.error(new Error("The client took nothing within TIMEOUT_S"));
  }
}

/** Cuts bytes into whole events, and reads them. */
class EventObserver {
  /** Whether `message_stop` has passed. */
  hasEnded = false;
  /** What an `error` event said. */
  error: ApiError | null = null;
  readonly #options: PassThroughOptions;
  readonly #decoder = new TextDecoder();
  readonly #parser = new SseParser();
  /** The event that has begun. */
  #held: Uint8Array<ArrayBuffer>[] = [];
  #heldBytes = 0;
  /** The last two bytes of what is held: a blank line may be cut in its middle. */
  #tail: readonly number[] = [];

  constructor(options: PassThroughOptions) {
    this.#options = options;
  }

  /** All events that these bytes complete; null where they complete none. @throws {ApiError} for one without end */
  push(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const end = findLastEnd(bytes, this.#tail);
    if (end === 0) {
      this.#hold(bytes);
      return null;
    }
    const whole = join([...this.#held, bytes.subarray(0, end)]);
    this.#held = [];
    this.#heldBytes = 0;
    this.#tail = [];
    if (end < bytes.length) this.#hold(bytes.subarray(end));
    return this.#readEvents(whole);
  }

  /** What was held back at the end of the stream: a last event without its blank line. */
  end(): Uint8Array<ArrayBuffer> | null {
    if (this.#held.length === 0) return null;
    const rest = join(this.#held);
    this.#held = [];
    const read = this.#readEvents(rest, { isLast: true });
    // Upstream broke off inside the event.
    return this.hasEnded || this.error !== null ? read : null;
  }

  /** The next read overwrites the bytes; what is kept is a copy. */
  #hold(bytes: Uint8Array<ArrayBuffer>): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_EVENT_BYTES) {
      throw new ApiError("api_error", "Upstream sent an event that is too large", { status: 502 });
    }
    this.#held.push(bytes.slice());
    this.#tail = [...this.#tail, ...bytes.subarray(-2)].slice(-2);
  }

  /** The same bytes, but for an `error` event: its words may hold keys, and nothing may follow it. */
  #readEvents(
    bytes: Uint8Array<ArrayBuffer>,
    { isLast = false } = {},
  ): Uint8Array<ArrayBuffer> {
    const text = this.#decoder.decode(bytes);
    const payloads = [...this.#parser.push(text), ...(isLast ? this.#parser.end() : [])];
    for (const payload of payloads) {
      // Most events are deltas, and they say nothing that is needed here.
      if (payload.includes('"content_block_delta"')) {
        this.#options.onDelta?.(payload.length);
        continue;
      }
      const event = parseJson(payload);
      if (isJsonObject(event)) this.#note(event);
    }
    if (this.error === null) return bytes;
    return encoder.encode(keepBeforeError(text) + this.#options.encodeError(this.error));
  }

  #note(event: JsonObject): void {
    if (event["type"] === "message_stop") this.hasEnded = true;
    if (event["type"] === "error") this.error = this.#options.parseError(event["error"]);
    this.#options.onEvent(event);
  }
}

/** The events in front of the first `error`. */
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

/** The place behind the last blank line; 0 where there is none. @param before the bytes just before these */
function findLastEnd(bytes: Uint8Array, before: readonly number[]): number {
  const byteAt = (place: number) => place >= 0 ? bytes[place] : before.at(place);
  let place = bytes.lastIndexOf(LF);
  while (place >= 0) {
    const previous = byteAt(place - 1);
    if (previous === LF || (previous === CR && byteAt(place - 2) === LF)) return place + 1;
    place = place === 0 ? -1 : bytes.lastIndexOf(LF, place - 1);
  }
  return 0;
}

function join(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
