/**
 * The clock of one stream: how long upstream has been silent, how long the client has taken nothing, and when a
 * ping is due. One timer a stream, not one a read: it looks at all three and sleeps again.
 * @module
 */

import { GRACE_MS } from "./deadline.ts";

/** Times in milliseconds. */
export interface StreamTimerOptions {
  /** The longest silence of upstream, and the longest time in which the client takes nothing. */
  timeoutMs: number;
  /** The longest silence towards the client. */
  pingMs: number;
  /** A monotonic clock. */
  now: () => number;
  onUpstreamTimeout: () => void;
  onClientTimeout: () => void;
  /** Called again and again while nothing is sent. */
  onPingDue: () => void;
}

/** Watches a stream from `start` to `stop`. */
export class StreamTimer {
  readonly #options: StreamTimerOptions;
  #upstreamSince: number | null = null;
  #clientSince: number | null = null;
  #sentAt: number;
  /** The wait that was found too long at the last look; at the next one it is over. */
  #suspect: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamTimerOptions) {
    this.#options = options;
    this.#sentAt = options.now();
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A read of upstream begins. */
  startRead(): void {
    this.#upstreamSince = this.#options.now();
  }

  /** Upstream has sent something, or ended. */
  endRead(): void {
    this.#upstreamSince = null;
  }

  /** Something was sent, which the client has to take. */
  startWrite(): void {
    this.#sentAt = this.#clientSince = this.#options.now();
  }

  /** A ping was sent, which nothing waits for. */
  sendPing(): void {
    this.#sentAt = this.#options.now();
  }

  /** The client wants more. */
  endWrite(): void {
    this.#clientSince = null;
  }

  #look(): void {
    const { timeoutMs, pingMs, onUpstreamTimeout, onClientTimeout, onPingDue } = this.#options;
    const now = this.#options.now();
    const isOver = (since: number | null) => since !== null && now - since >= timeoutMs;
    const late = [this.#upstreamSince, this.#clientSince].find(isOver) ?? null;
    if (late !== null && late === this.#suspect) {
      return late === this.#upstreamSince ? onUpstreamTimeout() : onClientTimeout();
    }
    this.#suspect = late;
    if (now - this.#sentAt >= pingMs) onPingDue();
    const untilPing = this.#sentAt + pingMs - now;
    const earliest = Math.min(this.#upstreamSince ?? now, this.#clientSince ?? now);
    const untilLate = late === null ? earliest + timeoutMs - now : GRACE_MS;
    const sleepMs = Math.min(untilLate, untilPing > 0 ? untilPing : pingMs);
    this.#timer = setTimeout(() => this.#look(), Math.max(1, sleepMs));
  }
}
