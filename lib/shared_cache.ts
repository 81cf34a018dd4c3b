/**
 * A bounded cache whose callers share the work: while a value is being loaded, others who need it wait for the same
 * load. A load is aborted only when all of them have left.
 * @module
 */

/** A loaded value. */
export interface Loaded<T> {
  value: T;
  /** How much of the cache's `maxSize` it takes. */
  size: number;
  /** Milliseconds until it must be loaded again; 0 to keep it only for those who wait now. */
  keepMs: number;
}

/** Loads a value. @param signal aborted, with the reason of the last caller, when all callers have left */
export type Load<T> = (signal: AbortSignal) => Promise<Loaded<T>>;

/** Limits and clock of a cache. */
export interface SharedCacheOptions {
  maxEntries: number;
  /** The sum of the sizes. */
  maxSize: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** Receives each value that was loaded and is kept. */
export type OnKeep<T> = (key: string, loaded: Loaded<T>) => void;

interface Entry<T> {
  value: T;
  size: number;
  expiresAt: number;
}

interface Pending<T> {
  value: Promise<T>;
  controller: AbortController;
  callers: number;
}

/** The cache; drops the entries that were not used for the longest time. */
export class SharedCache<T> {
  readonly #options: SharedCacheOptions;
  readonly #onKeep: OnKeep<T>;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #pending = new Map<string, Pending<T>>();
  #size = 0;

  constructor(options: SharedCacheOptions, onKeep: OnKeep<T> = () => {}) {
    this.#options = options;
    this.#onKeep = onKeep;
  }

  /** The sum of the sizes of all entries. */
  get size(): number {
    return this.#size;
  }

  /**
   * Returns the value of a key, and loads it if necessary.
   * @throws the reason of `signal` if it is aborted first, or what `load` throws
   */
  async get(key: string, signal: AbortSignal, load: Load<T>): Promise<T> {
    const entry = this.#find(key);
    if (entry !== undefined) return entry.value;
    signal.throwIfAborted();
    return await this.#wait(key, this.#pending.get(key) ?? this.#start(key, load), signal);
  }

  #find(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#delete(key, entry);
    if (this.#options.now() >= entry.expiresAt) return undefined;
    this.#add(key, entry);
    return entry;
  }

  #start(key: string, load: Load<T>): Pending<T> {
    const controller = new AbortController();
    const value = load(controller.signal).then((loaded) => {
      if (this.apply(key, loaded)) this.#onKeep(key, loaded);
      return loaded.value;
    }).finally(() => this.#forget(key, pending));
    // All callers may have left before it fails.
    value.catch(() => {});
    const pending = { value, controller, callers: 0 };
    this.#pending.set(key, pending);
    return pending;
  }

  async #wait(key: string, pending: Pending<T>, signal: AbortSignal): Promise<T> {
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    pending.callers++;
    try {
      return await Promise.race([pending.value, left]);
    } finally {
      signal.removeEventListener("abort", leave);
      pending.callers--;
      if (pending.callers === 0 && this.#pending.get(key) === pending) {
        // First: the next caller must start a new load.
        this.#forget(key, pending);
        pending.controller.abort(signal.reason);
      }
    }
  }

  #forget(key: string, pending: Pending<T>): void {
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
  }

  /** All entries, the one that was not used for the longest time first. */
  list(): [key: string, loaded: Loaded<T>][] {
    const now = this.#options.now();
    return [...this.#entries].map(([key, { value, size, expiresAt }]) => [
      key,
      { value, size, keepMs: expiresAt - now },
    ]);
  }

  /** Adds a value, for example one that another worker has loaded. @returns whether it is kept */
  apply(key: string, { value, size, keepMs }: Loaded<T>): boolean {
    const { maxEntries, maxSize, now } = this.#options;
    if (keepMs <= 0 || size > maxSize) return false;
    const old = this.#entries.get(key);
    if (old !== undefined) this.#delete(key, old);
    this.#add(key, { value, size, expiresAt: now() + keepMs });
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= maxEntries && this.#size <= maxSize) break;
      this.#delete(key, entry);
    }
    return true;
  }

  #add(key: string, entry: Entry<T>): void {
    this.#entries.set(key, entry);
    this.#size += entry.size;
  }

  #delete(key: string, entry: Entry<T>): void {
    this.#entries.delete(key);
    this.#size -= entry.size;
  }
}
