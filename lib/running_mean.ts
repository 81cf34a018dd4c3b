/**
 * Running means by name, of which the last ones count most. Bounded.
 * @module
 */

/** The name used longest ago is forgotten first. */
const MAX_NAMES = 200;
/** How much one value moves the mean; the first sets it. */
const WEIGHT = 0.3;

/** Running means by name. */
export class RunningMeans {
  readonly #means = new Map<string, number>();

  /** The mean of a name; undefined where nothing has been learned. */
  find(name: string): number | undefined {
    return this.#means.get(name);
  }

  /** Takes in a value. */
  learn(name: string, value: number): void {
    const known = this.#means.get(name) ?? value;
    // Set anew, so that the order of the map is the order of use.
    this.#means.delete(name);
    this.#means.set(name, known + (value - known) * WEIGHT);
    const [oldest] = this.#means.keys();
    if (this.#means.size > MAX_NAMES && oldest !== undefined) this.#means.delete(oldest);
  }
}
