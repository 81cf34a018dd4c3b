/**
 * Golden pairs: `tests/fixtures/<directory>/<case>.in.json` beside `<case>.out.json`.
 * Adding a case is adding two files. Knows nothing of what the pairs mean.
 * @module
 */

const FIXTURES = new URL("../fixtures/", import.meta.url);
const IN = ".in.json";
const OUT = ".out.json";

/** One pair of files. */
export interface Golden<In, Out> {
  /** The file name without its endings. */
  name: string;
  input: In;
  expected: Out;
}

/**
 * Reads all pairs of a directory, by name. The files are trusted to have the shapes asked for.
 * @throws {Error} for a file without its other half, which would never be tested
 */
export function loadGolden<In, Out>(directory: string): Golden<In, Out>[] {
  const root = new URL(`${directory}/`, FIXTURES);
  const files = [...Deno.readDirSync(root)].map((entry) => entry.name).sort();
  for (const file of files) {
    const half = file.endsWith(IN) ? file.replace(IN, OUT) : file.replace(OUT, IN);
    if (half === file || !files.includes(half)) throw new Error(`Lone fixture ${root}${file}`);
  }
  return files.filter((file) => file.endsWith(IN)).map((file) => ({
    name: file.slice(0, -IN.length),
    input: readJson(new URL(file, root)),
    expected: readJson(new URL(file.replace(IN, OUT), root)),
  }));
}

function readJson<T>(url: URL): T {
  const value: T = JSON.parse(Deno.readTextFileSync(url));
  return value;
}
