/**
 * Formats what only the dashboard shows: times of day, shares, unknown values, untrusted text. Pure.
 * @module
 */

import { formatCount } from "../format.ts";
import { stripControlChars } from "../colors.ts";
import type { CompletedRequest, Totals } from "../metrics/types.ts";

/** Stands for an unknown value. */
export const UNKNOWN = "–";
/** Names are cut after this many characters. */
const MAX_NAME_CHARS = 200;
/** Control and bidirectional characters, which could reorder what is shown; line breaks and tabs stay. */
const UNSAFE_CHARS =
  /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The formatted value, or a dash if it is unknown. */
export function orDash(
  value: number | undefined | null,
  format: (value: number) => string,
): string {
  return typeof value === "number" ? format(value) : UNKNOWN;
}

/** An untrusted name on one line, cut if it is long. */
export function toName(text: string): string {
  const start = stripControlChars(text.slice(0, MAX_NAME_CHARS)).trim();
  return text.length > MAX_NAME_CHARS ? `${start}…` : start;
}

/** An untrusted text with its line breaks. */
export function toPlainText(text: string): string {
  return text.replace(UNSAFE_CHARS, "\ufffd");
}

/** `14:03:22` */
export function formatTime(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => `${part}`.padStart(2, "0")).join(":");
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

/** `3 agents`, `1 agent` */
export function formatNumber(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}
