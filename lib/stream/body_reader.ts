/**
 * Upstream's bytes, and their text: a TextDecoderStream, fed through one buffer that goes back and forth.
 * What a read costs is what this proxy costs: a plain read allocates 64 KiB for a chunk of 200 bytes, and
 * piping puts a second stream between body and decoder (figures in tools/bench/RESULTS.md).
 * A read is decoded before its buffer is lent again, and nothing is read ahead.
 * @module
 */

const BUFFER_BYTES = 16 * 1024;

/** A stream of bytes in buffers of their own. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The text of a body, read by read. Bytes that are no UTF-8 are an error, never other characters. */
export class Utf8Reader {
  readonly #reader: BodyReader;
  readonly #decoder = new TextDecoderStream("utf-8", { fatal: true });
  readonly #bytes = this.#decoder.writable.getWriter();
  readonly #texts = this.#decoder.readable.getReader();
  /** A decoder passes nothing on inside a character: the read of its text goes on over several of ours. */
  #isWaiting = false;
  #text = "";
  #isCancelled = false;

  constructor(body: ByteStream) {
    this.#reader = createBodyReader(body);
  }

  /**
   * The text of the next read, "" where that ended inside a character; null at the end.
   * @throws what breaks the body, or a TypeError for bytes that are no UTF-8
   */
  async read(): Promise<string | null> {
    const { value, done } = await this.#reader.read();
    if (done) {
      if (!this.#isCancelled) await this.#bytes.close();
      return null;
    }
    if (!this.#isWaiting) this.#wait();
    await this.#bytes.write(value);
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Lets the body go. A read under way ends as if the body had ended. */
  cancel(): Promise<void> {
    this.#isCancelled = true;
    return this.#reader.cancel();
  }

  /** Asks before there is anything to decode: with a reader waiting, a write is decoded at once. */
  #wait(): void {
    this.#isWaiting = true;
    const take = (read: ReadableStreamReadResult<string>) => {
      this.#isWaiting = false;
      this.#text = read.value ?? "";
    };
    // The write that broke the decoder fails as well, and that is awaited.
    this.#texts.read().then(take, () => {});
  }
}

/** What reads a body: what `read` brings may be overwritten by the next one. */
export interface BodyReader<T extends Uint8Array = Uint8Array<ArrayBuffer>> {
  read(): Promise<ReadableStreamReadResult<T>>;
  /** Lets the body go. A read under way ends as if the body had ended. */
  cancel(): Promise<void>;
}

/** Reads a body through a lent buffer, where it is a byte stream; else as it comes. */
export function createBodyReader(body: ByteStream, bufferBytes?: number): BodyReader;
export function createBodyReader(
  body: ReadableStream<Uint8Array>,
  bufferBytes?: number,
): BodyReader<Uint8Array>;
export function createBodyReader(
  body: ReadableStream<Uint8Array>,
  bufferBytes = BUFFER_BYTES,
): BodyReader<Uint8Array> {
  return openByteReader(body, bufferBytes) ?? body.getReader();
}

/** Only byte streams, such as fetch bodies, can fill a buffer of ours; asking another one throws. */
function openByteReader(
  body: ReadableStream<Uint8Array>,
  bufferBytes: number,
): BodyReader | null {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
  let buffer = new ArrayBuffer(bufferBytes);
  return {
    async read() {
      const result = await reader.read(new Uint8Array(buffer));
      if (!result.done) buffer = result.value.buffer;
      return result;
    },
    cancel: () => reader.cancel(),
  };
}
