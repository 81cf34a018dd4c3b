/**
 * Times after which something is given up. A deadline looks twice: a process that was stopped, or busy for long, finds every
 * deadline over, and what has come by then must be read first.
 * @module
 */

/** Between the two looks. */
export const GRACE_MS = 50;

/** Calls back once, unless it is stopped before. By timers, which no change of the clock moves. */
export class Deadline {
  readonly #ms: number;
  readonly #onOver: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number, onOver: () => void) {
    this.#ms = ms;
    this.#onOver = onOver;
    this.#timer = this.#start();
  }

  /** Something has come: the whole time begins anew. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#timer = setTimeout(this.#onOver, GRACE_MS);
    }, this.#ms);
  }
}

/** A timer that can be awaited and thrown away. */
export function createTimer(ms: number): { expired: Promise<null>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  return { expired: promise, cancel: () => clearTimeout(timer) };
}
