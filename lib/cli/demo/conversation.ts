/**
 * Reads the conversation of a chat request: what the user wrote and sent, as opposed to what a client added. Pure.
 * @module
 */

import { GUARD_PROMPT, GUARD_STOP, SIDE_PROMPTS } from "../../anthropic/request_kind.ts";
import { isJsonObject, type JsonObject, toText } from "../../json.ts";
import { readImageSize } from "../../translate/image_tokens.ts";

/** What the simulated model has to react to. */
export interface Conversation {
  /** The number of messages of user, model and tools. */
  turns: number;
  /** The user's last words, without the texts that Claude Code adds. */
  words: string;
  /** The images next to these words, described. */
  images: string[];
  /** The result of the last tool call; null if the user has the last word. */
  result: string | null;
  /** Claude Code wants a text although it offers tools: a compaction, or a side question. */
  isTextOnly: boolean;
  /** What auto mode's check of an action expects; null in all other requests. */
  verdict: "block" | "severity" | null;
}

const REMINDER_START = "<system-reminder>";
const REMINDER_END = "</system-reminder>";
/** Claude Code writes where it keeps a pasted image. */
const IMAGE_NOTE = /\[Image: source: [^\]]*\]/g;
const MIME = /^data:image\/([\w.+-]+)[;,]/;

/** @param body a chat request with a list of messages */
export function readConversation(body: JsonObject): Conversation {
  const messages = Array.isArray(body["messages"]) ? body["messages"].filter(isJsonObject) : [];
  // Claude Code adds system messages behind the user's.
  const turns = messages.filter((message) => message["role"] !== "system");
  const last = turns.findLast((message) => message["role"] === "user");
  const texts = listTexts(last);
  return {
    turns: turns.length,
    words: texts.map(removeAdditions).filter(Boolean).join("\n"),
    images: listParts(last).flatMap(describeImage),
    result: findResult(turns),
    isTextOnly: texts.some((text) => SIDE_PROMPTS.some((prompt) => text.startsWith(prompt))),
    verdict: findVerdict(body, messages),
  };
}

/** All text of a message, joined by line breaks. */
export function readText(message: JsonObject | undefined): string {
  return listTexts(message).filter(Boolean).join("\n");
}

function listTexts(message: JsonObject | undefined): string[] {
  const content = message?.["content"];
  if (typeof content === "string") return [content];
  return listParts(message).map((part) => toText(part["text"]));
}

function listParts(message: JsonObject | undefined): JsonObject[] {
  const content = message?.["content"];
  return Array.isArray(content) ? content.filter(isJsonObject) : [];
}

function removeAdditions(text: string): string {
  return removeReminders(text).replace(IMAGE_NOTE, "").trim();
}

/** Also one that is not closed: then all of the text is the client's. */
function removeReminders(text: string): string {
  let rest = "";
  let at = 0;
  for (;;) {
    const start = text.indexOf(REMINDER_START, at);
    if (start === -1) return (rest + text.slice(at)).trim();
    rest += text.slice(at, start);
    const end = text.indexOf(REMINDER_END, start);
    if (end === -1) return rest.trim();
    at = end + REMINDER_END.length;
  }
}

/** `PNG image of 40 × 30 pixels`: proof that the image has arrived whole. */
function describeImage(part: JsonObject): string[] {
  const image = part["image_url"];
  if (part["type"] !== "image_url" || !isJsonObject(image)) return [];
  const url = toText(image["url"]);
  const type = MIME.exec(url)?.[1];
  if (type === undefined) return ["image at an address, which I cannot open"];
  const size = readImageSize({ type: "base64", media_type: `image/${type}`, data: url });
  const shown = size === null ? "of unknown size" : `of ${size.width} × ${size.height} pixels`;
  return [`${type.toUpperCase()} image ${shown}`];
}

/** Even if text of the user follows the result. */
function findResult(turns: readonly JsonObject[]): string | null {
  const last = turns.findLast((message) => message["role"] !== "user");
  return last?.["role"] === "tool" ? readText(last) : null;
}

function findVerdict(body: JsonObject, messages: readonly JsonObject[]): Conversation["verdict"] {
  if (Array.isArray(body["tools"]) && body["tools"].length > 0) return null;
  const stops = Array.isArray(body["stop"]) ? body["stop"] : [];
  const system = messages.filter((message) => message["role"] === "system").flatMap(listTexts);
  const isGuard = stops.includes(GUARD_STOP) ||
    system.some((text) => text.startsWith(GUARD_PROMPT));
  if (!isGuard) return null;
  return messages.some((message) => readText(message).includes("<severity>"))
    ? "severity"
    : "block";
}
