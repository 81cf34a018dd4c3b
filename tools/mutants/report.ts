/**
 * Formats the results of a run.
 * @module
 */

import type { Mutant, Verdict } from "./mutation.ts";

/** A mutant and its result. */
export interface Result {
  mutant: Mutant;
  verdict: Verdict;
}

/** The percentage of killed mutants. */
export function rate(results: readonly Result[]): number {
  const killed = results.filter(({ verdict }) => verdict.status === "killed").length;
  return results.length === 0 ? 100 : 100 * killed / results.length;
}

/** One line per file, then every mutant that was not killed. */
export function describeResults(results: readonly Result[]): string[] {
  const files = Map.groupBy(results, ({ mutant }) => mutant.file);
  const table = [...files].toSorted(([a], [b]) => a < b ? -1 : 1).map(([file, own]) =>
    `${rate(own).toFixed(0).padStart(3)} %  ${describeCount(own)}  ${file}`
  );
  const survivors = results.filter(({ verdict }) => verdict.status !== "killed");
  return [
    ...table,
    "",
    ...survivors.map(({ mutant, verdict }) => `${verdict.status}: ${describeMutant(mutant)}`),
    `${results.length} mutants, ${survivors.length} survived, ${rate(results).toFixed(1)} % killed`,
  ];
}

function describeCount(results: readonly Result[]): string {
  const survived = results.filter(({ verdict }) => verdict.status !== "killed").length;
  return `${results.length - survived}/${results.length}`.padStart(7);
}

/** Location, operator and change in one line. */
export function describeMutant(mutant: Mutant): string {
  return `${mutant.file}:${mutant.line} ${mutant.operator}: ${describeChange(mutant)}`;
}

function describeChange({ kind, original, replacement, dropped }: Mutant): string {
  if (dropped !== undefined) return `without ${flatten(dropped)}`;
  if (kind === "statement") return `without ${flatten(original)}`;
  if (kind === "entry") return `${replacement} at the start`;
  const [before, after] = [flatten(original), flatten(replacement)];
  if (before.length <= 70) return `${before} → ${after}`;
  // Of long texts only the difference, with some context.
  let start = 0;
  while (start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const from = Math.max(0, start - 20);
  const part = (text: string) => `…${text.slice(from, text.length - end + 20).slice(0, 120)}…`;
  return `${part(before)} → ${part(after)}`;
}

function flatten(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
