/**
 * Reads a body that is no stream of events, with the same clock: each silence is bounded, not the whole.
 * @module
 */

import { ApiError } from "../errors.ts";
import type { ByteStream } from "./lend.ts";

/**
 * The whole text of upstream's body.
 * @throws {ApiError} 504 after a silence of `timeoutMs`, 502 where it breaks off or is no UTF-8
 */
export async function readWhole(
  body: ByteStream,
  options: { timeoutMs: number },
): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isLate = false;
  const giveUp = () => {
    isLate = true;
    reader.cancel().catch(() => {});
  };
  let timer = setTimeout(giveUp, options.timeoutMs);
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isLate) break;
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      clearTimeout(timer);
      timer = setTimeout(giveUp, options.timeoutMs);
    }
  } catch (cause) {
    reader.cancel().catch(() => {});
    const message = "OpenRouter's answer broke off before it was complete";
    throw new ApiError("api_error", message, { status: 502, cause });
  } finally {
    clearTimeout(timer);
  }
  const seconds = options.timeoutMs / 1000;
  throw new ApiError("timeout_error", `OpenRouter was silent for ${seconds} s (TIMEOUT_S)`);
}
