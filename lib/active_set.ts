/**
 * A set of items that come and go with each request, such as open streams.
 * @module
 */

/**
 * A small set, in the order of addition. A `Set` makes a new table every few dozen deletions, and the old ones stay in
 * memory until a full garbage collection, with all items they had: whole requests (figures in tools/bench/RESULTS.md).
 */
export class ActiveSet<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  /** Removes an item. @returns whether it was there */
  delete(item: T): boolean {
    const at = this.#items.indexOf(item);
    if (at !== -1) this.#items.splice(at, 1);
    return at !== -1;
  }

  /** Of the items as of now: they may leave while they are read. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#items].values();
  }
}
