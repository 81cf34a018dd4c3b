/**
 * Copies the project into a temporary folder, with all mutants in its sources.
 * @module
 */

import { instrument, listMutants } from "./instrument.ts";
import type { Mutant } from "./mutation.ts";

const NEEDED = /^(lib|tests|tools)\/|^[^/]+$/;
const SWITCH = "tools/mutants/switch.ts";
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The files of the project by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Reads all tracked and untracked files that git does not ignore. */
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

/** The source files of lib/ whose path contains one of these parts. */
export function listSources(files: Files, parts: readonly string[]): string[] {
  return [...files.keys()].filter((path) =>
    path.startsWith("lib/") && path.endsWith(".ts") && parts.some((part) => path.includes(part))
  ).toSorted();
}

/** All mutants of these source files. */
export function listMutantsOf(files: Files, sources: readonly string[]): Mutant[] {
  return sources.flatMap((path) => listMutants(path, readText(files, path)));
}

/** The id of a file: negative, as the ids of mutants are positive. */
export function toFileId(sources: readonly string[], path: string): number {
  return -1 - sources.indexOf(path);
}

/** The ids of a file and of its importers. Their tests depend on what the file computes when it loads. */
export function listDependentIds(files: Files, sources: readonly string[], path: string): number[] {
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
