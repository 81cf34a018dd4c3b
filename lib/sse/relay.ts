/**
 * A stream that is passed on byte for byte, with an ear on it: what is said of models and tokens, and whether
 * it ended as it should. A stream that breaks, or falls silent, ends in an `error` event of ours.
 * @module
 */

import type { ApiError } from "../errors.ts";
import { isJsonObject, type JsonObject, parseJson } from "../json.ts";
import { createBrokenOff, createSilent } from "./broken.ts";
import { SseParser } from "./framing.ts";
import { type BodyReader, type ByteStream, openReader } from "./lend.ts";
import type { StreamEnd } from "./pump.ts";

/** Times in milliseconds. */
export interface RelayOptions {
  /** The longest silence of upstream. */
  timeoutMs: number;
  /** Called with every event but the deltas. */
  onEvent: (event: JsonObject) => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
  /** What upstream's own `error` event says. */
  parseError: (error: unknown) => ApiError;
  /** The last event of a stream that broke. */
  encodeError: (error: ApiError) => string;
}

const encoder = new TextEncoder();

/** The stream to answer with. Pull only: a client that does not read stops the reads upstream. */
export function relay(body: ByteStream, options: RelayOptions): ByteStream {
  const reader = openReader(body);
  const ear = new Ear(options);
  let isOver = false;
  const settle = (end: StreamEnd) => {
    if (isOver) return;
    isOver = true;
    reader.cancel().catch(() => {});
    options.onEnd(end);
  };
  return new ReadableStream({
    async pull(controller) {
      const bytes = await readInTime(reader, options.timeoutMs);
      if (bytes instanceof Uint8Array) {
        ear.hear(bytes);
        // The next read overwrites them; a client that reads late must not see that.
        controller.enqueue(bytes.slice());
        return;
      }
      if (isOver) return;
      const error = ear.error ?? (ear.hasEnded ? null : bytes ?? createBrokenOff());
      if (error !== null && ear.error === null) {
        // The blank line ends the event in which upstream broke off, so that ours is one of its own.
        controller.enqueue(encoder.encode(`\n\n${options.encodeError(error)}`));
      }
      settle(error === null ? { how: "complete" } : { how: "failed", error });
      controller.close();
    },
    cancel: () => settle({ how: "client_gone" }),
  }, { highWaterMark: 0 });
}

/** The next bytes; null at the end; an error where upstream broke or was silent for too long. */
async function readInTime(
  reader: BodyReader,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer> | ApiError | null> {
  let isSilent = false;
  const timer = setTimeout(() => {
    isSilent = true;
    reader.cancel().catch(() => {});
  }, timeoutMs);
  try {
    const { value, done } = await reader.read();
    if (isSilent) {
      return createSilent(timeoutMs);
    }
    return done ? null : value;
  } catch (cause) {
    return createBrokenOff(cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Listens to what passes. It is never in the way: what it cannot read it lets go. */
class Ear {
  /** Whether `message_stop` has passed. */
  hasEnded = false;
  /** What an `error` event said. */
  error: ApiError | null = null;
  readonly #decoder = new TextDecoder();
  readonly #parser = new SseParser();
  readonly #options: Pick<RelayOptions, "onEvent" | "parseError">;

  constructor(options: Pick<RelayOptions, "onEvent" | "parseError">) {
    this.#options = options;
  }

  hear(bytes: Uint8Array): void {
    for (const payload of this.#parser.push(this.#decoder.decode(bytes, { stream: true }))) {
      // Most events are deltas, and they say nothing that is listened for.
      if (payload.includes('"content_block_delta"')) continue;
      const event = parseJson(payload);
      if (isJsonObject(event)) this.#note(event);
    }
  }

  #note(event: JsonObject): void {
    if (event["type"] === "message_stop") this.hasEnded = true;
    if (event["type"] === "error") this.error = this.#options.parseError(event["error"]);
    this.#options.onEvent(event);
  }
}
