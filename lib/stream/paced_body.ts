/**
 * Bodies of responses that are complete at once. A long one is sent piece by piece: the runtime would keep all of it
 * in memory for as long as a client stays connected without reading.
 * @module
 */

import { Deadline } from "./deadline.ts";
import { clientTimeoutError } from "./errors.ts";

const PIECE_BYTES = 64 * 1024;
/** The socket buffers of a connection hold about as much. */
const SHORT_CHARS = 256 * 1024;

/** @param timeoutMs the longest time without a read by the client */
export function createPacedBody(text: string, timeoutMs: number): BodyInit {
  if (text.length <= SHORT_CHARS) return text;
  const bytes = new TextEncoder().encode(text);
  let offset = 0;
  let deadline: Deadline | null = null;
  return new ReadableStream({
    start(controller) {
      deadline = new Deadline(timeoutMs, () => controller.error(clientTimeoutError()));
    },
    pull(controller) {
      deadline?.restart();
      controller.enqueue(bytes.subarray(offset, offset + PIECE_BYTES));
      offset += PIECE_BYTES;
      if (offset < bytes.length) return;
      deadline?.stop();
      controller.close();
    },
    cancel: () => deadline?.stop(),
  }, { highWaterMark: 0 });
}

/** The response for a JSON value of any length. */
export function toJsonResponse(
  value: unknown,
  { timeoutMs, headers }: { timeoutMs: number; headers?: Record<string, string> },
): Response {
  return new Response(createPacedBody(JSON.stringify(value), timeoutMs), {
    headers: { "content-type": "application/json", ...headers },
  });
}
