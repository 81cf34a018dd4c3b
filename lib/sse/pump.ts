/**
 * The stream that a client reads: upstream's bytes in, encoded events out, one enqueue a read.
 * Knows framing, silence and leaving; what the chunks mean is the translator's. Pull only: a client that does
 * not read stops the reads upstream.
 * @module
 */

import type { StreamEvent } from "../anthropic/types.ts";
import { ApiError, toApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import { createBrokenOff, createSilent } from "./broken.ts";
import { encodeEvent, SseParser } from "./framing.ts";
import { type ByteStream, LentText } from "./lend.ts";

/** Turns chunks into events; see StreamTranslator. `push` and `finish` throw where the answer is broken. */
export interface Translator {
  readonly isComplete: boolean;
  /** The answer was ended here: nothing more of upstream is wanted. */
  readonly hasEnded: boolean;
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
export interface PumpOptions {
  /** The longest silence of upstream. */
  timeoutMs: number;
  /** The longest silence towards the client. */
  pingMs: number;
  /** A monotonic clock. */
  now: () => number;
  /** Called when the first event is on its way. */
  onFirstEvent?: () => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
}

const encoder = new TextEncoder();
const PING = encodeEvent({ type: "ping" });
const DONE = "[DONE]";

/**
 * Reads upstream up to its first real chunk, but at most one `pingMs`, and returns the stream to answer with.
 * @throws {ApiError} for whatever goes wrong before that: it can still become an HTTP status
 */
export async function startPump(
  body: ByteStream,
  translator: Translator,
  options: PumpOptions,
): Promise<ByteStream> {
  const pump = new Pump(body, translator, options);
  await pump.open();
  return pump.stream();
}

/** What one read brought; null text is the end. */
type Read = { text: string | null } | { error: ApiError };

class Pump {
  readonly #source: LentText;
  readonly #parser = new SseParser();
  readonly #translator: Translator;
  readonly #options: PumpOptions;
  /** Encoded events that came before the client began to read. */
  #head = "";
  /** The read that was under way when the head had to leave. */
  #underWay: Promise<Read> | null = null;
  #end: StreamEnd | null = null;
  /** When the read at hand began; null while the client holds us up, which is no silence of upstream. */
  #waitingSince: number | null = null;
  #sentAt: number;
  #hasTimedOut = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;

  constructor(body: ByteStream, translator: Translator, options: PumpOptions) {
    this.#source = new LentText(body);
    this.#translator = translator;
    this.#options = options;
    this.#sentAt = options.now();
  }

  async open(): Promise<void> {
    this.#watch();
    const patience = createTimer(this.#options.pingMs);
    try {
      while (this.#head === "" && this.#end === null) {
        this.#underWay ??= this.#read();
        const result = await Promise.race([this.#underWay, patience.expired]);
        if (result === null) {
          this.#head = this.#encode(this.#translator.start()) + PING;
        } else {
          this.#underWay = null;
          this.#head = this.#take(result);
        }
      }
    } catch (error) {
      const failure = toApiError(error);
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
    let text = this.#head;
    this.#head = "";
    try {
      while (text === "" && this.#end === null) {
        const read = this.#underWay ?? this.#read();
        this.#underWay = null;
        text = this.#take(await read);
      }
    } catch (error) {
      text = this.#fail(error);
    }
    if (text !== "") this.#send(controller, text);
    if (this.#end !== null && this.#end.how !== "client_gone") controller.close();
  }

  /** One read. Its failure is a value, so that a read left alone rejects nothing. */
  async #read(): Promise<Read> {
    this.#waitingSince = this.#options.now();
    try {
      return { text: await this.#source.read() };
    } catch (cause) {
      if (this.#translator.isComplete) return { text: null };
      return { error: createBrokenOff(cause) };
    } finally {
      this.#waitingSince = null;
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
      return isLast ? text + this.#finish({ isDone: false }) : text;
    } catch (error) {
      if (text === "") throw error;
      return text + this.#fail(error);
    }
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
      throw createSilent(this.#options.timeoutMs);
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
    this.#sentAt = this.#options.now();
  }

  /** The one end: stops the clock, lets upstream go, tells once. */
  #settle(end: StreamEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    clearTimeout(this.#timer);
    // Upstream may be at its end already, or broken; neither matters any more.
    this.#source.cancel().catch(() => {});
    this.#options.onEnd(end);
  }

  /** One timer a stream, not one a read: it looks how long both sides have been silent and sleeps again. */
  #watch(): void {
    const now = this.#options.now();
    const { timeoutMs, pingMs } = this.#options;
    const heardAt = this.#waitingSince ?? now;
    if (now - heardAt >= timeoutMs) {
      this.#hasTimedOut = true;
      // The read under way ends as if upstream had ended, and the translator says what that means.
      this.#source.cancel().catch(() => {});
      return;
    }
    const mayPing = this.#controller !== null && (this.#controller.desiredSize ?? 0) > 0;
    if (mayPing && now - this.#sentAt >= pingMs) this.#ping();
    const untilPing = this.#controller === null ? pingMs : this.#sentAt + pingMs - now;
    const untilTimeout = heardAt + timeoutMs - now;
    const sleepMs = Math.max(1, Math.min(untilTimeout, untilPing > 0 ? untilPing : pingMs));
    this.#timer = setTimeout(() => this.#watch(), sleepMs);
  }

  #ping(): void {
    this.#controller?.enqueue(encoder.encode(PING));
    this.#sentAt = this.#options.now();
  }
}

/** A timer that can be awaited and thrown away. */
function createTimer(ms: number): { expired: Promise<null>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  return { expired: promise, cancel: () => clearTimeout(timer) };
}
