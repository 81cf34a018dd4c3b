/**
 * One worker as the coordinator sees it: its thread, the channel to it, and its next thread when this one has died.
 * @module
 */

import { settlesWithin } from "../../stream/deadline.ts";
import { StartError } from "../terminal.ts";
import { Channel } from "./channel.ts";
import type { CoordinatorSide, StartMessage, WorkerEvent, WorkerSide } from "./messages.ts";
import { WORKER_NAME } from "./worker_name.ts";

/** A thread that has served for this long was not broken from the start. */
const HEALTHY_MS = 10_000;
/** The pause before the second start in a row; it doubles up to the longest. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 30_000;

/** The coordinator's end of the channel to a worker. */
export type WorkerChannel = Channel<CoordinatorSide, WorkerSide>;

/** How a worker is started, and who is told what. */
export interface WorkerOptions {
  /** The URL of the program's entry. */
  entry: string;
  /** From 1. */
  number: number;
  calls: CoordinatorSide["calls"];
  /** What a new thread starts with. */
  createStart: () => Omit<StartMessage, "channel" | "row">;
  onEvent: (event: WorkerEvent, from: WorkerThread) => void;
  /** Called when a thread has died, before the next one is started. */
  onDeath: (from: WorkerThread, reason: string) => void;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** A worker, over all its threads. */
export class WorkerThread {
  readonly number: number;
  readonly #options: WorkerOptions;
  #worker: Worker | null = null;
  #channel: WorkerChannel | null = null;
  #listeningSince: number | null = null;
  #started = Promise.withResolvers<number>();
  /** Threads in a row that died soon after their start. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopping = false;

  constructor(options: WorkerOptions) {
    this.number = options.number;
    this.#options = options;
  }

  /** The channel to the thread, also while it starts; null while there is no thread. */
  get channel(): WorkerChannel | null {
    return this.#channel;
  }

  /** Whether the thread listens. */
  get isServing(): boolean {
    return this.#listeningSince !== null;
  }

  /** Threads in a row that died soon after their start. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Starts the first thread.
   * @returns the port on which it listens
   * @throws {StartError} if it cannot
   */
  start(): Promise<number> {
    this.#spawn();
    return this.#started.promise;
  }

  /** Drains the worker, and ends its thread after `maxMs` at the latest. */
  async stop(maxMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const { channel } = this;
    if (channel !== null) await settlesWithin(channel.call("stop").catch(() => {}), maxMs);
    this.#end();
  }

  #spawn(): void {
    const { entry, calls, createStart } = this.#options;
    const worker = new Worker(entry, { type: "module", name: `${WORKER_NAME} ${this.number}` });
    const { port1, port2 } = new MessageChannel();
    this.#worker = worker;
    this.#channel = new Channel(port1, { calls, onEvent: (event) => this.#receive(event) });
    worker.onerror = (event) => {
      // Otherwise the error would end the process.
      event.preventDefault();
      if (this.#worker === worker) this.#die(event.message);
    };
    const start: StartMessage = { ...createStart(), row: this.number, channel: port2 };
    worker.postMessage(start, [port2]);
  }

  #receive(event: WorkerEvent): void {
    if (event.type === "start_failed") return this.#die(event.message);
    if (event.type === "listening") {
      this.#listeningSince = this.#options.now();
      this.#started.resolve(event.port);
    }
    this.#options.onEvent(event, this);
  }

  #die(reason: string): void {
    const { now, onDeath } = this.#options;
    const isHealthy = this.#listeningSince !== null && now() - this.#listeningSince >= HEALTHY_MS;
    this.#failures = isHealthy ? 0 : this.#failures + 1;
    this.#end();
    // Without effect unless it is the first start, which ends the program.
    this.#started.reject(new StartError(`Worker ${this.number} cannot be started: ${reason}`));
    onDeath(this, reason);
    if (!this.#isStopping) this.#timer = setTimeout(() => this.#spawn(), this.#findPause());
  }

  /** The first start in a row is without a pause. */
  #findPause(): number {
    const doubled = FIRST_PAUSE_MS * 2 ** (this.#failures - 2);
    return this.#failures < 2 ? 0 : Math.min(MAX_PAUSE_MS, doubled);
  }

  #end(): void {
    this.#worker?.terminate();
    this.#channel?.close();
    this.#worker = null;
    this.#channel = null;
    this.#listeningSince = null;
  }
}
