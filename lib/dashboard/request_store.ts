/**
 * The completed requests that the page has loaded: a gapless range that ends with the newest. Pure.
 * @module
 */

import type { CompletedRequest } from "../metrics/types.ts";

/** As many as the proxy keeps. */
const MAX_REQUESTS = 10_000;

/** A gapless range of requests, bounded; the oldest are dropped first. */
export class RequestStore {
  #requests: CompletedRequest[] = [];

  /** Oldest first. */
  get requests(): readonly CompletedRequest[] {
    return this.#requests;
  }

  /** The number of the newest; 0 for none. */
  get newest(): number {
    return this.#requests.at(-1)?.number ?? 0;
  }

  /** The number before which requests have not been loaded; null if there are none or no room for them. */
  get missingBefore(): number | null {
    const oldest = this.#requests[0]?.number ?? 1;
    return oldest > 1 && this.#requests.length < MAX_REQUESTS ? oldest : null;
  }

  /**
   * Adds requests that are newer than those in the store. After a gap, because more have ended than one response
   * contains, only the new ones stay: the others are loaded again.
   */
  append(requests: readonly CompletedRequest[]): void {
    const [first] = requests;
    if (first === undefined) return;
    const hasGap = this.#requests.length > 0 && first.number > this.newest + 1;
    const newest = this.newest;
    const fresh = requests.filter(({ number }) => hasGap || number > newest);
    this.#requests = [...(hasGap ? [] : this.#requests), ...fresh].slice(-MAX_REQUESTS);
  }

  /** Adds older requests, which must end right before the oldest one. */
  prepend(requests: readonly CompletedRequest[]): void {
    const oldest = this.#requests[0]?.number;
    if (requests.at(-1)?.number !== (oldest ?? 0) - 1) return;
    this.#requests = [...requests, ...this.#requests].slice(-MAX_REQUESTS);
  }

  find(requestId: string): CompletedRequest | undefined {
    return this.#requests.findLast((request) => request.requestId === requestId);
  }

  clear(): void {
    this.#requests = [];
  }
}
