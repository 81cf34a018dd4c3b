/**
 * Writes the temporary settings file of Claude Code: readable only by its user, and removed on exit. If a launcher is
 * killed, the next one removes its file.
 * @module
 */

import type { JsonObject } from "../../json.ts";

/** The number is the process id of the launcher. */
const NAME = /^claudeproxy-(\d+)-.*\.json$/;

/** A settings file. Dispose of it with `using`. */
export interface SettingsFile extends Disposable {
  path: string;
}

/** Writes the settings, and removes the files of launchers that were killed. */
export function createSettingsFile(settings: JsonObject): SettingsFile {
  // Not an argument, which other users could read. The file has mode 600.
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

/** Best effort: files that cannot be read or removed stay. */
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
    // Deno supports signal 0 only since 2.9. SIGURG is ignored by default.
    Deno.kill(pid, "SIGURG");
    return true;
  } catch (error) {
    // Other errors mean that it runs, or that this is unknown: another user's process, or Windows.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** Leaves links and other users' files alone: the temporary folder is shared. */
function removeOwn(path: string): void {
  try {
    const { isFile, uid } = Deno.lstatSync(path);
    if (isFile && uid === Deno.uid()) Deno.removeSync(path);
  } catch {
    // Another launcher was faster.
  }
}
