/**
 * The translated stream: upstream's chunks in, encoded events out, one enqueue per read. Handles pings, timeouts and
 * the wait before the headers.
 * @module
 */

import type { StreamEvent } from "../anthropic/types.ts";
import type { ApiError } from "../errors.ts";
import { type ByteStream, Utf8Reader } from "./body_reader.ts";
import { ChunkTranslation, type Translator } from "./chunk_translation.ts";
import { ResponseStream, type ResponseStreamOptions } from "./response_stream.ts";
import { encodeEvent } from "./sse.ts";

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
  readonly #chunks: ChunkTranslation;
  readonly #translator: Translator;
  readonly #options: ResponseStreamOptions;
  /** The encoded events of the current read. */
  #output = "";

  constructor(body: ByteStream, translator: Translator, options: ResponseStreamOptions) {
    super(body, options);
    this.#text = new Utf8Reader(this.body);
    this.#translator = translator;
    this.#options = options;
    this.#chunks = new ChunkTranslation(translator, {
      emit: (events) => this.#output += encode(events),
      beforeFinish: () => {
        if (this.body.hasTimedOut) this.#checkComplete();
      },
    });
  }

  protected override read(): Promise<string | null> {
    return this.#text.read();
  }

  /** The encoded events of one read. Those before an error in the same read are delivered. */
  protected override process(read: string | null): string {
    if (read === null && this.body.failure !== null) this.#checkComplete();
    this.#output = "";
    try {
      if (this.#chunks.push(read)) this.settle({ how: "complete" });
      else this.#options.share?.resize(this.#chunks.bufferedChars);
      return this.#output;
    } catch (error) {
      if (this.#output === "") throw error;
      return this.#output + this.fail(error);
    }
  }

  /** @throws {ApiError} where the body ended early, unless the response was complete by then */
  #checkComplete(): void {
    const error = this.body.toError(this.#options.timeoutMs);
    if (error !== null && !this.#translator.isComplete) throw error;
  }

  protected override encodeError(error: ApiError): string {
    return encode(this.#translator.fail(error));
  }

  protected override beforePing(isFirst: boolean): string {
    return isFirst ? encode(this.#translator.start()) : "";
  }
}

function encode(events: StreamEvent[]): string {
  let text = "";
  for (const event of events) text += encodeEvent(event);
  return text;
}
