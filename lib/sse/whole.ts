/**
 * Reads a body that is no stream of events: each silence is bounded, not the whole.
 * @module
 */

import { createBrokenOff, createSilent } from "./broken.ts";
import type { ByteStream } from "./lend.ts";

/**
 * The whole text of upstream's body.
 * @throws {ApiError} 504 after a silence of `timeoutMs`, 502 where it breaks off or is no UTF-8
 */
export async function readWhole(
  body: ByteStream,
  options: { timeoutMs: number },
): Promise<string> {
  let text: string | null;
  try {
    text = await readText(body, options.timeoutMs);
  } catch (cause) {
    throw createBrokenOff(cause);
  }
  if (text !== null) return text;
  throw createSilent(options.timeoutMs);
}

/**
 * All text of a body, or null after a silence of `silenceMs`. The body is let go in either case.
 * @throws what breaks the body, or a TypeError for bytes that are no UTF-8
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): Promise<string | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isSilent = false;
  const giveUp = () => {
    isSilent = true;
    reader.cancel().catch(() => {});
  };
  let timer = setTimeout(giveUp, silenceMs);
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isSilent) return null;
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      clearTimeout(timer);
      timer = setTimeout(giveUp, silenceMs);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
