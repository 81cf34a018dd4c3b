/**
 * What a client wrote, and whether it went upstream: every text, every input and result of a tool, every image.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../lib/json.ts";

/** A piece of a request that must arrive, by its path. */
interface Piece {
  path: string;
  text: string;
  /** The words for it in `x-proxy-dropped`: types of the blocks around it, type and name of a tool. */
  words: readonly string[];
}

/** Blocks whose content belongs to Anthropic's own tools or to the model that made them. */
const NOT_TEXT = new Set([
  "thinking",
  "redacted_thinking",
  "server_tool_use",
  "web_search_tool_result",
]);

/** The paths of all that was neither sent nor named as dropped. */
export function findLostTexts(
  request: JsonObject,
  sent: JsonObject,
  dropped: readonly string[],
): string[] {
  const haystack = listStrings(sent).join("\0");
  return listPieces(request)
    .filter(({ text }) => text.trim() !== "" && !isBilling(text))
    .filter(({ text }) => !haystack.includes(text) && !haystack.includes(text.trim()))
    .filter((piece) => !dropped.some((name) => isNamed(piece, name)))
    .map(({ path, text }) => `${path} "${text.slice(0, 40)}"`);
}

/** Fields are named by their path, blocks of a kind that cannot be sent by their type. */
function isNamed({ path, words }: Piece, name: string): boolean {
  const isPath = path === name || path.startsWith(`${name}.`) || name.startsWith(`${path}.`);
  return isPath || name.split(".").some((word) => words.includes(word));
}

/** Claude Code's line for Anthropic's accounting changes with each request and is meant for nobody else. */
function isBilling(text: string): boolean {
  return text.startsWith("x-anthropic-billing-header");
}

function listPieces(request: JsonObject): Piece[] {
  const messages = listObjects(request["messages"]);
  const all = listObjects(request["tools"]);
  // A deferred tool waits until the client's own search has found it; Anthropic's search is not the client's.
  const hasServerSearch = all.some(({ type }) => toText(type).startsWith("tool_search_"));
  const tools = all.filter((tool) => hasServerSearch || tool["defer_loading"] !== true);
  return [
    ...listContent(request["system"], "system"),
    ...messages.flatMap((message, i) => listContent(message["content"], `messages.${i}.content`)),
    ...tools.flatMap((tool, i) =>
      ["name", "description"].map((key) => ({
        path: `tools.${i}`,
        text: toText(tool[key]),
        words: [toText(tool["type"]), toText(tool["name"])],
      }))
    ),
  ];
}

function listContent(content: unknown, path: string, words: readonly string[] = []): Piece[] {
  if (typeof content === "string") return [{ path, text: content, words }];
  return listObjects(content).flatMap((block, i) => listBlock(block, `${path}.${i}`, words));
}

function listBlock(block: JsonObject, path: string, around: readonly string[]): Piece[] {
  const type = toText(block["type"]);
  if (NOT_TEXT.has(type)) return [];
  const words = type === "text" ? around : [...around, type];
  const source = isJsonObject(block["source"]) ? block["source"] : {};
  const texts = [block["text"], block["name"], block["title"], block["context"], source["data"]];
  if (type === "image" || type === "document") texts.push(source["url"]);
  return [
    ...[...texts, ...listStrings(block["input"])]
      .map((text) => ({ path, text: toText(text), words })),
    ...listContent(block["content"], `${path}.content`, words),
    ...listContent(source["content"], `${path}.source.content`, words),
  ];
}

/** All strings of a JSON value; what is JSON within a string is searched as it was written and as it reads. */
function listStrings(value: unknown): string[] {
  if (typeof value === "string") return [value, ...listNested(value)];
  if (Array.isArray(value)) return value.flatMap(listStrings);
  return isJsonObject(value) ? Object.values(value).flatMap(listStrings) : [];
}

function listNested(text: string): string[] {
  if (!text.startsWith("{")) return [];
  try {
    return listStrings(JSON.parse(text));
  } catch {
    return [];
  }
}

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
