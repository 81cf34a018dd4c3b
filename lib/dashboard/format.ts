/**
 * Numbers and times as people read them. Pure.
 * @module
 */

import type { CompletedRequest, Totals } from "../metrics/types.ts";

/** What stands where nothing is known. */
export const NONE = "–";

/** `21,034`. */
export function formatCount(value: number | undefined | null): string {
  return typeof value === "number" ? value.toLocaleString("en-US") : NONE;
}

/** `982`, `21.0k`, `1.24M`: for large metrics that stand alone. */
export function formatShort(value: number): string {
  if (value < 10_000) return formatCount(value);
  if (value < 999_950) return `${(value / 1e3).toFixed(1)}k`;
  return value < 999_950_000 ? `${(value / 1e6).toFixed(2)}M` : `${(value / 1e9).toFixed(2)}G`;
}

/** `$0.0412`, `$12.30`; negative where caching cost more than it saved. */
export function formatCost(usd: number | undefined | null): string {
  if (typeof usd !== "number") return NONE;
  const size = Math.abs(usd);
  const sign = usd < 0 ? "−" : "";
  if (size > 0 && size < 0.0001) return `${sign}<$0.0001`;
  const text = size.toLocaleString("en-US", {
    minimumFractionDigits: size >= 10 ? 2 : 4,
    maximumFractionDigits: size >= 10 ? 2 : 4,
  });
  return `${sign}$${text}`;
}

/** `0.93 s`. */
export function formatSeconds(ms: number | undefined): string {
  return ms === undefined ? NONE : `${(ms / 1000).toFixed(2)} s`;
}

/** `340 ms`, `1.20 s`: for a timeline. */
export function formatMoment(ms: number): string {
  return ms < 1000 ? `${ms} ms` : formatSeconds(ms);
}

/** `14:03:22`. */
export function formatTime(time: number): string {
  return new Date(time).toLocaleTimeString("en-GB");
}

/** `14:03`. */
export function formatMinute(time: number): string {
  return formatTime(time).slice(0, 5);
}

/** `3 d 4 h`, `12 min`, `40 s`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

/** What the model read: what was new to it, and what it knew. */
export function countPrompt(
  { inputTokens = 0, cachedTokens = 0, writtenTokens = 0 }: Partial<Totals>,
): number {
  return inputTokens + cachedTokens + writtenTokens;
}

/** `82%` of the prompt came from a cache. */
export function formatCacheShare(sums: Partial<Totals>): string {
  const prompt = countPrompt(sums);
  return prompt === 0 ? NONE : `${Math.round(100 * (sums.cachedTokens ?? 0) / prompt)}%`;
}

/** When the first content came; the first event may be a ping. */
export function findFirstToken({ events, firstEventMs }: CompletedRequest): number | undefined {
  return events.find(({ kind }) => kind === "block")?.at ?? firstEventMs;
}

/** One text, one line: nothing that a stranger sends can turn it round. */
export function toPlain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}
