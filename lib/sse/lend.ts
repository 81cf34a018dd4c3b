/**
 * Reads a byte stream through one buffer that goes back and forth, instead of one new buffer a read. What a
 * read costs is what this proxy costs: a plain read allocates 64 KiB for a chunk of 200 bytes.
 * Each read is copied out before the buffer is lent again, and nothing is read ahead (`highWaterMark: 0`):
 * without the copy a slow reader finds its bytes overwritten.
 * @module
 */

const BUFFER_BYTES = 16 * 1024;

/** A stream of bytes in buffers of their own. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * The same bytes, read through a lent buffer. A body that is no byte stream (a hand-made Response) is returned
 * as it is. Cancelling the result cancels the body.
 */
export function lend(body: ByteStream): ByteStream {
  const reader = openByteReader(body);
  if (reader === null) return body;
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return controller.close();
      controller.enqueue(value.slice());
      buffer = value.buffer;
    },
    cancel(reason) {
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Only byte streams, such as fetch bodies, can fill a buffer of ours; asking another one throws. */
function openByteReader(body: ByteStream): ReadableStreamBYOBReader | null {
  try {
    return body.getReader({ mode: "byob" });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
