/**
 * Parses the content of turns and of `system`, one function per block type. Blocks of unknown types are dropped and
 * reported.
 * @module
 */

import { isJsonObject } from "../json.ts";
import {
  INPUT_BLOCK_TYPES,
  parseCacheControl,
  parseContent,
  parseInputBlock,
  parseText,
} from "./parse_content.ts";
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
/** The key that Anthropic's documentation suggests for an input that is not an object. */
const INVALID_JSON = "INVALID_JSON";

/** Known types, which are an error where they are not allowed. Unknown types may be newer than this proxy. */
const KNOWN: ReadonlySet<string> = new Set([
  ...INPUT_BLOCK_TYPES,
  ...ASSISTANT,
  "tool_result",
  "tool_reference",
]);

/**
 * Texts for blocks without a counterpart upstream. Such a block may stay in the history of a session, so it is never
 * rejected, and its text keeps the session usable.
 */
const TEXTS: ReadonlyMap<unknown, (block: Field) => string | null> = new Map([
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

/** Parses the content of a user turn. @throws {ApiError} that names the path */
export function parseUserContent(content: Field): UserContent[] {
  const blocks = parseContent(content, parseUserBlock);
  if (blocks.length > 0) return blocks;
  const turnPath = content.path.replace(".content", "");
  throw invalidError(turnPath, "user messages must have non-empty content");
}

/** Parses the content of an assistant turn, which may be empty. @throws {ApiError} that names the path */
export function parseAssistantContent(content: Field): AssistantContent[] {
  return parseContent(content, parseAssistantBlock);
}

/** Parses the top-level `system`, which is text only. Absent is empty. @throws {ApiError} that names the path */
export function parseSystemText(content: Field): TextBlock[] {
  if (content.isMissing) return [];
  return parseContent(content, (block) => {
    block.asTag(["text"]);
    return parseText(block.as("text"));
  });
}

/**
 * Parses the content of a system turn: text, and references to deferred tools.
 * @throws {ApiError} that names the path
 */
export function parseSystemContent(content: Field): SystemContent[] {
  // A turn may consist of an `output_config` alone.
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

/** Only references to deferred tools have a counterpart upstream. */
function parseToolAddition(block: Field): ToolReferenceBlock | UnsupportedBlock {
  const tool = block.at("tool");
  if (tool.at("type").value !== "tool_reference") {
    tool.ignore();
    return dropBlock(block, "tool_addition");
  }
  return { type: "tool_reference", tool_name: tool.at("name").asNameInHistory() };
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
      return parseSearchResults(block.as("web_search_tool_result"));
    default:
      return parseUnsupportedBlock(block, ASSISTANT);
  }
}

/** The query of an earlier web search. Uses of other server tools have no counterpart upstream. */
function parseServerToolUse(block: Field): WebSearchBlock | UnsupportedBlock {
  if (block.at("name").value !== "web_search") return dropBlock(block, "server_tool_use");
  block.ignore("id");
  const query = block.at("input").at("query").value;
  return { type: "web_search", query: typeof query === "string" ? query : "" };
}

/** The pages that an earlier web search found; a failed search has an error instead of a list. */
function parseSearchResults(block: Field): WebSearchBlock {
  block.ignore("tool_use_id");
  const content = block.at("content");
  if (!Array.isArray(content.value)) return { type: "web_search", hits: [] };
  const hits = content.asList().map((hit): SearchHit => {
    // The text for the model has titles and links only.
    hit.ignore("type", "encrypted_content", "page_age");
    return { title: hit.at("title").asString(), url: hit.at("url").asString() };
  });
  return { type: "web_search", hits };
}

function parseThinkingBlock(block: Field): ThinkingBlock {
  return {
    type: "thinking",
    thinking: block.at("thinking").asString(),
    // Some clients do not keep signatures. Without one the block is not sent back.
    signature: block.optional("signature", (signature) => signature.asString()) ?? "",
  };
}

function parseToolUse(block: Field): ToolUseBlock {
  return {
    type: "tool_use",
    id: block.at("id").asNameInHistory(),
    name: block.at("name").asNameInHistory(),
    input: parseInput(block.at("input")),
    cache_control: parseCacheControl(block.at("cache_control")),
  };
}

/** Never rejects an input: a model wrote it, and it stays in the history of every later request. */
function parseInput({ value, isMissing }: Field): Record<string, unknown> {
  if (isMissing) return {};
  if (isJsonObject(value)) return value;
  return toInvalidInput(typeof value === "string" ? value : JSON.stringify(value));
}

/** The input of a tool call whose arguments are not a JSON object. */
export function toInvalidInput(text: string): Record<string, unknown> {
  return { [INVALID_JSON]: text };
}

function parseToolResult(block: Field): ToolResultBlock {
  return {
    type: "tool_result",
    tool_use_id: block.at("tool_use_id").asNameInHistory(),
    cache_control: parseCacheControl(block.at("cache_control")),
    content: block.optional("content", parseResultContent),
    is_error: block.optional("is_error", (isError) => isError.asBoolean()),
  };
}

function parseResultContent(content: Field): string | ToolResultContent[] {
  return typeof content.value === "string"
    ? content.value
    : parseContent(content, parseResultBlock);
}

function parseResultBlock(block: Field): ToolResultContent {
  const input = parseInputBlock(block);
  if (input !== null) return input;
  if (block.at("type").value !== "tool_reference") {
    return parseUnsupportedBlock(block, [...INPUT_BLOCK_TYPES, "tool_reference"]);
  }
  const name = block.as("tool_reference").at("tool_name").asNameInHistory();
  return { type: "tool_reference", tool_name: name };
}

/** A block of an unknown type is dropped, because the API grows and older proxies must not fail. */
function parseUnsupportedBlock(
  block: Field,
  expected: readonly string[],
): UnsupportedBlock | TextBlock {
  const type = block.at("type").value;
  if (typeof type !== "string" || KNOWN.has(type)) throw block.unknownTag(expected);
  const toText = TEXTS.get(type);
  if (toText === undefined) return dropBlock(block, type);
  const text = toText(block);
  return text === null
    ? { type: "unsupported", blockType: type }
    : { type: "text", text, cache_control: parseCacheControl(block.at("cache_control")) };
}

/** The translation reports the block by its type, so its fields are not reported as well. */
function dropBlock(block: Field, type: string): UnsupportedBlock {
  block.ignore();
  return { type: "unsupported", blockType: type };
}
