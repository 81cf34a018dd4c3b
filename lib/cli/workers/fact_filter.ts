/**
 * Decides which learned facts a worker tells the others. Every response teaches means, and a busy worker would tell
 * each of the others as much as its own responses: a few values a second are enough.
 * @module
 */

import type { Fact } from "../../learned.ts";

/** A mean of a model is told once in this time. */
const INTERVAL_MS = 250;
/** Models whose times are remembered; clients choose the names. */
const MAX_NAMES = 1000;

/**
 * Passes on all facts but means that were told a moment ago.
 * @param now a monotonic clock, in milliseconds
 */
export function createFactFilter(
  send: (fact: Fact) => void,
  now: () => number,
): (fact: Fact) => void {
  const toldAt = new Map<string, number>();
  return (fact) => {
    if (fact.type !== "mean") return send(fact);
    const name = `${fact.of} ${fact.model}`;
    const last = toldAt.get(name);
    if (last !== undefined && now() - last < INTERVAL_MS) return;
    if (toldAt.size >= MAX_NAMES) toldAt.clear();
    toldAt.set(name, now());
    send(fact);
  };
}
