/**
 * Exponential running means by name, for at most 200 names.
 * @module
 */

/** The least recently updated name is forgotten first. */
const MAX_NAMES = 200;
/** How much one value moves the mean; the first value sets it. */
const WEIGHT = 0.3;

/** Running means by name. */
export class RunningMeans {
  readonly #means = new Map<string, number>();
  readonly #onLearn: (name: string, value: number) => void;

  /** @param onLearn receives each value that {@linkcode learn} adds */
  constructor(onLearn: (name: string, value: number) => void = () => {}) {
    this.#onLearn = onLearn;
  }

  /** The mean of a name; undefined before its first value. */
  find(name: string): number | undefined {
    return this.#means.get(name);
  }

  /** All means, the least recently updated first. */
  list(): [name: string, mean: number][] {
    return [...this.#means];
  }

  /** Adds a value. */
  learn(name: string, value: number): void {
    this.apply(name, value);
    this.#onLearn(name, value);
  }

  /** Adds a value that another worker has learned. */
  apply(name: string, value: number): void {
    const mean = this.#means.get(name) ?? value;
    // Deleted and set again, so that the map stays in order of last update.
    this.#means.delete(name);
    this.#means.set(name, mean + (value - mean) * WEIGHT);
    const [oldest] = this.#means.keys();
    if (this.#means.size > MAX_NAMES && oldest !== undefined) this.#means.delete(oldest);
  }
}
