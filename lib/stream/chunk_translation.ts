/**
 * Upstream's text in, events out: splits the text into chunks, and decides when the response has ended. Knows neither
 * bytes nor time; the translator interprets the chunks.
 * @module
 */

import type { StreamEvent } from "../anthropic/types.ts";
import { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { ChunkParser } from "./chunk_parser.ts";
import { responseTooLargeError } from "./errors.ts";
import { SseParser } from "./sse.ts";

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

/** The receiver of a translation. */
export interface ChunkTranslationOptions {
  /** Receives the events of each chunk: also of those before an error in the same text. */
  emit: (events: StreamEvent[]) => void;
  /** Called before the last events. What it throws takes their place. */
  beforeFinish?: () => void;
}

const DONE = "[DONE]";
/** Thinking and arguments of one response. */
const MAX_KEPT_CHARS = 32e6;

/** Translates one response. */
export class ChunkTranslation {
  readonly #events = new SseParser();
  readonly #chunks = new ChunkParser();
  readonly #translator: Translator;
  readonly #options: ChunkTranslationOptions;

  constructor(translator: Translator, options: ChunkTranslationOptions) {
    this.#translator = translator;
    this.#options = options;
  }

  /** Characters buffered of the current event and of the response. */
  get bufferedChars(): number {
    return this.#events.bufferedChars + this.#translator.keptChars;
  }

  /**
   * Translates the next text; null at the end of the body.
   * @returns whether the response has ended, which it always has after null
   * @throws {ApiError} for an error of upstream, an incomplete response, and one that is too large
   */
  push(text: string | null): boolean {
    const isLast = text === null;
    for (const payload of isLast ? this.#events.end() : this.#events.push(text)) {
      if (payload.trim() === DONE) return this.#finish({ isDone: true });
      const chunk = this.#parse(payload, isLast);
      if (chunk !== null) this.#options.emit(this.#translator.push(chunk));
      if (this.#translator.hasEnded) return this.#finish({ isDone: true });
    }
    if (isLast) return this.#finish({ isDone: false });
    if (this.bufferedChars > MAX_KEPT_CHARS) {
      throw responseTooLargeError("more thinking and arguments than can be buffered");
    }
    return false;
  }

  /** A payload that is not a chunk loses content, so it is an error unless the response is complete already. */
  #parse(payload: string, isLast: boolean): JsonObject | null {
    const chunk = this.#chunks.parse(payload);
    if (isJsonObject(chunk)) return chunk;
    if (this.#translator.isComplete || isLast || payload.trim() === "") return null;
    const message = "Upstream sent an event that is not valid JSON";
    throw new ApiError("api_error", message, { status: 502 });
  }

  #finish(end: { isDone: boolean }): true {
    this.#options.beforeFinish?.();
    this.#options.emit(this.#translator.finish(end));
    return true;
  }
}
