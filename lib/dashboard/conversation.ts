/**
 * Reads a conversation in Anthropic's format for display: turns of blocks. Lenient, because what a client or a model
 * sends may be anything. Pure.
 * @module
 */

import { isJsonObject } from "../json.ts";

/** A block as it is displayed. */
export type ViewBlock =
  | { type: "text"; text: string }
  | { type: "thinking"; text: string }
  | { type: "call"; name: string; id: string; input: unknown }
  | { type: "result"; id: string; isError: boolean; blocks: ViewBlock[] }
  | { type: "image"; url: string }
  | { type: "other"; name: string; value: unknown };

/** One turn. */
export interface Turn {
  role: string;
  blocks: ViewBlock[];
}

/** A conversation, without the fields that are only settings. */
export interface Conversation {
  system: ViewBlock[];
  tools: { name: string; tool: unknown }[];
  turns: Turn[];
}

/** Formats that browsers draw without running anything; SVG is not one of them. */
const IMAGE_TYPE = /^image\/(png|jpeg|gif|webp)$/;
const BASE64 = /^[a-z0-9+/=\s]+$/i;
/** Blocks inside of blocks; deeper ones are shown as JSON. */
const MAX_DEPTH = 3;

/** Reads a request. Null if it is not one. */
export function readConversation(body: unknown): Conversation | null {
  if (!isJsonObject(body) || !Array.isArray(body["messages"])) return null;
  const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
  return {
    system: readBlocks(body["system"]),
    tools: tools.map((tool) => ({ name: readToolName(tool), tool })),
    turns: body["messages"].map(readTurn),
  };
}

/** Reads one message, for example a response. */
export function readTurn(message: unknown): Turn {
  if (!isJsonObject(message)) {
    return { role: "unknown", blocks: [{ type: "other", name: "message", value: message }] };
  }
  return { role: toText(message["role"], "assistant"), blocks: readBlocks(message["content"]) };
}

function readToolName(tool: unknown): string {
  if (!isJsonObject(tool)) return "unknown";
  return toText(tool["name"], toText(tool["type"], "unknown"));
}

/** Reads content: a string or a list of blocks. */
function readBlocks(content: unknown, depth = 0): ViewBlock[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.map((block) => readBlock(block, depth));
}

function readBlock(block: unknown, depth: number): ViewBlock {
  if (!isJsonObject(block)) return { type: "other", name: "block", value: block };
  switch (block["type"]) {
    case "text":
      return { type: "text", text: toText(block["text"]) };
    case "thinking":
      return { type: "thinking", text: toText(block["thinking"]) };
    case "tool_use":
    case "server_tool_use": {
      const { name, id, input } = block;
      return { type: "call", name: toText(name, "unknown"), id: toText(id), input };
    }
    case "tool_result":
      if (depth >= MAX_DEPTH) break;
      return {
        type: "result",
        id: toText(block["tool_use_id"]),
        isError: block["is_error"] === true,
        blocks: readBlocks(block["content"], depth + 1),
      };
    case "image": {
      const url = readImage(block["source"]);
      if (url !== null) return { type: "image", url };
    }
  }
  return { type: "other", name: toText(block["type"], "block"), value: block };
}

/** A data URL; null for an image that would have to be loaded, or may be something else. */
function readImage(source: unknown): string | null {
  if (!isJsonObject(source) || source["type"] !== "base64") return null;
  const { media_type: type, data } = source;
  if (typeof type !== "string" || !IMAGE_TYPE.test(type)) return null;
  return typeof data === "string" && BASE64.test(data) ? `data:${type};base64,${data}` : null;
}

function toText(value: unknown, fallback = ""): string {
  return typeof value === "string" && value !== "" ? value : fallback;
}

/** Finds the name of each tool call, by its id. */
export function nameCalls(turns: readonly Turn[]): Map<string, string> {
  const calls = turns.flatMap(({ blocks }) => blocks).filter((block) => block.type === "call");
  return new Map(calls.map(({ id, name }) => [id, name]));
}
