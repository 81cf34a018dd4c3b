/**
 * The stream a client reads: upstream bytes in, encoded events out, one enqueue per read. Handles framing,
 * timeouts and disconnects; the translator interprets the chunks. Pull only: no client read, no upstream read.
 * @module
 */

import type { StreamEvent } from "../anthropic/types.ts";
import type { ByteShare } from "../byte_budget.ts";
import { ApiError, toApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import { connectionLostError, idleTimeoutError, responseTooLargeError } from "./errors.ts";
import { createTimer } from "./deadline.ts";
import { encodeEvent, SseParser } from "./sse.ts";
import { type ByteStream, Utf8Reader } from "./body_reader.ts";
import { StreamTimer } from "./stream_timer.ts";

/** Turns chunks into events; see StreamTranslator. `push` and `finish` throw where the answer is broken. */
export interface Translator {
  readonly isComplete: boolean;
  /** The answer was ended here: nothing more of upstream is wanted. */
  readonly hasEnded: boolean;
  /** Characters that are kept until the answer ends. */
  readonly keptChars: number;
  start(): StreamEvent[];
  push(chunk: JsonObject): StreamEvent[];
  /** @param options `isDone`: upstream said that it has finished */
  finish(options: { isDone: boolean }): StreamEvent[];
  fail(error: ApiError): StreamEvent[];
}

/** How a stream ended. */
export type StreamEnd =
  | { how: "complete" }
  | { how: "failed"; error: ApiError }
  | { how: "client_gone" };

/** Times in milliseconds. */
export interface EventStreamOptions {
  /** The longest silence of upstream. */
  timeoutMs: number;
  /** The longest silence towards the client. */
  pingMs: number;
  /** A monotonic clock. */
  now: () => number;
  /** Of the memory for bodies: for what came and cannot be sent yet. */
  share?: ByteShare;
  /** Holds this stream while it is open: a program that ends tells its clients. */
  openStreams?: Set<OpenStream>;
  /** Called when the first event is on its way. */
  onFirstEvent?: () => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
}

/** A stream that can be ended from outside. */
export interface OpenStream {
  /** Ends it in an error event. */
  end(error: ApiError): void;
}

const encoder = new TextEncoder();
const PING = encodeEvent({ type: "ping" });
const DONE = "[DONE]";
/** Thinking and arguments of one answer. */
const MAX_KEPT_CHARS = 32e6;

/**
 * Reads upstream up to its first real chunk, but at most one `pingMs`, and returns the stream to answer with.
 * @throws {ApiError} for whatever goes wrong before that: it can still become an HTTP status
 */
export async function createEventStream(
  body: ByteStream,
  translator: Translator,
  options: EventStreamOptions,
): Promise<ByteStream> {
  const pump = new EventStream(body, translator, options);
  await pump.open();
  return pump.stream();
}

/** What one read brought; null text is the end. */
type Read = { text: string | null } | { error: ApiError };

class EventStream implements OpenStream {
  readonly #source: Utf8Reader;
  readonly #parser = new SseParser();
  readonly #translator: Translator;
  readonly #options: EventStreamOptions;
  /** Encoded events that came before the client began to read. */
  #head = "";
  /** The read that was under way when the head had to leave. */
  #underWay: Promise<Read> | null = null;
  #end: StreamEnd | null = null;
  readonly #clock: StreamTimer;
  #hasTimedOut = false;
  /** The client waits for what a read brings. */
  #isPulling = false;
  /** What is left to say after an end from outside. */
  #lastWords = "";
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;

  constructor(body: ByteStream, translator: Translator, options: EventStreamOptions) {
    this.#source = new Utf8Reader(body);
    this.#translator = translator;
    this.#options = options;
    const { timeoutMs, pingMs, now } = options;
    this.#clock = new StreamTimer({
      timeoutMs,
      pingMs,
      now,
      onUpstreamTimeout: () => this.#giveUp(),
      onClientTimeout: () => this.#letClientGo(),
      onPingDue: () => this.#ping(),
    });
    options.openStreams?.add(this);
  }

  end(error: ApiError): void {
    if (this.#isOver) return;
    this.#lastWords = this.#head + this.#fail(error);
    this.#head = "";
    // While a read is under way, its end brings the words.
    if (this.#controller === null || this.#isPulling) return;
    this.#controller.enqueue(encoder.encode(this.#lastWords));
    this.#controller.close();
  }

  get #isOver(): boolean {
    return this.#end !== null;
  }

  async open(): Promise<void> {
    this.#clock.start();
    const patience = createTimer(this.#options.pingMs);
    try {
      while (this.#head === "" && !this.#isOver) {
        this.#underWay ??= this.#read();
        const result = await Promise.race([this.#underWay, patience.expired]);
        if (this.#isOver) break;
        if (result === null) {
          this.#head = this.#encode(this.#translator.start()) + PING;
        } else {
          this.#underWay = null;
          this.#head = this.#take(result);
        }
      }
      // Ended from outside before there was anything to send.
      if (this.#head === "" && this.#end?.how === "failed") throw this.#end.error;
    } catch (error) {
      const failure = this.#end?.how === "failed" ? this.#end.error : toApiError(error);
      this.#settle({ how: "failed", error: failure });
      throw failure;
    } finally {
      patience.cancel();
    }
    this.#options.onFirstEvent?.();
  }

  stream(): ByteStream {
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#settle({ how: "client_gone" }),
    });
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    this.#isPulling = true;
    this.#clock.endWrite();
    let text = this.#head;
    this.#head = "";
    try {
      while (text === "" && !this.#isOver) {
        const read = this.#underWay ?? this.#read();
        this.#underWay = null;
        const result = await read;
        // Ended from outside, or the client has left.
        if (this.#isOver) break;
        text = this.#take(result);
      }
    } catch (error) {
      text = this.#fail(error);
    }
    this.#isPulling = false;
    text ||= this.#lastWords;
    if (text !== "") this.#send(controller, text);
    if (this.#end !== null && this.#end.how !== "client_gone") controller.close();
  }

  /** One read. Its failure is a value, so that a read left alone rejects nothing. */
  async #read(): Promise<Read> {
    this.#clock.startRead();
    try {
      return { text: await this.#source.read() };
    } catch (cause) {
      if (this.#translator.isComplete) return { text: null };
      return { error: connectionLostError(cause) };
    } finally {
      this.#clock.endRead();
    }
  }

  /** The encoded events of one read. What came before an error in the same read is delivered. */
  #take(read: Read): string {
    if ("error" in read) throw read.error;
    const isLast = read.text === null;
    let text = "";
    try {
      const payloads = read.text === null ? this.#parser.end() : this.#parser.push(read.text);
      for (const payload of payloads) {
        if (payload.trim() === DONE) return text + this.#finish({ isDone: true });
        const chunk = this.#parse(payload, isLast);
        if (chunk !== null) text += this.#encode(this.#translator.push(chunk));
        if (this.#translator.hasEnded) return text + this.#finish({ isDone: true });
      }
      if (isLast) return text + this.#finish({ isDone: false });
      this.#checkKept();
      return text;
    } catch (error) {
      if (text === "") throw error;
      return text + this.#fail(error);
    }
  }

  #checkKept(): void {
    const kept = this.#parser.heldChars + this.#translator.keptChars;
    if (kept > MAX_KEPT_CHARS) {
      throw responseTooLargeError("more thinking and arguments than are kept");
    }
    this.#options.share?.resize(kept);
  }

  /** A payload that is no chunk loses content, so it is an error, unless the answer is whole already. */
  #parse(payload: string, isLast: boolean): JsonObject | null {
    const chunk = parseJson(payload);
    if (isJsonObject(chunk)) return chunk;
    if (this.#translator.isComplete || isLast || payload.trim() === "") return null;
    throw new ApiError("api_error", "OpenRouter sent an event that is no JSON", { status: 502 });
  }

  #finish(end: { isDone: boolean }): string {
    if (this.#hasTimedOut && !this.#translator.isComplete) {
      throw idleTimeoutError(this.#options.timeoutMs);
    }
    const text = this.#encode(this.#translator.finish(end));
    this.#settle({ how: "complete" });
    return text;
  }

  #fail(error: unknown): string {
    const failure = toApiError(error);
    if (this.#end !== null) return "";
    this.#settle({ how: "failed", error: failure });
    return this.#encode(this.#translator.fail(failure));
  }

  #encode(events: StreamEvent[]): string {
    let text = "";
    for (const event of events) text += encodeEvent(event);
    return text;
  }

  #send(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>, text: string): void {
    if (this.#end?.how === "client_gone") return;
    controller.enqueue(encoder.encode(text));
    this.#clock.startWrite();
  }

  /** The one end: stops the clock, lets upstream go, tells once. */
  #settle(end: StreamEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#clock.stop();
    this.#options.openStreams?.delete(this);
    this.#options.share?.release();
    // Upstream may be at its end already, or broken; neither matters any more.
    this.#source.cancel().catch(() => {});
    this.#options.onEnd(end);
  }

  /** The read under way ends as if upstream had ended, and the translator says what that means. */
  #giveUp(): void {
    this.#hasTimedOut = true;
    this.#source.cancel().catch(() => {});
  }

  /** A client that takes nothing holds a connection upstream, and a place of MAX_INFLIGHT. */
  #letClientGo(): void {
    this.#settle({ how: "client_gone" });
    this.#controller?.error(new Error("The client took nothing within TIMEOUT_S"));
  }

  #ping(): void {
    if (this.#controller === null || (this.#controller.desiredSize ?? 0) <= 0) return;
    this.#controller.enqueue(encoder.encode(PING));
    this.#clock.sendPing();
  }
}
