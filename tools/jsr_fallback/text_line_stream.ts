// Stand-in for `@std/streams/text-line-stream`, used where JSR cannot be reached.

/**
 * Splits text at LF and CRLF, however it is chunked; a lone CR stays. Empty lines come out, and at
 * the end an unfinished line too. Takes linear time: text that waits for its LF is not searched again.
 */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    let pending = "";
    super({
      transform(chunk, controller) {
        const [first = "", ...rest] = chunk.split("\n");
        pending += first;
        for (const next of rest) {
          controller.enqueue(pending.endsWith("\r") ? pending.slice(0, -1) : pending);
          pending = next;
        }
      },
      flush(controller) {
        if (pending !== "") controller.enqueue(pending);
      },
    });
  }
}
