/**
 * What a session came to: a log that prints nothing, adds up the records of requests, and says it in one line.
 * @module
 */

import type { Log, RequestRecord } from "../log.ts";

/** Adds up; keeps sums, no records. */
export class Tally {
  #requests = 0;
  #failed = 0;
  #tokensIn = 0;
  #tokensOut = 0;
  #costUsd: number | null = null;
  /** Answered, and nobody said what it cost. */
  #unpriced = 0;

  /** Prints nothing: the terminal is another program's. */
  readonly log: Log = { request: (record) => this.#add(record), write: () => {} };

  /** `12 requests (1 failed), 45,210 tokens in, 3,120 out, $0.1234`. */
  describe(): string {
    if (this.#requests === 0) return "no requests";
    const failed = this.#failed === 0 ? "" : ` (${formatNumber(this.#failed)} failed)`;
    return `${count(this.#requests)}${failed}, ${formatNumber(this.#tokensIn)} tokens in, ` +
      `${formatNumber(this.#tokensOut)} out${this.#describeCost()}`;
  }

  #add(record: RequestRecord): void {
    if (record.path !== "/v1/messages") return;
    this.#requests++;
    this.#tokensIn += (record.inputTokens ?? 0) + (record.cachedTokens ?? 0) +
      (record.writtenTokens ?? 0);
    this.#tokensOut += record.outputTokens ?? 0;
    if (record.costUsd !== undefined) this.#costUsd = (this.#costUsd ?? 0) + record.costUsd;
    else if (record.status < 400) this.#unpriced++;
    if (record.error !== undefined) this.#failed++;
  }

  #describeCost(): string {
    const isUnpriced = this.#unpriced > 0;
    if (this.#costUsd === null) return isUnpriced ? ", cost not known" : ", no cost reported";
    const known = `, ${formatCost(this.#costUsd)}`;
    return isUnpriced ? `${known} and what ${count(this.#unpriced)} cost is not known` : known;
  }
}

function count(requests: number): string {
  return `${formatNumber(requests)} ${requests === 1 ? "request" : "requests"}`;
}

function formatNumber(value: number): string {
  return value.toLocaleString("en-US");
}

function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.0001) return "under $0.0001";
  return `$${usd.toFixed(usd >= 1 ? 2 : 4)}`;
}
