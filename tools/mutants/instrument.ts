/**
 * Adds many mutants to one source text, each behind a switch: `$m(7)` is true while mutant 7 is on. The modules are
 * therefore loaded once for all mutants.
 * @module
 */

import type { Mutant, Site } from "./mutation.ts";
import { listConstants, listFunctionStarts, listSites } from "./sites.ts";

/** All mutants of a file. Their ids are 0 until the run numbers them. */
export function listMutants(file: string, text: string): Mutant[] {
  return listSites(text, file).flatMap(({ edits, ...site }) =>
    edits.map(({ operator, text: replacement, dropped }) => ({
      ...site,
      id: 0,
      file,
      line: text.slice(0, site.start).split("\n").length,
      operator,
      original: text.slice(site.start, site.end),
      replacement,
      dropped,
    }))
  );
}

/** Options of an instrumented file. */
export interface InstrumentOptions {
  mutants: readonly Mutant[];
  /** Evaluated at the start of each function, to find the tests that reach the file. */
  fileId: number;
  /** The import path of switch.ts from the file. */
  importPath: string;
}

/** Text that replaces a range, or is inserted at a point. */
interface Insertion {
  start: number;
  end: number;
  write(inner: string): string;
}

/** Adds the mutants to a text. Lines keep their numbers. */
export function instrument(text: string, options: InstrumentOptions): string {
  const groups = Map.groupBy(options.mutants, ({ kind, start, end }) => `${kind} ${start} ${end}`);
  const insertions: Insertion[] = [
    ...listFunctionStarts(text).map((start) => ({
      start,
      end: start,
      write: () => ` $m(${options.fileId});`,
    })),
    ...listConstants(text).flatMap(({ name, keyword, value }) => [
      { ...keyword, write: () => "let" },
      { ...value, write: (inner: string) => `$c(() => (${inner}), ($v) => { ${name} = $v; })` },
    ]),
    ...[...groups.values()].map(toInsertion),
  ].toSorted((a, b) => a.start - b.start || order(a) - order(b) || b.end - a.end);
  let next = 0;

  /** Ranges nest: an outer one writes the inner ones. */
  function write(start: number, end: number): string {
    let written = "";
    let position = start;
    for (let one = insertions[next]; one !== undefined && one.start < end; one = insertions[next]) {
      next++;
      written += text.slice(position, one.start) + one.write(write(one.start, one.end));
      position = one.end;
    }
    return written + text.slice(position, end);
  }

  return `import { $c, $m } from ${JSON.stringify(options.importPath)}; ${write(0, text.length)}`;
}

/** Points come before the ranges that start at them. */
function order({ start, end }: Insertion): number {
  return start === end ? 0 : 1;
}

function toInsertion(group: readonly Mutant[]): Insertion {
  const { kind = "expression", start = 0, end = 0 } = group[0] ?? {};
  return { start, end, write: (inner) => wrap(kind, group, inner) };
}

function wrap(kind: Site["kind"], group: readonly Mutant[], inner: string): string {
  switch (kind) {
    case "expression": {
      const choices = group.map(({ id, replacement }) => `$m(${id}) ? (${replacement}) : `);
      return `(${choices.join("")}${inner})`;
    }
    case "statement":
      // In a block, so that a following `else` keeps its `if`.
      return `{ if (!$m(${group[0]?.id})) ${inner} }`;
    case "entry":
      return group.map(({ id, replacement }) => ` if ($m(${id})) ${replacement}`).join("");
    default:
      return kind satisfies never;
  }
}
