// Stand-in for `@std/streams/limited-bytes-transform-stream`, used where JSR cannot be reached.

/**
 * Passes chunks until their bytes exceed `size`. The chunk that would exceed it is dropped whole
 * and ends the stream, with a RangeError if `error` is set and silently otherwise.
 */
export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number, options: { error?: boolean } = {}) {
    let left = size;
    super({
      transform(chunk, controller) {
        if (chunk.byteLength <= left) {
          left -= chunk.byteLength;
          controller.enqueue(chunk);
        } else if (options.error) {
          throw new RangeError(`Exceeded byte size limit of '${size}'`);
        } else {
          controller.terminate();
        }
      },
    });
  }
}
