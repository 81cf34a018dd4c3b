/**
 * A stream to the client that is fed by one upstream body: reads, timeouts, disconnects and the single end. Its
 * subclasses decide what a read means. Pull only: no client read, no upstream read.
 * @module
 */

import type { ActiveSet } from "../active_set.ts";
import type { ByteShare } from "../byte_budget.ts";
import { type ApiError, toApiError } from "../errors.ts";
import { BodyReader, type ByteStream } from "./body_reader.ts";
import { clientTimeoutError } from "./errors.ts";
import { encodeEvent } from "./sse.ts";
import { type IdleTimer, StreamTimer } from "./stream_timer.ts";

/** How a stream ended. */
export type StreamEnd =
  | { how: "complete" }
  | { how: "failed"; error: ApiError }
  | { how: "client_gone" };

/** A stream that can be ended from outside. */
export interface OpenStream {
  /** Ends it with an error event. */
  end(error: ApiError): void;
}

/** Times in milliseconds. */
export interface ResponseStreamOptions {
  /** The idle timeout of upstream, and the longest time without a read by the client. */
  timeoutMs: number;
  /** The longest time without anything sent to the client, and the longest wait for the first output. */
  pingMs: number;
  /** A monotonic clock. */
  now: () => number;
  /** Of the memory budget for bodies; released at the end. */
  share?: ByteShare;
  /** Contains this stream while it is open, so that a shutdown can end it. */
  openStreams?: ActiveSet<OpenStream>;
  /** Called when the headers can be sent. */
  onFirstEvent?: () => void;
  /** Called at the start, with the timer that knows how long upstream has been idle. */
  onTimer?: (timer: IdleTimer) => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
}

/** Output for the client; "" is nothing. */
export type Output = string | Uint8Array<ArrayBuffer>;

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

const encoder = new TextEncoder();
const PING = encodeEvent({ type: "ping" });

/** `T` is what one read of the body yields. */
export abstract class ResponseStream<T> implements OpenStream {
  readonly timer: StreamTimer;
  protected readonly body: BodyReader;
  protected ended: StreamEnd | null = null;
  /** Sent before upstream is read again. */
  #pending: Output[] = [];
  /** A read that began before the client's first. */
  #startedRead: Promise<T | null> | null = null;
  /** Resolves when the headers must be sent although there is nothing to send. */
  readonly #openLimit = Promise.withResolvers<undefined>();
  /** Outputs that may wait for the client. */
  #highWaterMark = 0;
  readonly #options: ResponseStreamOptions;
  #controller: Controller | null = null;

  constructor(body: ByteStream, options: ResponseStreamOptions) {
    this.#options = options;
    this.timer = new StreamTimer({
      ...options,
      // The pending read then ends as if upstream had ended.
      onUpstreamTimeout: () => this.body.timeOut(),
      onClientTimeout: () => this.#dropClient(),
      onPingDue: () => this.#onPingDue(),
    });
    this.body = new BodyReader(body, { timer: this.timer });
    options.openStreams?.add(this);
    options.onTimer?.(this.timer);
  }

  /** One read of the body; null at its end. Never rejects. */
  protected abstract read(): Promise<T | null>;
  /** What a read sends to the client. What it throws ends the stream with an error event. */
  protected abstract process(read: T | null): Output;
  protected abstract encodeError(error: ApiError): string;
  /** What to send in front of a ping. @param isFirst nothing has been sent yet */
  protected abstract beforePing(isFirst: boolean): Output;

  /**
   * Reads upstream up to its first output, but no longer than `pingMs`.
   * @throws {ApiError} for every failure before that, while it can still become an HTTP status
   */
  async open(): Promise<void> {
    this.timer.start();
    const first: Output[] = [];
    try {
      while (first.length === 0 && this.ended === null) {
        this.#startedRead = this.read();
        const read = await Promise.race([this.#startedRead, this.#openLimit.promise]);
        if (this.ended !== null) break;
        if (read === undefined) {
          first.push(this.beforePing(true), PING);
        } else {
          this.#startedRead = null;
          const output = this.process(read);
          if (output !== "") first.push(output);
        }
      }
      // Ended from outside before there was anything to send.
      if (first.length === 0 && this.ended?.how === "failed") throw this.ended.error;
    } catch (error) {
      const failure = this.ended?.how === "failed" ? this.ended.error : toApiError(error);
      this.settle({ how: "failed", error: failure });
      throw failure;
    }
    this.#pending = first;
    this.#options.onFirstEvent?.();
  }

  /** @param highWaterMark outputs that may wait for the client; 0: no client read, no upstream read */
  stream(highWaterMark: 0 | 1): ByteStream {
    this.#highWaterMark = highWaterMark;
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.settle({ how: "client_gone" }),
    }, { highWaterMark });
  }

  end(error: ApiError): void {
    // Sent by the pull that waits for upstream, or else by the next one.
    this.#pending.push(this.fail(error));
  }

  /** Ends the stream. @returns the error event to send */
  protected fail(error: unknown): string {
    const failure = toApiError(error);
    if (this.ended !== null) return "";
    this.settle({ how: "failed", error: failure });
    return this.encodeError(failure);
  }

  /** The single end: stops the timer, cancels upstream, reports once. */
  protected settle(end: StreamEnd): void {
    if (this.ended !== null) return;
    this.ended = end;
    this.timer.stop();
    this.#options.openStreams?.delete(this);
    this.#options.share?.release();
    this.body.cancel();
    this.#options.onEnd(end);
  }

  /** Opens the stream, or sends a ping, unless the client has not read the last output yet. */
  #onPingDue(): void {
    this.#openLimit.resolve(undefined);
    const controller = this.#controller;
    if (controller === null || this.#pending.length > 0) return;
    if ((controller.desiredSize ?? -1) < this.#highWaterMark) return;
    controller.enqueue(concat([this.beforePing(false), PING].map(encode)));
    this.timer.sendPing();
  }

  #pull(): Promise<void> | void {
    this.timer.endWrite();
    if (this.#pending.length > 0 || this.ended !== null) return this.#send("");
    const reading = this.#startedRead ?? this.read();
    this.#startedRead = null;
    // Not an async function: its frames would take a quarter of the memory that a chunk takes.
    return reading.then(this.#onRead);
  }

  readonly #onRead = (read: T | null): Promise<void> | void => {
    const output = this.#handle(read);
    return output === "" && this.ended === null ? this.#readOn() : this.#send(output);
  };

  /** Reads until there is an output. In a loop: promises that wait for each other would pile up. */
  async #readOn(): Promise<void> {
    let output: Output = "";
    while (output === "" && this.ended === null) output = this.#handle(await this.read());
    this.#send(output);
  }

  /** What a read sends; "" for one that is too late: the stream was ended from outside, or the client has disconnected. */
  #handle(read: T | null): Output {
    if (this.ended !== null) return "";
    try {
      return this.process(read);
    } catch (error) {
      return this.fail(error);
    }
  }

  /** Sends an output after those that are pending, as one piece. */
  #send(output: Output): void {
    const controller = this.#controller;
    if (controller === null || this.ended?.how === "client_gone") return;
    const outputs = this.#pending;
    // Nearly all reads have one output, and none is pending.
    const bytes = outputs.length === 0 ? encode(output) : concat([...outputs, output].map(encode));
    if (outputs.length > 0) this.#pending = [];
    if (bytes.length > 0) {
      controller.enqueue(bytes);
      this.timer.startWrite();
    }
    if (this.ended !== null) controller.close();
  }

  /** A client that stops reading occupies an upstream connection and a place of MAX_INFLIGHT. */
  #dropClient(): void {
    this.settle({ how: "client_gone" });
    this.#controller?.error(clientTimeoutError());
  }
}

function encode(output: Output): Uint8Array<ArrayBuffer> {
  return typeof output === "string" ? encoder.encode(output) : output;
}

function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
