/**
 * Formats what only the dashboard shows: times of day, shares, unknown values. Pure.
 * @module
 */

import type { CompletedRequest, Totals } from "../metrics/types.ts";

/** Stands for an unknown value. */
export const UNKNOWN = "–";

/** The formatted value, or a dash if it is unknown. */
export function orDash(
  value: number | undefined | null,
  format: (value: number) => string,
): string {
  return typeof value === "number" ? format(value) : UNKNOWN;
}

/** `14:03:22` */
export function formatTime(time: number): string {
  return new Date(time).toLocaleTimeString("en-GB");
}

/** `14:03` */
export function formatMinute(time: number): string {
  return formatTime(time).slice(0, 5);
}

/** All prompt tokens, cached or not. */
export function countPrompt(
  { inputTokens = 0, cachedTokens = 0, writtenTokens = 0 }: Partial<Totals>,
): number {
  return inputTokens + cachedTokens + writtenTokens;
}

/** Share of the prompt that was read from a cache: `82%`. */
export function formatCacheShare(totals: Partial<Totals>): string {
  const prompt = countPrompt(totals);
  return prompt === 0 ? UNKNOWN : `${Math.round(100 * (totals.cachedTokens ?? 0) / prompt)}%`;
}

/** Time of the first content block; the first event may be a ping. */
export function findFirstToken({ events, firstEventMs }: CompletedRequest): number | undefined {
  return events.find(({ kind }) => kind === "block")?.at ?? firstEventMs;
}
