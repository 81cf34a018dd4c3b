/**
 * Finds content of a request that is missing from the translated request: text, tool inputs and results, images.
 * @module
 */

import { isJsonObject, type JsonObject, toText } from "../../lib/json.ts";

/** A piece of a request that must be sent upstream. */
interface Piece {
  path: string;
  text: string;
  /** Its names in `x-proxy-dropped` besides the path: types of the enclosing blocks, type and name of a tool. */
  names: readonly string[];
}

/** Blocks of Anthropic's own tools, and of the model's reasoning. */
const NOT_TEXT = new Set([
  "thinking",
  "redacted_thinking",
  "server_tool_use",
  "web_search_tool_result",
]);

/** The paths of all pieces that were neither sent nor reported as dropped. */
export function findLostTexts(
  request: JsonObject,
  sent: JsonObject,
  dropped: readonly string[],
): string[] {
  const sentText = listStrings(sent).join("\0");
  return listPieces(request)
    .filter(({ text }) => text.trim() !== "" && !isBilling(text))
    .filter(({ text }) => !sentText.includes(text) && !sentText.includes(text.trim()))
    .filter((piece) => !dropped.some((name) => isReported(piece, name)))
    .map(({ path, text }) => `${path} "${text.slice(0, 40)}"`);
}

/** Dropped fields are reported by path, unsupported blocks by type. */
function isReported({ path, names }: Piece, name: string): boolean {
  const isPath = path === name || path.startsWith(`${name}.`) || name.startsWith(`${path}.`);
  return isPath || name.split(".").some((word) => names.includes(word));
}

/** Claude Code's billing header changes with each request and is only for Anthropic. */
function isBilling(text: string): boolean {
  return text.startsWith("x-anthropic-billing-header");
}

function listPieces(request: JsonObject): Piece[] {
  const messages = listObjects(request["messages"]);
  const all = listObjects(request["tools"]);
  // Deferred tools are sent once the client's own tool search has found them, or if the search is Anthropic's.
  const hasServerSearch = all.some(({ type }) => toText(type).startsWith("tool_search_"));
  const tools = all.filter((tool) => hasServerSearch || tool["defer_loading"] !== true);
  return [
    ...listContent(request["system"], "system"),
    ...messages.flatMap((message, i) => listContent(message["content"], `messages.${i}.content`)),
    ...tools.flatMap((tool, i) =>
      ["name", "description"].map((key) => ({
        path: `tools.${i}`,
        text: toText(tool[key]),
        names: [toText(tool["type"]), toText(tool["name"])],
      }))
    ),
  ];
}

function listContent(content: unknown, path: string, names: readonly string[] = []): Piece[] {
  if (typeof content === "string") return [{ path, text: content, names }];
  return listObjects(content).flatMap((block, i) => listBlock(block, `${path}.${i}`, names));
}

function listBlock(block: JsonObject, path: string, outerNames: readonly string[]): Piece[] {
  const type = toText(block["type"]);
  if (NOT_TEXT.has(type)) return [];
  const names = type === "text" ? outerNames : [...outerNames, type];
  const source = isJsonObject(block["source"]) ? block["source"] : {};
  const texts = [block["text"], block["name"], block["title"], block["context"], source["data"]];
  if (type === "image" || type === "document") texts.push(source["url"]);
  return [
    ...[...texts, ...listStrings(block["input"])]
      .map((text) => ({ path, text: toText(text), names })),
    ...listContent(block["content"], `${path}.content`, names),
    ...listContent(source["content"], `${path}.source.content`, names),
  ];
}

/** All strings of a JSON value; JSON objects in strings are searched as text and parsed. */
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
