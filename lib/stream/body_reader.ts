/**
 * Reads a body as bytes or as UTF-8 text, with an idle timeout. Byte streams are read into one reused 16 KiB buffer:
 * the default reader allocates 64 KiB per read, and piping to the decoder adds a second stream (figures in
 * tools/bench/RESULTS.md). Nothing is read ahead, and a failure is a value: a read that is not awaited rejects nothing.
 * @module
 */

import type { ApiError } from "../errors.ts";
import { connectionLostError, idleTimeoutError } from "./errors.ts";
import type { StreamTimer } from "./stream_timer.ts";

const BUFFER_BYTES = 16 * 1024;

/** A stream of bytes whose buffers are not shared. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

export interface BodyReaderOptions {
  /** Is informed of each read; its owner calls `timeOut`. */
  timer?: StreamTimer;
  bufferBytes?: number;
}

/** Reads a body as bytes. */
export class BodyReader<B extends ArrayBufferLike = ArrayBuffer> {
  /** What broke the body; null for a body that is open, ended, timed out or cancelled. */
  failure: { cause: unknown } | null = null;
  hasTimedOut = false;
  isCancelled = false;
  readonly #reader: ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array<B>>;
  readonly #timer: StreamTimer | undefined;
  /** A BYOB reader takes it away for each read. */
  #buffer: ArrayBuffer;

  constructor(
    body: ReadableStream<Uint8Array<B>>,
    { timer, bufferBytes = BUFFER_BYTES }: BodyReaderOptions = {},
  ) {
    const byobReader = openByobReader(body);
    this.#reader = byobReader ?? body.getReader();
    this.#buffer = new ArrayBuffer(byobReader === null ? 0 : bufferBytes);
    this.#timer = timer;
  }

  /** The bytes of the next read, which the one after it may overwrite; null at the end, whatever its reason. */
  read(): Promise<Uint8Array<B | ArrayBuffer> | null> {
    this.#timer?.startRead();
    return this.#readNext().then(this.#onRead, this.#onFailure);
  }

  #readNext(): Promise<ReadableStreamReadResult<Uint8Array<B | ArrayBuffer>>> {
    return this.#reader instanceof ReadableStreamDefaultReader
      ? this.#reader.read()
      : this.#reader.read(new Uint8Array(this.#buffer));
  }

  readonly #onRead = (
    { value, done }: ReadableStreamReadResult<Uint8Array<B | ArrayBuffer>>,
  ): Uint8Array<B | ArrayBuffer> | null => {
    this.#timer?.endRead();
    if (done || value === undefined) return null;
    if (value.buffer instanceof ArrayBuffer) this.#buffer = value.buffer;
    return value;
  };

  readonly #onFailure = (cause: unknown): null => {
    this.#timer?.endRead();
    this.failure = { cause };
    return null;
  };

  /** Cancels the body. A pending read ends as if the body had ended. */
  cancel(): void {
    this.isCancelled = true;
    // Fails where the body is broken already.
    this.#reader.cancel().catch(() => {});
  }

  /** Cancels the body because upstream was idle for too long. */
  timeOut(): void {
    this.hasTimedOut = true;
    this.cancel();
  }

  /** The error for the client where upstream's body ended early; null otherwise. */
  toError(timeoutMs: number): ApiError | null {
    if (this.hasTimedOut) return idleTimeoutError(timeoutMs);
    return this.failure === null ? null : connectionLostError(this.failure.cause);
  }
}

/** Only byte streams, such as fetch bodies, support BYOB readers; others throw. A locked one fails later, too. */
function openByobReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** Of reads that end where a character ends, which nearly all events do. Keeps no state between two of them. */
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Reads a body as text. Invalid UTF-8 is a failure and never replaced. A read that ends inside a character, and all after
 * it, are decoded by a TextDecoderStream; for other reads it would only take longer (figures in tools/bench/RESULTS.md).
 */
export class Utf8Reader {
  readonly #body: BodyReader;
  #decoder: StreamDecoder | null = null;
  #isFirst = true;

  /** @param body the reader to cancel, and the place of `failure` */
  constructor(body: BodyReader) {
    this.#body = body;
  }

  /** The text of the next read, "" where it ended inside a character; null at the end, whatever its reason. */
  read(): Promise<string | null> {
    return this.#body.read().then(this.#decode);
  }

  readonly #decode = (
    bytes: Uint8Array<ArrayBuffer> | null,
  ): Promise<string | null> | string | null => {
    if (bytes === null || this.#decoder !== null || mayEndInCharacter(bytes)) {
      return this.#decodeOn(bytes);
    }
    try {
      return this.#dropByteOrderMark(DECODER.decode(bytes));
    } catch (cause) {
      this.#body.failure = { cause };
      return null;
    }
  };

  async #decodeOn(bytes: Uint8Array<ArrayBuffer> | null): Promise<string | null> {
    try {
      if (bytes === null) {
        const isComplete = this.#body.failure === null && !this.#body.isCancelled;
        if (isComplete) await this.#decoder?.close();
        return null;
      }
      this.#decoder ??= new StreamDecoder();
      return this.#dropByteOrderMark(await this.#decoder.decode(bytes));
    } catch (cause) {
      this.#body.failure = { cause };
      return null;
    }
  }

  /** Neither decoder does it: the one for single reads would do it in each. */
  #dropByteOrderMark(text: string): string {
    const hasMark = this.#isFirst && text.startsWith(BYTE_ORDER_MARK);
    if (text !== "") this.#isFirst = false;
    return hasMark ? text.slice(1) : text;
  }
}

/** Also where a character of several bytes is complete: the next read is then decoded in the same way. */
function mayEndInCharacter(bytes: Uint8Array): boolean {
  return (bytes[bytes.length - 1] ?? 0) >= 0x80;
}

/** Decodes UTF-8 that is cut anywhere, through a TextDecoderStream. */
class StreamDecoder {
  readonly #decoder = new TextDecoderStream("utf-8", { fatal: true, ignoreBOM: true });
  readonly #bytes = this.#decoder.writable.getWriter();
  readonly #texts = this.#decoder.readable.getReader();
  /** Inside a character the decoder emits nothing, so one read of its text spans several of the body. */
  #isWaiting = false;
  #text = "";

  /** The text so far. @throws {TypeError} if the bytes are not UTF-8 */
  async decode(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    if (!this.#isWaiting) this.#wait();
    await this.#bytes.write(bytes);
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** @throws {TypeError} for an end inside a character */
  async close(): Promise<void> {
    await this.#bytes.close();
  }

  /** Reads the decoder before writing to it: with a read pending, a write is decoded at once. */
  #wait(): void {
    this.#isWaiting = true;
    const receive = (read: ReadableStreamReadResult<string>) => {
      this.#isWaiting = false;
      this.#text = read.value ?? "";
    };
    // A write that breaks the decoder fails as well, and is awaited.
    this.#texts.read().then(receive, () => {});
  }
}
