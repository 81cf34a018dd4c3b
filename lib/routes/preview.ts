/**
 * The user's last words in a request, shown in the dashboard's list while bodies are captured.
 * @module
 */

import { isJsonObject } from "../json.ts";

/** Claude Code adds such texts to the user's turns. */
const NOT_WRITTEN_BY_USER = /^\s*<(system-reminder|command-|local-command-|task-notification)/;

/**
 * Finds the last text of a user turn: results of tools and reminders that the client adds are skipped, so that every
 * step of an agent shows the question it works on. "" if there is none.
 * @param body the request, not validated
 */
export function findLastWords(body: unknown): string {
  const messages = isJsonObject(body) ? body["messages"] : undefined;
  if (!Array.isArray(messages)) return "";
  for (let index = messages.length - 1; index >= 0; index--) {
    const text = isUserTurn(messages[index]) ? findText(messages[index].content) : undefined;
    if (text !== undefined) return text;
  }
  return "";
}

function isUserTurn(turn: unknown): turn is { content: unknown } {
  return isJsonObject(turn) && turn["role"] === "user";
}

function findText(content: unknown): string | undefined {
  if (typeof content === "string") return isWords(content) ? content : undefined;
  if (!Array.isArray(content)) return undefined;
  const block = content.findLast((one) =>
    isJsonObject(one) && one["type"] === "text" && isWords(one["text"])
  );
  return block?.text;
}

function isWords(text: unknown): text is string {
  return typeof text === "string" && text.trim() !== "" && !NOT_WRITTEN_BY_USER.test(text);
}
