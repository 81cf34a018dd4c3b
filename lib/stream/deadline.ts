/**
 * Time limits. A deadline is checked twice: after the process was suspended or busy for long every timer fires at
 * once, and data that arrived meanwhile must be read first.
 * @module
 */

/** Milliseconds between the two checks. */
export const GRACE_MS = 50;

/** Calls back once, unless it is stopped first. Uses timers, so changes of the system clock do not matter. */
export class Deadline {
  readonly #ms: number;
  readonly #onExpired: () => void;
  #timer: ReturnType<typeof setTimeout>;

  constructor(ms: number, onExpired: () => void) {
    this.#ms = ms;
    this.#onExpired = onExpired;
    this.#timer = this.#start();
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#timer = setTimeout(this.#onExpired, GRACE_MS);
    }, this.#ms);
  }
}

/** Waits until a promise is fulfilled or rejected, but no longer than `ms`. @returns whether it settled in time */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: expired, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), ms);
  const isSettled = await Promise.race([work.then(() => true, () => true), expired]);
  clearTimeout(timer);
  return isSettled;
}
