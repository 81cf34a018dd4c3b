/**
 * What upstream reports about the proxy's own key, for the dashboard. Fetched in the background: nothing waits for it.
 * @module
 */

import { isJsonObject } from "../json.ts";

/** The credit of a key, in USD. */
export interface Credit {
  /** Null for a key without a limit of its own. */
  remainingUsd: number | null;
  limitUsd: number | null;
  usedUsd: number | null;
}

/** The dependencies of {@linkcode KeyCredit}. */
export interface KeyCreditOptions {
  /** `GET /key`, as parsed JSON; null if there is no key to ask about. */
  fetchKey: (() => Promise<unknown>) | null;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** Upstream is asked at most once in this time. */
const MAX_AGE_MS = 60_000;

/** The credit as it was last reported. */
export class KeyCredit {
  readonly #options: KeyCreditOptions;
  #credit: Credit | null = null;
  #requestedAt = -Infinity;

  constructor(options: KeyCreditOptions) {
    this.#options = options;
  }

  /** Returns what is known, null for nothing, and fetches a newer value for the next call if it is old. */
  read(): Credit | null {
    const { fetchKey, now } = this.#options;
    if (fetchKey !== null && now() - this.#requestedAt >= MAX_AGE_MS) {
      this.#requestedAt = now();
      fetchKey().then(
        (response) => this.#credit = parseCredit(response),
        // The key may not be allowed to read this, or upstream cannot be reached.
        () => this.#credit = null,
      );
    }
    return this.#credit;
  }
}

/** Only amounts: the label contains the first and last characters of the key. */
function parseCredit(response: unknown): Credit | null {
  const data = isJsonObject(response) ? response["data"] : undefined;
  if (!isJsonObject(data)) return null;
  const readAmount = (name: string) => {
    const amount = data[name];
    return typeof amount === "number" && Number.isFinite(amount) ? amount : null;
  };
  return {
    remainingUsd: readAmount("limit_remaining"),
    limitUsd: readAmount("limit"),
    usedUsd: readAmount("usage"),
  };
}
