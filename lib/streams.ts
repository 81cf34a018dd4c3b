/**
 * The stream translator with defaults, and a response of upstream as a stream of events.
 * @module
 */

import type { StreamEvent } from "./anthropic/types.ts";
import { toApiError } from "./errors.ts";
import { BodyReader, Utf8Reader } from "./stream/body_reader.ts";
import { ChunkTranslation } from "./stream/chunk_translation.ts";
import { connectionLostError } from "./stream/errors.ts";
import { encodeEvent } from "./stream/sse.ts";
import { type StreamOptions, StreamTranslator } from "./translate/response/stream_translator.ts";

/**
 * What the translation of a response needs from its request: `response` of the translated request, or at least the
 * model.
 */
export interface TranslatorOptions
  extends Omit<StreamOptions, "messageId" | "inputTokens" | "newCallId"> {
  /** `msg_…`; random if it is missing. */
  messageId?: string | undefined;
  /** Estimated tokens of the request, for `message_start`; 1 if it is missing. */
  inputTokens?: number | undefined;
  /** Creates an id for a tool call without one; a random `toolu_…` if it is missing. */
  newCallId?: (() => string) | undefined;
}

/** Creates the translator of one response, with random IDs unless you pass your own. */
export function createTranslator(options: TranslatorOptions): StreamTranslator {
  return new StreamTranslator({
    ...options,
    messageId: options.messageId ?? createId("msg"),
    inputTokens: options.inputTokens ?? 1,
    newCallId: options.newCallId ?? (() => createId("toolu")),
  });
}

function createId(prefix: "msg" | "toolu"): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}

/**
 * Translates the body of a streamed chat completion, in the bytes of its server-sent events, to Anthropic's events. The
 * body may be cut anywhere. A failure never breaks the stream: an `error` event is then the last one. Reads upstream
 * only when the stream is read; cancelling it cancels the body. There is no timeout: give `fetch` a signal.
 * @param options or a translator of `createTranslator`, whose `metadata` then has the model, provider and cost
 */
export function translateStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  options: TranslatorOptions | StreamTranslator,
): ReadableStream<StreamEvent> {
  const translator = options instanceof StreamTranslator ? options : createTranslator(options);
  const bytes = new BodyReader(body);
  const text = new Utf8Reader(bytes);
  let events: StreamEvent[] = [];
  const chunks = new ChunkTranslation(translator, {
    emit: (more) => events.push(...more),
  });
  const readChunks = async (): Promise<boolean> => {
    const read = await text.read();
    if (bytes.failure !== null && !translator.isComplete) {
      throw connectionLostError(bytes.failure.cause);
    }
    return chunks.push(read);
  };
  return new ReadableStream<StreamEvent>({
    async pull(controller) {
      events = [];
      let hasEnded = false;
      try {
        while (events.length === 0 && !hasEnded) hasEnded = await readChunks();
      } catch (error) {
        events.push(...translator.fail(toApiError(error)));
        hasEnded = true;
      }
      // Cancelled during the read.
      if (bytes.isCancelled) return;
      for (const event of events) controller.enqueue(event);
      if (!hasEnded) return;
      bytes.cancel();
      controller.close();
    },
    cancel: () => bytes.cancel(),
  }, { highWaterMark: 0 });
}

/** Encodes events as server-sent events, as Anthropic sends them: the body of a `text/event-stream` response. */
export function encodeEvents(
  events: ReadableStream<StreamEvent>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return events.pipeThrough(
    new TransformStream<StreamEvent, Uint8Array<ArrayBuffer>>({
      transform(event, controller) {
        controller.enqueue(encoder.encode(encodeEvent(event)));
      },
    }),
  );
}
