/**
 * Checking content: the blocks of a turn, with the path of what does not fit.
 * One function a block type; unknown and unsupported types are decided here, at the door.
 * @module
 */

import { type Field, invalid } from "./reader.ts";
import type {
  AssistantContent,
  CacheControl,
  ForeignBlock,
  ImageBlock,
  ImageSource,
  TextBlock,
  ThinkingBlock,
  ToolResultBlock,
  ToolResultContent,
  ToolUseBlock,
  UserContent,
} from "./types.ts";

const IMAGE_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"] as const;

/** Blocks that answers with server tools leave in history. They are left out upstream, and named. */
const SERVER_BLOCKS: ReadonlySet<string> = new Set([
  "server_tool_use",
  "web_search_tool_result",
  "web_fetch_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "tool_search_tool_result",
  "mcp_tool_use",
  "mcp_tool_result",
  "mcp_tool_listing",
  "advisor_tool_result",
  "fallback",
]);

/** Blocks whose absence would change the question. They are refused by name until they can be sent. */
const REFUSED_BLOCKS: ReadonlySet<string> = new Set([
  "document",
  "search_result",
  "container_upload",
  "compaction",
  "browser_state",
]);

/** Content of a user turn. @throws {ApiError} that names the path */
export function parseUserContent(content: Field): UserContent[] {
  const blocks = parseContent(content, parseUserBlock);
  if (blocks.length > 0) return blocks;
  const turnPath = content.path.replace(/\.content$/, "");
  throw invalid(turnPath, "user messages must have non-empty content");
}

/** Content of an assistant turn; may be empty. @throws {ApiError} that names the path */
export function parseAssistantContent(content: Field): AssistantContent[] {
  return parseContent(content, parseAssistantBlock);
}

/** `system`, top level or as a turn: text only. Absent is empty. @throws {ApiError} that names the path */
export function parseSystemText(content: Field): TextBlock[] {
  if (content.isMissing) return [];
  return parseContent(content, (block) => {
    if (block.at("type").value === "text") return parseText(block.as("text"));
    throw block.unknownTag(["text"]);
  });
}

/** A cache breakpoint; null and absent are none. @throws {ApiError} that names the path */
export function parseCacheControl(field: Field): CacheControl | undefined {
  if (field.isMissing) return undefined;
  field.asObject();
  field.at("type").asOneOf(["ephemeral"]);
  const ttl = field.at("ttl");
  return ttl.isMissing ? { type: "ephemeral" } : {
    type: "ephemeral",
    ttl: ttl.asOneOf(["5m", "1h"]),
  };
}

/** String content is one text block; empty text carries nothing and upstream refuses it. */
function parseContent<T extends { type: string }>(
  content: Field,
  parseBlock: (block: Field) => T,
): (T | TextBlock)[] {
  if (typeof content.value === "string") {
    return content.value === "" ? [] : [{ type: "text", text: content.value }];
  }
  const blocks = content.asList().map((field) => {
    field.asObject();
    return parseBlock(field);
  });
  return blocks.filter((block) => !isEmptyText(block));
}

function isEmptyText(block: { type: string; text?: unknown }): boolean {
  return block.type === "text" && block.text === "";
}

function parseUserBlock(block: Field): UserContent {
  switch (block.at("type").value) {
    case "text":
      return parseText(block.as("text"));
    case "image":
      return parseImage(block.as("image"));
    case "tool_result":
      return parseToolResult(block.as("tool_result"));
    default:
      return parseForeign(block, ["text", "image", "tool_result"]);
  }
}

function parseAssistantBlock(block: Field): AssistantContent {
  switch (block.at("type").value) {
    case "text":
      return parseText(block.as("text"));
    case "tool_use":
      return parseToolUse(block.as("tool_use"));
    case "thinking":
      return parseThinkingBlock(block.as("thinking"));
    case "redacted_thinking":
      return {
        type: "redacted_thinking",
        data: block.as("redacted_thinking").at("data").asString(),
      };
    default:
      return parseForeign(block, ["text", "tool_use", "thinking", "redacted_thinking"]);
  }
}

function parseThinkingBlock(block: Field): ThinkingBlock {
  const signature = block.at("signature");
  return {
    type: "thinking",
    thinking: block.at("thinking").asString(),
    // Clients that know no signatures leave it out; without one the block is not replayed.
    signature: signature.isMissing ? "" : signature.asString(),
  };
}

function parseText(block: Field): TextBlock {
  return { type: "text", text: block.at("text").asString(), ...cacheControlOf(block) };
}

function parseImage(block: Field): ImageBlock {
  return { type: "image", source: parseImageSource(block.at("source")), ...cacheControlOf(block) };
}

function parseImageSource(source: Field): ImageSource {
  source.asObject();
  switch (source.at("type").value) {
    case "base64":
      return {
        type: "base64",
        media_type: source.as("base64").at("media_type").asOneOf(IMAGE_TYPES),
        data: source.as("base64").at("data").asText(),
      };
    case "url":
      return { type: "url", url: parseImageUrl(source.as("url").at("url")) };
    case "file":
      throw invalid(source.path, "file sources are not supported; send base64 or a url");
    default:
      throw source.unknownTag(["base64", "url"]);
  }
}

/** Upstream fetches it; what it cannot fetch is refused here, where the path is known. */
function parseImageUrl(field: Field): string {
  const url = field.asText();
  if (/^(https?|data):\S+$/i.test(url) && URL.canParse(url)) return url;
  throw invalid(field.path, "Input should be a valid URL");
}

function parseToolUse(block: Field): ToolUseBlock {
  const input = block.at("input");
  return {
    type: "tool_use",
    id: block.at("id").asText(),
    name: block.at("name").asText(),
    input: input.isMissing ? {} : input.asObject(),
    ...cacheControlOf(block),
  };
}

function parseToolResult(block: Field): ToolResultBlock {
  const result: ToolResultBlock = {
    type: "tool_result",
    tool_use_id: block.at("tool_use_id").asText(),
    ...cacheControlOf(block),
  };
  const content = block.at("content");
  if (typeof content.value === "string") result.content = content.value;
  else if (!content.isMissing) result.content = parseContent(content, parseResultBlock);
  const isError = block.at("is_error");
  if (!isError.isMissing) result.is_error = isError.asBoolean();
  return result;
}

function parseResultBlock(block: Field): ToolResultContent {
  switch (block.at("type").value) {
    case "text":
      return parseText(block.as("text"));
    case "image":
      return parseImage(block.as("image"));
    case "tool_reference":
      return {
        type: "tool_reference",
        tool_name: block.as("tool_reference").at("tool_name").asText(),
      };
    default:
      return parseForeign(block, ["text", "image", "tool_reference"]);
  }
}

function parseForeign(block: Field, expected: readonly string[]): ForeignBlock {
  const type = block.at("type").value;
  if (typeof type !== "string") throw block.unknownTag(expected);
  if (SERVER_BLOCKS.has(type)) return { type: "foreign", foreign: type };
  if (REFUSED_BLOCKS.has(type)) {
    throw invalid(block.path, `'${type}' blocks are not supported by this proxy`);
  }
  throw block.unknownTag(expected);
}

/** A block's breakpoint, ready to be spread into it. */
function cacheControlOf(block: Field): { cache_control?: CacheControl } {
  const cacheControl = parseCacheControl(block.at("cache_control"));
  return cacheControl === undefined ? {} : { cache_control: cacheControl };
}
