/**
 * Timeouts of one stream: upstream idle, client not reading, ping due. One timer per stream instead of one per read:
 * it checks all three and sleeps until the next may be due.
 * @module
 */

import { GRACE_MS } from "./deadline.ts";

/** Times in milliseconds. */
export interface StreamTimerOptions {
  /** The longest wait for upstream, and the longest time without a read by the client. */
  timeoutMs: number;
  /** The longest time without anything sent to the client; never where it is left out. */
  pingMs?: number;
  /** A monotonic clock. */
  now: () => number;
  onUpstreamTimeout: () => void;
  onClientTimeout: () => void;
  /** Called repeatedly while nothing is sent. */
  onPingDue: () => void;
}

/** How long upstream has been idle. */
export type IdleTimer = Pick<StreamTimer, "upstreamIdleMs">;

/** Watches a stream from `start` to `stop`. */
export class StreamTimer {
  readonly #options: StreamTimerOptions;
  readonly #pingMs: number;
  #upstreamSince: number | null = null;
  #clientSince: number | null = null;
  #sentAt: number;
  /** The wait that was too long at the last check; it has timed out if it still lasts at the next. */
  #suspect: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamTimerOptions) {
    this.#options = options;
    this.#pingMs = options.pingMs ?? Infinity;
    this.#sentAt = options.now();
  }

  start(): void {
    this.#check();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Since the pending read of upstream began; 0 without one. */
  get upstreamIdleMs(): number {
    return this.#upstreamSince === null ? 0 : this.#options.now() - this.#upstreamSince;
  }

  startRead(): void {
    this.#upstreamSince = this.#options.now();
  }

  endRead(): void {
    this.#upstreamSince = null;
  }

  /** Something was sent that the client has to read. */
  startWrite(): void {
    this.#sentAt = this.#clientSince = this.#options.now();
  }

  /** A ping was sent; the client's time does not start with it. */
  sendPing(): void {
    this.#sentAt = this.#options.now();
  }

  endWrite(): void {
    this.#clientSince = null;
  }

  #check(): void {
    const { timeoutMs, now: readClock, onUpstreamTimeout, onClientTimeout } = this.#options;
    const now = readClock();
    const isOver = (since: number | null) => since !== null && now - since >= timeoutMs;
    const late = [this.#upstreamSince, this.#clientSince].find(isOver) ?? null;
    if (late !== null && late === this.#suspect) {
      return late === this.#upstreamSince ? onUpstreamTimeout() : onClientTimeout();
    }
    this.#suspect = late;
    if (now - this.#sentAt >= this.#pingMs) this.#options.onPingDue();
    const untilPing = this.#sentAt + this.#pingMs - now;
    const earliest = Math.min(this.#upstreamSince ?? now, this.#clientSince ?? now);
    const untilLate = late === null ? earliest + timeoutMs - now : GRACE_MS;
    const sleepMs = Math.min(untilLate, untilPing > 0 ? untilPing : this.#pingMs);
    this.#timer = setTimeout(() => this.#check(), Math.max(1, sleepMs));
  }
}
