/**
 * The body of an answer that is there at once. A long one goes out piece by piece: the runtime would keep all of it
 * for a client that takes nothing, as long as that stays connected.
 * @module
 */

import { Deadline } from "./deadline.ts";

const PIECE_BYTES = 64 * 1024;
/** What is shorter, the buffers of a connection nearly hold. */
const SHORT_CHARS = 256 * 1024;

/** @param timeoutMs the longest time in which the client takes nothing */
export function createPacedBody(text: string, timeoutMs: number): BodyInit {
  if (text.length <= SHORT_CHARS) return text;
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  let deadline: Deadline | null = null;
  return new ReadableStream({
    start(controller) {
      deadline = new Deadline(timeoutMs, () => {
        controller.error(new Error("The client took nothing within TIMEOUT_S"));
      });
    },
    pull(controller) {
      deadline?.restart();
      controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
      if (at < bytes.length) return;
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
