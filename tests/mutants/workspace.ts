/**
 * Copies of the project in temporary folders, which may be broken at will.
 * @module
 */

import type { Mutation } from "./mutation.ts";

const NEEDED = /^(lib|tests|tools|jsr_fallback)\/|^[^/]+$/;
/** Long runs and real clients, which no mutant needs, and this folder itself. */
const LEFT_OUT = /^tests\/(clients|mutants|fuzz|soak)\/|^tests\/(fuzz|soak)_/;

/** A copy of the project. Removed with `await using`. */
export interface Workspace extends AsyncDisposable {
  folder: string;
}

/** Reads what git tracks, and what it would track, into memory: all copies are alike, whatever changes meanwhile. */
export async function readProject(root: string): Promise<Map<string, Uint8Array>> {
  const { code, stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error("Cannot list the files of the project: git ls-files failed");
  const files = new Map<string, Uint8Array>();
  for (const path of new Set(new TextDecoder().decode(stdout).split("\0"))) {
    if (!NEEDED.test(path) || LEFT_OUT.test(path)) continue;
    try {
      files.set(path, await Deno.readFile(`${root}/${path}`));
    } catch (error) {
      // Tracked, but deleted in the working tree.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

/** Writes the files into a new temporary folder. */
export async function createWorkspace(
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Workspace> {
  const folder = await Deno.makeTempDir({ prefix: "mutants_" });
  for (const [path, bytes] of files) {
    const target = `${folder}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** The text with the mutation; null where its place is not there exactly once, or nothing would change. */
export function mutate(text: string, { find, replace }: Mutation): string | null {
  const place = text.indexOf(find);
  if (place === -1 || text.includes(find, place + 1) || find === replace) return null;
  return text.slice(0, place) + replace + text.slice(place + find.length);
}
