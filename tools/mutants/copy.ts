/**
 * The copy of the project in which the mutants are.
 * @module
 */

import { instrument, listMutants } from "./instrument.ts";
import type { Mutant } from "./mutation.ts";

const NEEDED = /^(lib|tests|tools|jsr_fallback)\/|^[^/]+$/;
const SWITCH = "tools/mutants/switch.ts";
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The files of the project by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Reads what git tracks, and what it would track, into memory. */
export async function readProject(root: string): Promise<Files> {
  const { code, stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error("Cannot list the files of the project: git ls-files failed");
  const files = new Map<string, Uint8Array>();
  for (const path of new Set(decoder.decode(stdout).split("\0"))) {
    if (!NEEDED.test(path)) continue;
    try {
      files.set(path, await Deno.readFile(`${root}/${path}`));
    } catch (error) {
      // Tracked, but deleted in the working tree.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/** The source files of lib/ that a run is about: those whose path contains one of the words. */
export function listSources(files: Files, words: readonly string[]): string[] {
  return [...files.keys()].filter((path) =>
    path.startsWith("lib/") && path.endsWith(".ts") && words.some((word) => path.includes(word))
  ).toSorted();
}

/** All mutants of some source files. */
export function listMutantsOf(files: Files, sources: readonly string[]): Mutant[] {
  return sources.flatMap((path) => listMutants(path, readText(files, path)));
}

/** What stands for a file among the ids; those of mutants are positive. */
export function toFileId(sources: readonly string[], path: string): number {
  return -1 - sources.indexOf(path);
}

/** The ids of a file and of those that import it: who runs them sees what the file computes when it loads. */
export function listUserIds(files: Files, sources: readonly string[], path: string): number[] {
  const name = path.slice(path.lastIndexOf("/"));
  return sources.filter((other) => other === path || readText(files, other).includes(`${name}"`))
    .map((other) => toFileId(sources, other));
}

/** Writes the project with its mutants into a new temporary folder. */
export async function writeCopy(
  files: Files,
  sources: readonly string[],
  mutants: readonly Mutant[],
): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "mutants_" });
  const mutantsOf = Map.groupBy(mutants, ({ file }) => file);
  for (const [path, bytes] of files) {
    const isMutated = sources.includes(path);
    const text = () =>
      instrument(decoder.decode(bytes), {
        mutants: mutantsOf.get(path) ?? [],
        fileId: toFileId(sources, path),
        importPath: "../".repeat(path.split("/").length - 1) + SWITCH,
      });
    const target = `${folder}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(target, isMutated ? encoder.encode(text()) : bytes);
  }
  return folder;
}

function readText(files: Files, path: string): string {
  return decoder.decode(files.get(path));
}
