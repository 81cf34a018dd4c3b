/**
 * Writes a file that holds many mutants at once, each behind a switch: `$m(7)` is true while mutant 7 is on.
 * One load of the modules then serves all of them.
 * @module
 */

import type { Mutant, Site } from "./mutation.ts";
import { listConstants, listFunctionStarts, listSites } from "./sites.ts";

/** All mutants of a file. Their ids are 0 until the run numbers them. */
export function listMutants(file: string, text: string): Mutant[] {
  return listSites(text, file).flatMap(({ edits, ...site }) =>
    edits.map(({ operator, text: replacement, without }) => ({
      ...site,
      id: 0,
      file,
      line: text.slice(0, site.start).split("\n").length,
      operator,
      original: text.slice(site.start, site.end),
      replacement,
      without,
    }))
  );
}

/** What a file is written with. */
export interface InstrumentOptions {
  mutants: readonly Mutant[];
  /** Asked for at the start of each function, so that every test that runs the file is known. */
  fileId: number;
  /** The switch, seen from the file. */
  importPath: string;
}

/** One place where text is added: around a range, or at a point. */
interface Insertion {
  start: number;
  end: number;
  write(inner: string): string;
}

/** The text with these mutants in it; lines keep their numbers. */
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

  /** Ranges nest, so an outer one writes those inside it. */
  function write(start: number, end: number): string {
    let written = "";
    let place = start;
    for (let one = insertions[next]; one !== undefined && one.start < end; one = insertions[next]) {
      next++;
      written += text.slice(place, one.start) + one.write(write(one.start, one.end));
      place = one.end;
    }
    return written + text.slice(place, end);
  }

  return `import { $c, $m } from ${JSON.stringify(options.importPath)}; ${write(0, text.length)}`;
}

/** Points come before the ranges that begin at them. */
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
      // A block of its own, so that an `else` after it keeps its `if`.
      return `{ if (!$m(${group[0]?.id})) ${inner} }`;
    case "entry":
      return group.map(({ id, replacement }) => ` if ($m(${id})) ${replacement}`).join("");
    default:
      return kind satisfies never;
  }
}
