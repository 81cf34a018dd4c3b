/**
 * The command line.
 * @module
 */

/** What a run does. */
export interface Options {
  /** Parts of paths; a file of lib/ is mutated where its path contains one of them. */
  files: string[];
  /** Mutants to take; all where there are fewer. */
  sample: number;
  seed: number;
  /** Only list the mutants. */
  isList: boolean;
  workers: number;
  /** Percent that must be killed. */
  threshold: number;
}

const DEFAULT_FILES =
  "lib/translate/,lib/anthropic/,lib/sse/,lib/auth.ts,lib/errors.ts,lib/openrouter/errors.ts";

/** Reads `--files A,B --sample N --seed S --list --workers N --threshold P`. @throws {Error} for other words */
export function readOptions(words: readonly string[]): Options {
  const given = new Map([["files", DEFAULT_FILES], ["sample", "600"], ["seed", "1"]]);
  given.set("workers", "2").set("threshold", "95");
  const rest = words.filter((word) => word !== "--list");
  for (let place = 0; place < rest.length; place += 2) {
    const name = rest[place]?.replace(/^--/, "") ?? "";
    const value = rest[place + 1];
    if (!given.has(name) || value === undefined) {
      throw new Error(`Unknown option ${rest[place]}: use ${[...given.keys()].join(", ")} or list`);
    }
    given.set(name, value);
  }
  const readNumber = (name: string): number => {
    const number = Number(given.get(name));
    if (!(number >= 0)) throw new Error(`--${name} must be a number`);
    return number;
  };
  return {
    files: given.get("files")?.split(",").filter((word) => word !== "") ?? [],
    sample: readNumber("sample"),
    seed: readNumber("seed"),
    isList: rest.length < words.length,
    workers: Math.max(1, readNumber("workers")),
    threshold: readNumber("threshold"),
  };
}
