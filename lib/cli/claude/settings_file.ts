/**
 * The temporary settings file of Claude Code: readable by its user alone, and removed at the end. A launcher that is
 * killed cannot remove its own; the next one does.
 * @module
 */

import type { JsonObject } from "../../json.ts";

/** The number is the process id of the launcher. */
const NAME = /^claudeproxy-(\d+)-.*\.json$/;

/** A settings file. Leave it with `using`. */
export interface SettingsFile extends Disposable {
  path: string;
}

/** Writes the settings, and removes the files of launchers that were killed. */
export function createSettingsFile(settings: JsonObject): SettingsFile {
  // All users can read the arguments of a process. This file has mode 600.
  const path = Deno.makeTempFileSync({ prefix: `claudeproxy-${Deno.pid}-`, suffix: ".json" });
  const file = { path, [Symbol.dispose]: () => Deno.removeSync(path) };
  try {
    Deno.writeTextFileSync(path, JSON.stringify(settings));
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
  removeStale(path.replace(/[^\\/]+$/, ""));
  return file;
}

/** Only a courtesy: what cannot be looked at or removed stays. */
function removeStale(folder: string): void {
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      const [, pid] = NAME.exec(name) ?? [];
      if (pid !== undefined && !isRunning(Number(pid))) removeOwn(`${folder}${name}`);
    }
  } catch {
    // The folder cannot be listed.
  }
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0, which is made for this, came with Deno 2.9. SIGURG is ignored unless a program has a use for it.
    Deno.kill(pid, "SIGURG");
    return true;
  } catch (error) {
    // Others mean that it runs, or cannot be asked for: another user's, or on Windows.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** The temporary folder is shared: another user's file, or a link, is left alone. */
function removeOwn(path: string): void {
  try {
    const { isFile, uid } = Deno.lstatSync(path);
    if (isFile && uid === Deno.uid()) Deno.removeSync(path);
  } catch {
    // Another launcher was faster.
  }
}
