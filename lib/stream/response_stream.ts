/**
 * A stream to the client that is fed by one upstream body: reads, timeouts, disconnects and the single end. Its
 * subclasses decide what a read means. Pull only: no client read, no upstream read.
 * @module
 */

import type { ByteShare } from "../byte_budget.ts";
import { type ApiError, toApiError } from "../errors.ts";
import { BodyReader, type ByteStream } from "./body_reader.ts";
import { clientTimeoutError } from "./errors.ts";
import { StreamTimer } from "./stream_timer.ts";

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
  /** The longest time without anything sent to the client; no pings where it is left out. */
  pingMs?: number;
  /** A monotonic clock. */
  now: () => number;
  /** Of the memory budget for bodies; released at the end. */
  share?: ByteShare;
  /** Contains this stream while it is open, so that a shutdown can end it. */
  openStreams?: Set<OpenStream>;
  /** Called at the start, with the timer that knows how long upstream has been idle. */
  onTimer?: (timer: Pick<StreamTimer, "upstreamIdleMs">) => void;
  /** Called once, however the stream ends. */
  onEnd: (end: StreamEnd) => void;
}

/** Output for the client; "" is nothing. */
export type Output = string | Uint8Array<ArrayBuffer>;

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

const encoder = new TextEncoder();

/** `T` is what one read of the body yields. */
export abstract class ResponseStream<T> implements OpenStream {
  readonly timer: StreamTimer;
  protected readonly body: BodyReader;
  /** Sent before upstream is read again. */
  protected pending = "";
  /** A read that began before the client's first. */
  protected startedRead: Promise<T | null> | null = null;
  protected ended: StreamEnd | null = null;
  readonly #options: ResponseStreamOptions;
  #controller: Controller | null = null;

  constructor(body: ByteStream, options: ResponseStreamOptions) {
    this.#options = options;
    this.timer = new StreamTimer({
      ...options,
      // The pending read then ends as if upstream had ended.
      onUpstreamTimeout: () => this.body.timeOut(),
      onClientTimeout: () => this.#dropClient(),
      onPingDue: () => this.onPingDue(),
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
  protected onPingDue(): void {}

  stream(strategy?: QueuingStrategy): ByteStream {
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.settle({ how: "client_gone" }),
    }, strategy);
  }

  end(error: ApiError): void {
    // Sent by the pull that waits for upstream, or else by the next one.
    this.pending += this.fail(error);
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

  /** Sends a ping, unless the client has not read the last output yet. */
  protected sendPing(ping: string): void {
    if (this.#controller === null || (this.#controller.desiredSize ?? 0) <= 0) return;
    this.#controller.enqueue(encoder.encode(ping));
    this.timer.sendPing();
  }

  async #pull(controller: Controller): Promise<void> {
    this.timer.endWrite();
    let output: Output = this.#takePending();
    try {
      while (output === "" && this.ended === null) {
        const reading = this.startedRead ?? this.read();
        this.startedRead = null;
        const read = await reading;
        // Ended from outside, or the client has disconnected.
        if (this.ended !== null) break;
        output = this.process(read);
      }
    } catch (error) {
      output = this.fail(error);
    }
    if (output === "") output = this.#takePending();
    if (this.ended?.how === "client_gone") return;
    if (output !== "") {
      controller.enqueue(typeof output === "string" ? encoder.encode(output) : output);
      this.timer.startWrite();
    }
    if (this.ended !== null) controller.close();
  }

  #takePending(): string {
    const text = this.pending;
    this.pending = "";
    return text;
  }

  /** A client that stops reading occupies an upstream connection and a place of MAX_INFLIGHT. */
  #dropClient(): void {
    this.settle({ how: "client_gone" });
    this.#controller?.error(clientTimeoutError());
  }
}
