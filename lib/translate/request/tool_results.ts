/**
 * Tool results → `tool` messages. Pure.
 * Upstream takes text there; images and files follow in a user message after all sibling results.
 * @module
 */

import type * as anthropic from "../../anthropic/types.ts";
import type * as openrouter from "../../openrouter/types.ts";
import {
  type FileDocument,
  flattenDocument,
  flattenSearchResult,
  isFile,
  SEPARATORS,
  translateInputBlock,
  translateParts,
} from "./content_parts.ts";
import type { ToolNames } from "../tool_names.ts";

/** An empty tool message makes some models stop; Anthropic's clients send empty results. */
const EMPTY = "(no output)";
/** A history cut or compacted by the client may have lost a result; upstream refuses a call without one. */
const MISSING = "(no result: the tool was not run)";

/** What cannot stand in a tool message. */
type Attachment = anthropic.ImageBlock | FileDocument;

/** A result in upstream's form. */
export interface TranslatedResult {
  message: Extract<openrouter.ChatMessage, { role: "tool" }>;
  /** Parts that cannot stand in a tool message, labelled with the call they belong to. */
  follow: openrouter.ContentPart[];
}

/** What results are translated with. */
export interface ResultOptions {
  names: ToolNames;
  /** Collects the names of what was left out. */
  dropped: Set<string>;
}

/** The answer to one call; a missing result is made up and says so. */
export function translateResult(
  { result, upstreamId: callId }: { result?: anthropic.ToolResultBlock; upstreamId: string },
  options: ResultOptions,
): TranslatedResult {
  if (result === undefined) return { message: toMessage(callId, MISSING), follow: [] };
  const { texts, attachments } = split(result, options);
  const follow: openrouter.ContentPart[] = attachments.length === 0 ? [] : [
    { type: "text", text: `${nounOf(attachments)}s from the result of tool call ${callId}:` },
    ...attachments.flatMap(translateInputBlock),
  ];
  const marked = markError(fill(texts, attachments), result.is_error === true);
  return { message: toMessage(callId, toContent(marked, result.cache_control)), follow };
}

/** A result whose call is not in the history (compacted away) → plain content of the same user turn. */
export function translateUnmatchedResult(
  result: anthropic.ToolResultBlock,
  options: ResultOptions,
): anthropic.UserContent[] {
  const { texts, attachments } = split(result, options);
  const marked = markError(fill(texts, attachments), result.is_error === true);
  const words = marked.map((block) => block.text).join("\n");
  const text: anthropic.TextBlock = {
    type: "text",
    text: `Result of an earlier tool call (${result.tool_use_id}):\n${words}`,
  };
  if (result.cache_control) text.cache_control = result.cache_control;
  return [text, ...attachments];
}

/** Upstream's tool messages take text; images and files go elsewhere, and what has no counterpart is named. */
function split(
  { content = [] }: anthropic.ToolResultBlock,
  { names, dropped }: ResultOptions,
): { texts: anthropic.TextBlock[]; attachments: Attachment[] } {
  const texts: anthropic.TextBlock[] = [];
  const attachments: Attachment[] = [];
  const blocks = typeof content === "string" ? [toText(content)] : content;
  for (const block of blocks) {
    switch (block.type) {
      case "text":
        if (block.text !== "") texts.push(block);
        break;
      case "image":
        attachments.push(block);
        break;
      case "document":
        if (isFile(block)) attachments.push(block);
        else {
          for (const part of flattenDocument(block)) {
            if (part.type === "text") texts.push(part);
            else attachments.push(part);
          }
        }
        break;
      case "search_result":
        texts.push(flattenSearchResult(block));
        break;
      case "tool_reference":
        // What a client's tool search found: as text the model still learns the name.
        texts.push(toText(`Tool available: ${names.toUpstream(block.tool_name)}`));
        break;
      case "foreign":
        dropped.add(block.foreign);
        break;
      default:
        block satisfies never;
    }
  }
  return { texts, attachments };
}

function nounOf(attachments: readonly Attachment[]): "Image" | "File" {
  return attachments.every((one) => one.type === "image") ? "Image" : "File";
}

function toText(text: string): anthropic.TextBlock {
  return { type: "text", text };
}

function fill(texts: anthropic.TextBlock[], attachments: Attachment[]): anthropic.TextBlock[] {
  if (texts.length > 0) return texts;
  if (attachments.length === 0) return [toText(EMPTY)];
  return [toText(`(${nounOf(attachments).toLowerCase()} in the next message)`)];
}

/** `is_error` has no field upstream, so the model reads it in the text. */
function markError(texts: anthropic.TextBlock[], isError: boolean): anthropic.TextBlock[] {
  const [first, ...rest] = texts;
  if (!isError || first === undefined || /^\W{0,20}(tool_use_)?error/i.test(first.text)) {
    return texts;
  }
  return [{ ...first, text: `Error: ${first.text}` }, ...rest];
}

/** One string, unless a cache breakpoint needs a part to stand on. */
function toContent(
  texts: anthropic.TextBlock[],
  cacheControl: anthropic.CacheControl | null | undefined,
): string | openrouter.TextPart[] {
  const parts = translateParts(texts);
  const last = parts.at(-1);
  if (cacheControl && last !== undefined) last.cache_control = cacheControl;
  if (parts.some((part) => part.cache_control)) return parts;
  return parts.map((part) => part.text).join(SEPARATORS.tool);
}

function toMessage(
  callId: string,
  content: string | openrouter.TextPart[],
): TranslatedResult["message"] {
  return { role: "tool", tool_call_id: callId, content };
}
