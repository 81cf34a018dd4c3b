// Judges a run: which ratios miss their limit, and whether the machine was quiet enough to trust them.

import type { Limit, MeasuredRow } from "./trial.ts";

/** A spread above this is more than what the ratios are to show. */
const UNRELIABLE_SPREAD = 0.2;

export type Result = "missed" | "met" | "aim reached";

/** A row with a limit. */
export interface LimitedRow extends MeasuredRow {
  limit: Limit;
}

export function hasLimit(row: MeasuredRow): row is LimitedRow {
  return row.limit !== undefined;
}

/** The ratio of each round. */
export function toRatios({ rounds, limit: { per } }: LimitedRow): number[] {
  return rounds.map((values) => {
    const proxy = values.proxy ?? NaN;
    return per === null ? proxy : proxy / (values[per] ?? NaN);
  });
}

/** Judges the median as the report shows it, rounded. A limit whose ratio could not be measured is missed. */
export function judge(row: LimitedRow): Result {
  const ratio = Number(median(toRatios(row)).toFixed(2));
  const { sign, must, aim } = row.limit;
  const keeps = (limit: number) => sign === "≤" ? ratio <= limit : ratio >= limit;
  if (!keeps(must)) return "missed";
  return aim !== undefined && keeps(aim) ? "aim reached" : "met";
}

/** One line for each missed limit. */
export function listMisses(rows: readonly MeasuredRow[]): string[] {
  return rows.filter(hasLimit).filter((row) => judge(row) === "missed").map((row) => {
    const { sign, must } = row.limit;
    const ratio = median(toRatios(row)).toFixed(2);
    return [`${row.what}: ${ratio}`, formatPer(row.limit), `instead of ${sign} ${must}`]
      .filter((part) => part !== "").join(" ");
  });
}

/** The unit of a ratio: multiples of a reference, or nothing. */
export function formatPer({ per }: Limit): string {
  return per === null ? "" : `× ${per}`;
}

/**
 * How quiet the machine was: the load average before the run, and how steady `pass` was, whose work never changes. Names
 * the rows that say little because `pass` or the ratio itself was not steady.
 */
export function describeNoise(rows: readonly MeasuredRow[], load: number): string {
  const before = `The load average before the run was ${load.toFixed(1)}.`;
  const ofPass = rows.map(toPassSpread).filter((spread) => !Number.isNaN(spread));
  if (ofPass.length === 0) {
    return `${before} Too few rounds of \`pass\` to tell how quiet the machine was.`;
  }
  const steady = "The middle half of `pass`'s own values spread by " +
    `${toPercent(median(ofPass))} of their median in a typical row, and by ` +
    `${toPercent(Math.max(...ofPass))} at most.`;
  const unreliable = rows.filter(hasLimit).filter(isUnreliable).map(({ what }) => what);
  if (unreliable.length === 0) return `${before} ${steady}`;
  return `${before} ${steady} **Not quiet enough for these ratios: ${unreliable.join("; ")}.**`;
}

/** Without a reference there is nothing that other load could move against. */
function isUnreliable(row: LimitedRow): boolean {
  if (row.limit.per === null) return false;
  return Math.max(toPassSpread(row), toSpread(toRatios(row))) > UNRELIABLE_SPREAD;
}

function toPassSpread({ rounds }: MeasuredRow): number {
  return toSpread(rounds.map(({ pass }) => pass ?? NaN));
}

function toPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/**
 * The distance between the quartiles as a share of the median: with five rounds, one odd round does not move it. NaN for
 * fewer than three rounds.
 */
function toSpread(values: readonly number[]): number {
  if (values.length < 3) return NaN;
  return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Interpolates between the two nearest values; NaN if one is not a number, or without values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.some(Number.isNaN)) return NaN;
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}
