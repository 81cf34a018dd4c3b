/**
 * Reads the settings of Claude Code that are stored in files. A missing or invalid file counts as empty: that is not the
 * launcher's concern.
 * @module
 */

import { isJsonObject, type JsonObject, parseJson } from "../../json.ts";
import { readGranted } from "../read_granted.ts";

/** The user's settings. Their variables override those of the process. */
export function readUserSettings(): JsonObject {
  const home = readGranted("HOME") ?? readGranted("USERPROFILE") ?? "";
  const folder = readGranted("CLAUDE_CONFIG_DIR") ?? `${home}/.claude`;
  return readSettings(`${folder}/settings.json`);
}

/** The settings of the project in a folder, shared and local. */
export function readProjectSettings(folder: string): JsonObject[] {
  return ["settings.json", "settings.local.json"]
    .map((name) => readSettings(`${folder}/.claude/${name}`));
}

function readSettings(path: string): JsonObject {
  try {
    const value = parseJson(Deno.readTextFileSync(path));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
