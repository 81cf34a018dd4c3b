/**
 * Translates tool results to `tool` messages. Upstream accepts only text there; images and files follow in a user
 * message after the results of all calls of the turn.
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
import type { TranslationContext } from "./context.ts";

/** An empty tool message makes some models stop; Anthropic's clients send empty results. */
const EMPTY = "(no output)";
/** A client that cut or compacted its history may have lost a result; upstream rejects a call without one. */
const MISSING = "(no result: the tool was not run)";

/** A block that a tool message cannot contain. */
type Attachment = anthropic.ImageBlock | FileDocument;

/** A result as chat messages. */
export interface TranslatedResult {
  message: Extract<openrouter.ChatMessage, { role: "tool" }>;
  /** Images and files of the result, after a text that names its call. */
  attached: openrouter.ContentPart[];
}

/** The result of a call; a placeholder if the history has none. */
export function translateResult(
  { result, upstreamId: callId }: { result?: anthropic.ToolResultBlock; upstreamId: string },
  context: TranslationContext,
): TranslatedResult {
  if (result === undefined) return { message: toMessage(callId, MISSING), attached: [] };
  const { texts, attachments } = splitResult(result, context);
  const attached: openrouter.ContentPart[] = attachments.length === 0 ? [] : [
    { type: "text", text: `${nounFor(attachments)}s from the result of tool call ${callId}:` },
    ...attachments.flatMap(translateInputBlock),
  ];
  return { message: toMessage(callId, toContent(texts, result.cache_control)), attached };
}

/** A result whose call is not in the history (compacted away) → plain content of the same user turn. */
export function translateUnmatchedResult(
  result: anthropic.ToolResultBlock,
  context: TranslationContext,
): anthropic.UserContent[] {
  const { texts, attachments } = splitResult(result, context);
  const output = texts.map((block) => block.text).join("\n");
  return [{
    type: "text",
    text: `Result of an earlier tool call (${result.tool_use_id}):\n${output}`,
    cache_control: result.cache_control,
  }, ...attachments];
}

/** The texts of a result, at least one, and its attachments. */
function splitResult(
  { content = [], is_error }: anthropic.ToolResultBlock,
  { names, dropped }: TranslationContext,
): { texts: anthropic.TextBlock[]; attachments: Attachment[] } {
  const texts: anthropic.TextBlock[] = [];
  const attachments: Attachment[] = [];
  const blocks = typeof content === "string" ? [toTextBlock(content)] : content;
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
        // Found by the client's tool search: as text, the model still learns the name.
        texts.push(toTextBlock(`Tool available: ${names.toUpstream(block.tool_name)}`));
        break;
      case "unsupported":
        dropped.add(block.blockType);
        break;
      default:
        block satisfies never;
    }
  }
  if (texts.length === 0) texts.push(toTextBlock(describeEmpty(attachments)));
  return { texts: is_error ? markError(texts) : texts, attachments };
}

function nounFor(attachments: readonly Attachment[]): "Image" | "File" {
  return attachments.every((one) => one.type === "image") ? "Image" : "File";
}

function toTextBlock(text: string): anthropic.TextBlock {
  return { type: "text", text };
}

function describeEmpty(attachments: Attachment[]): string {
  if (attachments.length === 0) return EMPTY;
  return `(${nounFor(attachments).toLowerCase()} in the next message)`;
}

/** `is_error` has no field upstream, so the text says it. */
function markError(texts: anthropic.TextBlock[]): anthropic.TextBlock[] {
  const [first, ...rest] = texts;
  if (first === undefined || /^\W{0,20}(tool_use_)?error/i.test(first.text)) return texts;
  return [{ ...first, text: `Error: ${first.text}` }, ...rest];
}

/** One string, or parts if there is a cache breakpoint. */
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
