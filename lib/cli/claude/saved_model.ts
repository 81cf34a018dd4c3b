/**
 * Claude Code saves the choice in `/model` as the default of all sessions, also of those without the proxy. The rows
 * of targets save a name that Claude Code knows; other rows save a model id of OpenRouter. Pure.
 * @module
 */

import { stripControlChars } from "../../colors.ts";
import type { JsonObject } from "../../json.ts";

const MAX_CHARS = 100;

/**
 * Explains a model id of OpenRouter that was saved in the user's settings during a run; null if there is none.
 * @param before the user's settings at the start
 * @param after those at the end
 */
export function describeSavedModel(before: JsonObject, after: JsonObject): string | null {
  const saved = readModel(after);
  const previous = readModel(before);
  if (saved === previous || !isOpenRouterName(saved)) return null;
  const original = previous === "" || isOpenRouterName(previous) ? "default" : previous;
  return `/model saved ${
    clean(saved)
  } as your default model. Claude Code without claudeproxy does ` +
    `not know it: before you use it, type /model ${clean(original)} there`;
}

function readModel(settings: JsonObject): string {
  const model = settings["model"];
  return typeof model === "string" ? model : "";
}

function isOpenRouterName(model: string): boolean {
  return model.includes("/") || model.startsWith("~");
}

function clean(model: string): string {
  return stripControlChars(model).slice(0, MAX_CHARS);
}
