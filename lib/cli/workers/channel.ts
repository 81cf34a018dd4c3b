/**
 * Events and calls between two threads over a message port. Events are sent in batches, because a message costs more
 * than what is in it; the order is kept. Knows nothing of what the events mean.
 * @module
 */

import type { Side } from "./messages.ts";

/** Events wait this long for others. */
const BATCH_MS = 5;

/** An error that the other side reported. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  /** The name of the original error. */
  readonly originalName: string;

  constructor({ name, message }: { name: string; message: string }) {
    super(message);
    this.originalName = name;
  }
}

type Packet =
  | { type: "event"; event: unknown }
  | { type: "call"; id: number; name: string; args: unknown[] }
  | { type: "result"; id: number; value: unknown }
  | { type: "error"; id: number; error: { name: string; message: string } };

/** What one side does with events and calls. */
export interface ChannelOptions<Own extends Side, Other extends Side> {
  onEvent: (event: Other["events"]) => void;
  calls: Own["calls"];
}

/** One end of a channel. */
export class Channel<Own extends Side, Other extends Side> {
  readonly #port: MessagePort;
  readonly #options: ChannelOptions<Own, Other>;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #batch: Packet[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;

  constructor(port: MessagePort, options: ChannelOptions<Own, Other>) {
    this.#port = port;
    this.#options = options;
    port.onmessage = ({ data }: MessageEvent<Packet[]>) => {
      for (const packet of data) this.#receive(packet);
    };
  }

  /** Sends an event with the next batch. */
  send(event: Own["events"]): void {
    this.#push({ type: "event", event });
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Sends everything that waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#port.postMessage(batch);
  }

  /**
   * Calls a function of the other side, after all events that were sent before.
   * @throws {RemoteError} with the error of the function, or if the channel is closed
   */
  call<Name extends keyof Other["calls"] & string>(
    name: Name,
    ...args: Parameters<Other["calls"][Name]>
  ): Promise<Awaited<ReturnType<Other["calls"][Name]>>> {
    const id = ++this.#lastId;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(id, pending);
    this.#push({ type: "call", id, name, args });
    this.flush();
    // The other side has the function of this name and type.
    return pending.promise as Promise<Awaited<ReturnType<Other["calls"][Name]>>>;
  }

  /** Rejects all pending calls. */
  close(): void {
    clearTimeout(this.#timer);
    this.#port.close();
    const error = new RemoteError({ name: "Error", message: "The other thread has ended" });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #push(packet: Packet): void {
    this.#batch.push(packet);
  }

  #receive(packet: Packet): void {
    switch (packet.type) {
      case "event":
        return this.#options.onEvent(packet.event);
      case "call":
        void this.#answer(packet);
        return;
      case "result":
        return this.#take(packet.id)?.resolve(packet.value);
      case "error":
        return this.#take(packet.id)?.reject(new RemoteError(packet.error));
      default:
        packet satisfies never;
    }
  }

  #take(id: number): PromiseWithResolvers<unknown> | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  async #answer({ id, name, args }: Extract<Packet, { type: "call" }>): Promise<void> {
    try {
      const value = await this.#options.calls[name]?.(...args);
      this.#push({ type: "result", id, value });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      this.#push({ type: "error", id, error: { name, message } });
    }
    this.flush();
  }
}
