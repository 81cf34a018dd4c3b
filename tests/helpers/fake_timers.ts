/**
 * Timers whose clock the test advances, so that a timeout of a minute takes no time and is exact.
 * @module
 */

interface Timer {
  at: number;
  callback: () => void;
}

/** Replaces `setTimeout` and `clearTimeout` until it is disposed of. */
export class FakeTimers implements Disposable {
  now = 0;
  /** The requested waits, in order. */
  readonly waits: number[] = [];
  readonly #timers = new Map<number, Timer>();
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  #lastId = 0;

  constructor() {
    Object.assign(globalThis, {
      setTimeout: (callback: () => void, ms = 0) => {
        this.waits.push(ms);
        // Whole milliseconds, at least one, as the runtime waits.
        this.#timers.set(++this.#lastId, { at: this.now + Math.max(1, Math.trunc(ms)), callback });
        return this.#lastId;
      },
      clearTimeout: (id: number) => this.#timers.delete(id),
    });
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Advances the clock by so many milliseconds, and fires what is due by then, in order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#timers].toSorted(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      this.#timers.delete(next[0]);
      this.now = next[1].at;
      next[1].callback();
    }
    this.now = end;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
