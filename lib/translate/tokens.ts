/**
 * Estimates the input tokens of a request. Linear in the text; of an image only the header is read.
 * @module
 */

import type * as anthropic from "../anthropic/types.ts";
import { clearThinking } from "./request/clear_thinking.ts";
import { estimateImageTokens } from "./image_tokens.ts";
import { visibleTools } from "./request/tools.ts";
import { CHARS_PER_TOKEN } from "./token_calibration.ts";
import { describeSearch } from "./web_search.ts";

/** Role and separators around each turn and tool. */
const TOKENS_PER_ITEM = 4;
/** Anthropic's PDF guide: 1,500 to 3,000 tokens per page. */
const TOKENS_PER_PAGE = 2250;
/** Base64 of about 75 KB: text pages are smaller, scanned ones larger. */
const CHARS_PER_PAGE = 100_000;

/** Estimated input tokens of a request, at least 1. */
export function estimateInputTokens(request: anthropic.MessagesRequest): number {
  let tokens = countText(request.system);
  const messages = request.thinking_turns === undefined
    ? request.messages
    : clearThinking(request.messages, request.thinking_turns).messages;
  for (const turn of messages) tokens += TOKENS_PER_ITEM + countContent(turn.content);
  for (const tool of visibleTools(request)) {
    const length = tool.name.length + (tool.description?.length ?? 0) +
      JSON.stringify(tool.input_schema).length;
    tokens += TOKENS_PER_ITEM + length / CHARS_PER_TOKEN;
  }
  return Math.max(1, Math.ceil(tokens));
}

/** Tokens of a PDF by its size: counting its pages would mean parsing it. @param data base64 */
export function estimateFileTokens(data: string): number {
  return TOKENS_PER_PAGE * Math.max(1, Math.round(data.length / CHARS_PER_PAGE));
}

function countDocument({ source }: anthropic.DocumentBlock): number {
  switch (source.type) {
    case "text":
      return source.data.length / CHARS_PER_TOKEN;
    case "content":
      return countContent(source.content);
    case "url":
      return TOKENS_PER_PAGE;
    case "base64":
      return estimateFileTokens(source.data);
    default:
      return source satisfies never;
  }
}

function countText(blocks: readonly anthropic.TextBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.text.length, 0) / CHARS_PER_TOKEN;
}

type AnyContent =
  | anthropic.UserContent
  | anthropic.AssistantContent
  | anthropic.SystemContent
  | anthropic.ToolResultContent;

function countContent(blocks: readonly AnyContent[]): number {
  return blocks.reduce((sum, block) => sum + countBlock(block), 0);
}

function countBlock(block: AnyContent): number {
  switch (block.type) {
    case "text":
      return block.text.length / CHARS_PER_TOKEN;
    case "image":
      return estimateImageTokens(block.source);
    case "tool_use":
      return (block.name.length + JSON.stringify(block.input).length) / CHARS_PER_TOKEN;
    case "tool_result":
      return typeof block.content === "string"
        ? block.content.length / CHARS_PER_TOKEN
        : countContent(block.content ?? []);
    case "thinking":
      return block.thinking.length / CHARS_PER_TOKEN;
    case "tool_reference":
      return block.tool_name.length / CHARS_PER_TOKEN;
    case "document":
      return countDocument(block);
    case "search_result":
      return block.title.length / CHARS_PER_TOKEN + countContent(block.content);
    case "web_search":
      return describeSearch(block).text.length / CHARS_PER_TOKEN;
    case "redacted_thinking":
    case "unsupported":
      return 0;
    default:
      return block satisfies never;
  }
}
