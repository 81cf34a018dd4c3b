/**
 * Parses the command line.
 * @module
 */

/** Options of a run. */
export interface Options {
  /** A file of lib/ is mutated if its path contains one of these parts. */
  files: string[];
  /** The maximum number of mutants. */
  sample: number;
  seed: number;
  /** Only list the mutants. */
  isList: boolean;
  workers: number;
  /** The percentage that must be killed. */
  threshold: number;
}

const DEFAULT_FILES =
  "lib/translate/,lib/anthropic/,lib/stream/,lib/auth.ts,lib/errors.ts,lib/openrouter/errors.ts";

/** Reads `--files A,B --sample N --seed S --list --workers N --threshold P`. @throws {Error} for other options */
export function readOptions(args: readonly string[]): Options {
  const given = new Map([["files", DEFAULT_FILES], ["sample", "600"], ["seed", "1"]]);
  given.set("workers", "2").set("threshold", "95");
  const rest = args.filter((arg) => arg !== "--list");
  for (let index = 0; index < rest.length; index += 2) {
    const name = rest[index]?.replace(/^--/, "") ?? "";
    const value = rest[index + 1];
    if (!given.has(name) || value === undefined) {
      throw new Error(`Unknown option ${rest[index]}: use ${[...given.keys()].join(", ")} or list`);
    }
    given.set(name, value);
  }
  const readNumber = (name: string): number => {
    const number = Number(given.get(name));
    if (!(number >= 0)) throw new Error(`--${name} must be a number`);
    return number;
  };
  return {
    files: given.get("files")?.split(",").filter((part) => part !== "") ?? [],
    sample: readNumber("sample"),
    seed: readNumber("seed"),
    isList: rest.length < args.length,
    workers: Math.max(1, readNumber("workers")),
    threshold: readNumber("threshold"),
  };
}
