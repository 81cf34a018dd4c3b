/**
 * Checking content: the blocks of a turn, with the path of what does not fit.
 * One function a block type; unknown and unsupported types are decided here, at the door.
 * @module
 */

import { isJsonObject } from "../json.ts";
import {
  cacheControlOf,
  INPUT_BLOCK_TYPES,
  parseContent,
  parseInputBlock,
  parseText,
} from "./parse_content.ts";
import { toInvalidInput } from "./invalid_input.ts";
import { type Field, invalidError } from "./field.ts";
import type {
  AssistantContent,
  SystemContent,
  TextBlock,
  ThinkingBlock,
  ToolReferenceBlock,
  ToolResultBlock,
  ToolResultContent,
  ToolUseBlock,
  UnsupportedBlock,
  UserContent,
} from "./types.ts";
import type { SearchHit, WebSearchBlock } from "./server_tools.ts";

const ASSISTANT = ["text", "tool_use", "thinking", "redacted_thinking"] as const;
/** Types with a place of their own: elsewhere they are a mistake, not news. */
const PLACED: ReadonlySet<string> = new Set([
  ...INPUT_BLOCK_TYPES,
  ...ASSISTANT,
  "tool_result",
  "tool_reference",
]);

/**
 * What a block says in words, where upstream has no place for it. A history may hold it for ever, so it is never
 * refused: without the words a session that began elsewhere could not go on.
 */
const WORDED: ReadonlyMap<unknown, (block: Field) => string | null> = new Map([
  ["compaction", (block: Field) => {
    const summary = block.at("content").value;
    return typeof summary === "string" && summary !== ""
      ? `Summary of the conversation so far:\n${summary}\n`
      : null;
  }],
  ["container_upload", () => "(a file in the container of Anthropic's code execution)"],
  ["browser_state", (block: Field) => {
    const { type: _, cache_control: __, ...state } = block.asObject();
    return `Browser state: ${JSON.stringify(state)}`;
  }],
]);

/** Content of a user turn. @throws {ApiError} that names the path */
export function parseUserContent(content: Field): UserContent[] {
  const blocks = parseContent(content, parseUserBlock);
  if (blocks.length > 0) return blocks;
  const turnPath = content.path.replace(/\.content$/, "");
  throw invalidError(turnPath, "user messages must have non-empty content");
}

/** Content of an assistant turn; may be empty. @throws {ApiError} that names the path */
export function parseAssistantContent(content: Field): AssistantContent[] {
  return parseContent(content, parseAssistantBlock);
}

/** Top-level `system`: text only. Absent is empty. @throws {ApiError} that names the path */
export function parseSystemText(content: Field): TextBlock[] {
  if (content.isMissing) return [];
  return parseContent(content, (block) => {
    block.asTag(["text"]);
    return parseText(block.as("text"));
  });
}

/** Content of a system turn: text, and tools that become known. @throws {ApiError} that names the path */
export function parseSystemContent(content: Field): SystemContent[] {
  // A turn may consist of an `output_config` alone, which is a hint and not content.
  if (content.isMissing) return [];
  return parseContent(content, (block) => {
    switch (block.at("type").value) {
      case "text":
        return parseText(block.as("text"));
      case "tool_addition":
        return parseToolAddition(block);
      default:
        return parseUnsupportedBlock(block, ["text", "tool_addition"]);
    }
  });
}

/** A reference to a deferred tool makes it known; other additions have nothing to stand for them upstream. */
function parseToolAddition(block: Field): ToolReferenceBlock | UnsupportedBlock {
  const tool = block.at("tool");
  if (tool.at("type").value !== "tool_reference") {
    return { type: "foreign", foreign: "tool_addition" };
  }
  return { type: "tool_reference", tool_name: tool.at("name").asOldName() };
}

function parseUserBlock(block: Field): UserContent {
  if (block.at("type").value === "tool_result") return parseToolResult(block.as("tool_result"));
  return parseInputBlock(block) ??
    parseUnsupportedBlock(block, [...INPUT_BLOCK_TYPES, "tool_result"]);
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
    case "server_tool_use":
      return parseServerToolUse(block);
    case "web_search_tool_result":
      return parseSearchAnswer(block.as("web_search_tool_result"));
    default:
      return parseUnsupportedBlock(block, ASSISTANT);
  }
}

/** A search of an earlier answer: what was looked for. Uses of other server tools have no counterpart. */
function parseServerToolUse(block: Field): WebSearchBlock | UnsupportedBlock {
  if (block.at("name").value !== "web_search") {
    return { type: "foreign", foreign: "server_tool_use" };
  }
  const query = block.at("input").at("query").value;
  return { type: "web_search", query: typeof query === "string" ? query : "" };
}

/** What a search of an earlier answer found; a search that failed found nothing. */
function parseSearchAnswer(block: Field): WebSearchBlock {
  const content = block.at("content");
  if (!Array.isArray(content.value)) return { type: "web_search", hits: [] };
  const hits = content.asList().map((hit): SearchHit => ({
    title: hit.at("title").asString(),
    url: hit.at("url").asString(),
  }));
  return { type: "web_search", hits };
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

function parseToolUse(block: Field): ToolUseBlock {
  return {
    type: "tool_use",
    id: block.at("id").asOldName(),
    name: block.at("name").asOldName(),
    input: readInput(block.at("input")),
    ...cacheControlOf(block),
  };
}

/** Never refused: what a model once wrote stays in the history, and would refuse every later request. */
function readInput({ value, isMissing }: Field): Record<string, unknown> {
  if (isMissing) return {};
  if (isJsonObject(value)) return value;
  return toInvalidInput(typeof value === "string" ? value : JSON.stringify(value));
}

function parseToolResult(block: Field): ToolResultBlock {
  const result: ToolResultBlock = {
    type: "tool_result",
    tool_use_id: block.at("tool_use_id").asOldName(),
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
  const shown = parseInputBlock(block);
  if (shown !== null) return shown;
  if (block.at("type").value !== "tool_reference") {
    return parseUnsupportedBlock(block, [...INPUT_BLOCK_TYPES, "tool_reference"]);
  }
  const name = block.as("tool_reference").at("tool_name").asOldName();
  return { type: "tool_reference", tool_name: name };
}

/** A block nobody here knows: it is left out and named, because the API grows and clients are not to fail. */
function parseUnsupportedBlock(
  block: Field,
  expected: readonly string[],
): UnsupportedBlock | TextBlock {
  const type = block.at("type").value;
  if (typeof type !== "string" || PLACED.has(type)) throw block.unknownTag(expected);
  const text = WORDED.get(type)?.(block) ?? null;
  return text === null
    ? { type: "foreign", foreign: type }
    : { type: "text", text, ...cacheControlOf(block) };
}
