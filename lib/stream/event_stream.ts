/**
 * The translated stream: upstream's chunks in, encoded events out, one enqueue per read. Handles framing, pings and
 * the wait before the headers; the translator interprets the chunks.
 * @module
 */

import type { StreamEvent } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import { type ByteStream, Utf8Reader } from "./body_reader.ts";
import { responseTooLargeError } from "./errors.ts";
import { ResponseStream, type ResponseStreamOptions } from "./response_stream.ts";
import { encodeEvent, SseParser } from "./sse.ts";

/** Turns chunks into events; see StreamTranslator. `push` and `finish` throw where the response is broken. */
export interface Translator {
  readonly isComplete: boolean;
  /** The response was ended here: the rest of upstream's is not needed. */
  readonly hasEnded: boolean;
  /** Characters that are buffered until the response ends. */
  readonly keptChars: number;
  start(): StreamEvent[];
  push(chunk: JsonObject): StreamEvent[];
  /** @param options `isDone`: upstream sent `[DONE]` */
  finish(options: { isDone: boolean }): StreamEvent[];
  fail(error: ApiError): StreamEvent[];
}

const DONE = "[DONE]";
/** Thinking and arguments of one response. */
const MAX_KEPT_CHARS = 32e6;

/**
 * Reads upstream up to its first real chunk, but no longer than `pingMs`, and returns the stream to respond with.
 * @throws {ApiError} for every failure before that, while it can still become an HTTP status
 */
export async function createEventStream(
  body: ByteStream,
  translator: Translator,
  options: ResponseStreamOptions,
): Promise<ByteStream> {
  const stream = new EventStream(body, translator, options);
  await stream.open();
  // One output may be queued: a ping is sent only where the queue is empty.
  return stream.stream(1);
}

class EventStream extends ResponseStream<string> {
  readonly #text: Utf8Reader;
  readonly #parser = new SseParser();
  readonly #translator: Translator;
  readonly #options: ResponseStreamOptions;

  constructor(body: ByteStream, translator: Translator, options: ResponseStreamOptions) {
    super(body, options);
    this.#text = new Utf8Reader(this.body);
    this.#translator = translator;
    this.#options = options;
  }

  protected override read(): Promise<string | null> {
    return this.#text.read();
  }

  /** The encoded events of one read. Those before an error in the same read are delivered. */
  protected override process(read: string | null): string {
    const isLast = read === null;
    if (isLast && this.body.failure !== null) this.#checkComplete();
    let text = "";
    try {
      const payloads = isLast ? this.#parser.end() : this.#parser.push(read);
      for (const payload of payloads) {
        if (payload.trim() === DONE) return text + this.#finish({ isDone: true });
        const chunk = this.#parse(payload, isLast);
        if (chunk !== null) text += this.#encode(this.#translator.push(chunk));
        if (this.#translator.hasEnded) return text + this.#finish({ isDone: true });
      }
      if (isLast) return text + this.#finish({ isDone: false });
      this.#checkBuffered();
      return text;
    } catch (error) {
      if (text === "") throw error;
      return text + this.fail(error);
    }
  }

  #checkBuffered(): void {
    const buffered = this.#parser.bufferedChars + this.#translator.keptChars;
    if (buffered > MAX_KEPT_CHARS) {
      throw responseTooLargeError("more thinking and arguments than can be buffered");
    }
    this.#options.share?.resize(buffered);
  }

  /** A payload that is not a chunk loses content, so it is an error unless the response is complete already. */
  #parse(payload: string, isLast: boolean): JsonObject | null {
    const chunk = parseJson(payload);
    if (isJsonObject(chunk)) return chunk;
    if (this.#translator.isComplete || isLast || payload.trim() === "") return null;
    const message = "Upstream sent an event that is not valid JSON";
    throw new ApiError("api_error", message, { status: 502 });
  }

  #finish(end: { isDone: boolean }): string {
    if (this.body.hasTimedOut) this.#checkComplete();
    const text = this.#encode(this.#translator.finish(end));
    this.settle({ how: "complete" });
    return text;
  }

  /** @throws {ApiError} where the body ended early, unless the response was complete by then */
  #checkComplete(): void {
    const error = this.body.toError(this.#options.timeoutMs);
    if (error !== null && !this.#translator.isComplete) throw error;
  }

  protected override encodeError(error: ApiError): string {
    return this.#encode(this.#translator.fail(error));
  }

  #encode(events: StreamEvent[]): string {
    let text = "";
    for (const event of events) text += encodeEvent(event);
    return text;
  }

  protected override beforePing(isFirst: boolean): string {
    return isFirst ? this.#encode(this.#translator.start()) : "";
  }
}
